// Two nodes in one process, on one Postgres and one simulator: what a test does to either of them from inside.
import { loadConfig } from "../../src/config/config.ts";
import { databaseOf } from "../../src/db/postgres/testing.ts";
import type { Store } from "../../src/db/store.ts";
import type { Job, JobState } from "../../src/domain/job.ts";
import type { CreateImageJob, CreateVideoJob } from "../../src/gateway/jobs/contract.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { parseModel } from "../../src/gateway/models/testing.ts";
import { newId } from "../../src/ids.ts";
import { createLog } from "../../src/log.ts";
import { type RunningServer, start } from "../../src/server.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { temporaryFolder } from "../../src/testing.ts";

const SECRET_KEY = Buffer.from(new Uint8Array(32).map((_, at) => at * 7 + 3)).toString("base64");

export type NodePair = AsyncDisposable & {
  a: RunningServer;
  b: RunningServer;
  /** Node A's: rows are the same on both. */
  store: Store;
  simulator: Simulator;
  keyId: number;
  /** Lines of both logs. */
  logged: string[];
  video(change?: Partial<CreateVideoJob>): CreateVideoJob;
  images(change?: Partial<CreateImageJob>): CreateImageJob;
  /** Waits until the job is in one of the states. */
  until(id: string, ...states: JobState[]): Promise<Job>;
  /** Reservations that are open in the store. */
  open(): Promise<number>;
};

type Options = { tokens?: number; simulator?: Parameters<typeof startSimulator>[0]; settings?: Record<string, string | number | boolean> };

export async function startPair({ tokens = 3, simulator: simulated = {}, settings = {} }: Options = {}): Promise<NodePair> {
  const closing = new AsyncDisposableStack();
  try {
    const [shared, ...folders] = [temporaryFolder(), temporaryFolder(), temporaryFolder()] as const;
    for (const folder of [shared, ...folders]) closing.use(folder);
    const simulator = await startSimulator(simulated);
    closing.defer(() => simulator.stop());
    const url = await databaseOf(shared.path);
    const logged: string[] = [];
    const former = process.env.FLOW2API_SECRET_KEY;
    process.env.FLOW2API_SECRET_KEY = SECRET_KEY;
    closing.defer(() => {
      if (former === undefined) delete process.env.FLOW2API_SECRET_KEY;
      else process.env.FLOW2API_SECRET_KEY = former;
    });
    const serve = async (dataDir: string) => {
      const flags = {
        "storage.data_dir": dataDir,
        "storage.database_url": url,
        "server.host": "127.0.0.1",
        "server.port": 0,
        "server.drain_timeout": 0,
        "media.min_free_mb": 0,
        "gemini.base_url": simulator.geminiBaseUrl,
        "flow.labs_base_url": simulator.flowLabsBaseUrl,
        "flow.api_base_url": simulator.flowApiBaseUrl,
        ...settings,
      };
      const log = createLog({ level: "info", format: "json", write: (line) => logged.push(line), now: Date.now });
      const server = await start({ config: loadConfig({ file: null, env: {}, flags }), log });
      closing.defer(() => server.stop());
      return server;
    };
    const a = await serve(folders[0].path);
    const { store } = a.context;
    const key = await store.insertKey({ name: "pair", prefix: "sk-pair", hash: hashKey("sk-pair") }, Date.now());
    for (let at = 0; at < tokens; at++)
      await store.insertToken({ provider: "gemini", label: `token ${at}`, secret: `project-${at}.key-one` }, Date.now());
    await a.reload();
    const b = await serve(folders[1].path);
    const common = (route: string) => ({ requestId: newId(), dialect: "openai" as const, route, keyId: key.id, startedAt: Date.now() });
    return {
      ...{ a, b, store, simulator, keyId: key.id, logged },
      video: (change = {}) => ({
        ...common("POST /v1/videos"),
        ...{ choice: parseModel("gemini-omni-1.2-flash")!, prompt: "a fox", options: {}, images: [], ...change },
      }),
      images: (change = {}) => ({
        ...common("POST /v1/images/generations"),
        ...{ choice: parseModel("gemini-nano-banana-2.1")!, options: {}, n: 1 },
        turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }],
        ...change,
      }),
      async until(id, ...states) {
        await within(20_000, `${id} is ${states.join(" or ")}`, async () => states.includes((await store.getJob(id))?.state as JobState));
        return (await a.context.jobs.get(id, null))!;
      },
      open: async () => (await store.readLedger([], 0)).open.length,
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    };
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

/** Tries until it is so; fails after `ms`. */
export async function within(ms: number, what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const until = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`Not within ${ms} ms: ${what}`);
    await Bun.sleep(20);
  }
}
