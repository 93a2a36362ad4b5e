// A whole gateway for a test: the real server on a free port, its own folder, and a simulator as upstream.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "../src/clock.ts";
import { loadConfig } from "../src/config/config.ts";
import type { SettingKey, SettingValue } from "../src/config/settings-keys.ts";
import type { Context } from "../src/context.ts";
import { loadSecretKey } from "../src/db/sqlite/secrets.ts";
import { openStore } from "../src/db/sqlite/store.ts";
import type { NewToken } from "../src/domain/token.ts";
import { createLog, type Log } from "../src/log.ts";
import { start } from "../src/server.ts";
import { type Simulator, type StartOptions as SimulatorStart, startSimulator } from "../src/simulator/simulator.ts";
import { temporaryFolder } from "../src/testing.ts";

export const KEY = "sk-f2a-test-key-of-the-rig-0000000000000000000";

export type Rig = AsyncDisposable & {
  url: string;
  key: string;
  folder: string;
  /** Path of the models file, which need not exist. */
  modelsFile: string;
  simulator: Simulator;
  /** The running program, for what cannot be seen from outside. */
  context: Context;
  /** Everything that was logged, as JSON lines. */
  logged: string[];
  /** Calls the gateway with the rig's key; an object body is sent as JSON. */
  call(path: string, init?: RequestInit & { json?: unknown }): Promise<Response>;
  /** A chat request that makes one image. */
  chat(body?: object, init?: RequestInit): Promise<Response>;
  /** Loads what has changed in the database and the models file, as the next check would. */
  reload(): Promise<void>;
  /** Stops the gateway and leaves its upstream and its folder. */
  stopGateway(): Promise<void>;
};

export type RigOptions = {
  tokens?: NewToken[];
  settings?: Partial<Record<SettingKey, SettingValue>>;
  simulator?: SimulatorStart;
  /** Another time than the system's. */
  clock?: Clock;
  /** Text of `config/models.toml`; absent: there is none at the start. */
  models?: string;
  /** A data folder that lives longer than the rig, so that another one begins where this one ended; absent: its own. */
  folder?: string;
};

/** The system's clock in a month in which no model of the catalogue is about to retire. */
export function quietMonth(): Clock {
  const back = Date.now() - Date.UTC(2026, 7, 3, 12);
  return { now: () => Date.now() - back, after: systemClock.after };
}

/** A clock ten times as fast as the system's: videos are polled at intervals of seconds. */
export function hurriedClock(): Clock {
  const start = Date.now();
  return { now: () => start + (Date.now() - start) * 10, after: (ms, task) => systemClock.after(ms / 10, task) };
}

export const GEMINI: NewToken = { provider: "gemini", label: "alpha", secret: "alpha-project.key-one" };
export const GEMINI_TWO: NewToken = { provider: "gemini", label: "beta", secret: "beta-project.key-two" };
export const FLOW: NewToken = { provider: "flow", label: "flow", secret: "flow-session-pro-one" };

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const { tokens = [GEMINI], settings = {}, simulator: simulated = {}, clock } = options;
  const isAgain = options.folder !== undefined && existsSync(join(options.folder, "flow2api.db"));
  const folder = options.folder ? { path: options.folder, [Symbol.dispose]() {} } : temporaryFolder();
  const simulator = await startSimulator(simulated);
  const logged: string[] = [];
  const log: Log = createLog({ level: "debug", format: "json", write: (line) => logged.push(line) });
  await addTokens(folder.path, tokens);
  const config = loadConfig({
    file: null,
    env: {},
    flags: {
      "server.host": "127.0.0.1",
      "server.port": 0,
      "server.drain_timeout": 2,
      "storage.data_dir": folder.path,
      "gemini.base_url": simulator.geminiBaseUrl,
      "flow.labs_base_url": simulator.flowLabsBaseUrl,
      "flow.api_base_url": simulator.flowApiBaseUrl,
      "vertex.base_url": simulator.vertexBaseUrl,
      "vertex.token_url": simulator.vertexTokenUrl,
      "media.min_free_mb": 0,
      // Only what a test asks for reaches the simulator.
      "refresh.enabled": false,
      ...settings,
    },
  });
  const modelsFile = join(folder.path, "models.toml");
  if (options.models !== undefined) writeFileSync(modelsFile, options.models);
  config.modelsFile = { name: "config/models.toml", path: modelsFile };
  const server = await start({ config, log, firstKey: isAgain ? undefined : KEY, clock });
  let stopped: Promise<void> | null = null;
  const stopGateway = () => (stopped ??= server.stop());
  const call: Rig["call"] = (path, { json, ...init } = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      ...(json === undefined ? {} : { method: "POST", body: JSON.stringify(json) }),
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(init.headers as Record<string, string>),
      },
    });
  return {
    url: server.url,
    key: KEY,
    folder: folder.path,
    modelsFile,
    simulator,
    context: server.context,
    logged,
    call,
    chat: (body = {}, init = {}) =>
      call("/v1/chat/completions", {
        ...init,
        json: { model: "gemini-3.1-flash-image", messages: [{ role: "user", content: "a fox" }], ...body },
      }),
    reload: server.reload,
    stopGateway,
    async [Symbol.asyncDispose]() {
      await stopGateway();
      await simulator.stop();
      folder[Symbol.dispose]();
    },
  };
}

async function addTokens(dataDir: string, tokens: NewToken[]): Promise<void> {
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
  for (const token of tokens) await store.insertToken(token, Date.now());
  await store.close();
}

/** The `data:` payloads of a whole event stream; comments are left out. */
export function framesOf(text: string): string[] {
  return text
    .split("\n\n")
    .flatMap((block) => block.split("\n"))
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length));
}

/** The body that an upstream was sent last; a check of a token in the meantime has none. */
export const lastSent = ({ simulator }: Pick<Rig, "simulator">): unknown => simulator.calls().findLast(({ body }) => body !== null)?.body;
