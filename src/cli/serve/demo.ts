// flow2api demo: a server with the simulator inside, on a data folder that vanishes.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, loadConfig } from "../../config/config.ts";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { NewToken } from "../../domain/token.ts";
import { storePassword } from "../../gateway/auth/password.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { defineVerb, type Io, usageError } from "../verb.ts";
import { createServerLog, listening, watchEventLoop } from "./listen.ts";
import { watchSignals } from "./signals.ts";

const HOST = "127.0.0.1";
const KEY = "han1234";

/** The simulator takes the part of a secret before the dot as the project, and the plan from the name of a session. */
const TOKENS: readonly NewToken[] = [
  { provider: "gemini", label: "alpha-1", group: "alpha", secret: "demo-alpha.1" },
  { provider: "gemini", label: "alpha-2", group: "alpha", secret: "demo-alpha.2" },
  { provider: "gemini", label: "beta-1", group: "beta", secret: "demo-beta.1" },
  { provider: "flow", label: "flow-pro", secret: "demo-flow-pro-1" },
  { provider: "flow", label: "flow-ultra", secret: "demo-flow-ultra-1" },
];

export const demo = defineVerb({
  name: "demo",
  summary: "Serve on this machine only, with simulated upstreams and demo tokens: nothing to set up, nothing stored.",
  options: {
    port: { type: "string", value: "P", help: "port to listen on (default: 8000)" },
    host: { type: "string", value: "H", help: `only ${HOST}: the demo's key is known to everyone` },
  },
  async run({ values, io }) {
    if (values.host !== undefined && values.host !== HOST && values.host !== "localhost") {
      throw usageError(`--host: expected ${HOST}: the demo listens on this machine only.`);
    }
    // Checked before anything is started.
    loadConfig({ file: null, env: {}, flags: { "server.port": values.port } });
    using folder = temporaryFolder();
    using signals = watchSignals(io, folder[Symbol.dispose]);
    const { startSimulator } = await import("../../simulator/simulator.ts");
    const simulator = await startSimulator({ port: 0 });
    try {
      const config = demoConfig(folder.path, values.port, simulator);
      await fillPool(folder.path, io);
      const { start } = await import("../../server.ts");
      using log = createServerLog(config, io);
      using watchdog = watchEventLoop(config, io, log);
      const starting = start({ config, log, simulated: true, firstKey: KEY, requestWatch: watchdog });
      const server = await listening(starting, config.settings.server);
      io.stdout(whatToTry(server.port));
      await signals.stopped;
      await server.stop();
    } finally {
      await simulator.stop();
    }
    return 0;
  },
});

function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "flow2api-demo-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

type Upstreams = Pick<Simulator, "geminiBaseUrl" | "flowLabsBaseUrl" | "flowApiBaseUrl" | "vertexBaseUrl" | "vertexTokenUrl">;

/** Neither file nor environment count: the demo is the same everywhere, and never calls a real upstream. */
function demoConfig(dataDir: string, port: string | undefined, upstreams: Upstreams): Config {
  return loadConfig({
    file: null,
    env: {},
    flags: {
      "server.host": HOST,
      "server.port": port,
      "storage.data_dir": dataDir,
      "gemini.base_url": upstreams.geminiBaseUrl,
      "flow.labs_base_url": upstreams.flowLabsBaseUrl,
      "flow.api_base_url": upstreams.flowApiBaseUrl,
      "vertex.base_url": upstreams.vertexBaseUrl,
      "vertex.token_url": upstreams.vertexTokenUrl,
    },
  });
}

/** With the secret key that the server will take. */
async function fillPool(dataDir: string, io: Io): Promise<void> {
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, io.env) });
  try {
    for (const token of TOKENS) await store.insertToken(token, io.now());
    await storePassword(store, KEY, false);
  } finally {
    await store.close();
  }
}

const whatToTry = (port: number) => `
flow2api demo on http://${HOST}:${port}. Every result is simulated: nothing leaves this machine.

The admin panel, password ${KEY}:
  http://localhost:${port}/admin

The models:
  curl http://localhost:${port}/v1/models -H "Authorization: Bearer ${KEY}"

An image:
  curl -X POST http://localhost:${port}/v1/chat/completions -H "Authorization: Bearer ${KEY}" -H "Content-Type: application/json" \\
    -d '{"model":"gemini-2.5-flash-image-landscape","messages":[{"role":"user","content":"a red fox"}],"stream":true}'

Ctrl-C stops it and removes its temporary data folder.

`;
