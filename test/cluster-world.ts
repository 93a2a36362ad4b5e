// Nodes for tests: server processes on one Postgres, with one simulator behind them all, and a client that balances between them.
import { join } from "node:path";
import { SQL } from "bun";
import { openStore } from "../src/db/postgres/store.ts";
import { Cluster } from "../src/db/postgres/testing.ts";
import type { Store } from "../src/db/store.ts";
import { type KeyLimits, NO_LIMITS } from "../src/domain/key.ts";
import { hashKey } from "../src/gateway/keys/keys.ts";
import { type Simulator, startSimulator } from "../src/simulator/simulator.ts";
import { temporaryFolder } from "../src/testing.ts";
import { S3_ACCESS_KEY, S3_REGION, S3_SECRET_KEY, type S3Server } from "./s3.ts";
import { serverEnv } from "./server-env.ts";

const ROOT = join(import.meta.dir, "..");
const SECRET_KEY = new Uint8Array(32).map((_, index) => index * 7 + 3);
const encodedKey = Buffer.from(SECRET_KEY).toString("base64");
export const KEY = "sk-f2a-cluster-0123456789-0123456789-0123456789abc";
export const IMAGE = "gemini-3-pro-image";
export const VIDEO = "gemini-omni-1.2-flash";

export type ServerNode = {
  readonly url: string;
  /** Of its present process in the table of nodes. */
  id(): Promise<number>;
  logged(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with its exit code. */
  readonly exited: Promise<number>;
  /** Another process in its place, at another address. */
  restart(): Promise<void>;
};

export type Nodes = AsyncDisposable & {
  postgres: Cluster;
  databaseUrl: string;
  secretKey: string;
  simulator: Simulator;
  store: Store;
  nodes: readonly [ServerNode, ServerNode];
  /** Sends JSON to a path of a node, with the test's key. */
  post(node: ServerNode, path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(node: ServerNode, path: string): Promise<Response>;
  /** With the test's key, unless `headers` says otherwise. */
  send(node: ServerNode, path: string, init: RequestInit): Promise<Response>;
  /** How many jobs are a node's. */
  jobsOf(node: number): Promise<number>;
  /** As a balancer does: to a node that is ready, to the other one where a connection cannot be had. */
  balanced(path: string, body: unknown): Promise<Response>;
};

type Options = {
  limits?: Partial<KeyLimits>;
  tokens?: number;
  concurrency?: number;
  /** Media lie in this bucket; absent: in a folder of each node. */
  s3?: Pick<S3Server, "endpoint" | "bucket">;
};

export async function startNodes({ limits = {}, tokens = 4, concurrency = 8, s3 }: Options = {}): Promise<Nodes> {
  const closing = new AsyncDisposableStack();
  try {
    const postgres = await Cluster.start();
    closing.defer(postgres.stop);
    await postgres.execute("CREATE DATABASE flow2api_test");
    const databaseUrl = postgres.url("flow2api_test");
    const simulator = await startSimulator();
    closing.defer(() => simulator.stop());
    const store = await openStore({ url: databaseUrl, secretKey: SECRET_KEY });
    closing.defer(() => store.close());
    await store.insertKey({ name: "client", prefix: "sk-f2a-cl", hash: hashKey(KEY), limits: { ...NO_LIMITS, ...limits } }, Date.now());
    for (let at = 0; at < tokens; at++) {
      const [secret, label] = [`project-${at}.key-one`, `token ${at}`];
      await store.insertToken(
        { provider: "gemini", label, secret, imageConcurrency: concurrency, videoConcurrency: concurrency },
        Date.now(),
      );
    }
    const env = { ...environment(simulator, databaseUrl), ...(s3 && bucketEnvironment(s3)) };
    const first = await startServer(env, closing);
    const second = await startServer(env, closing);
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const send = (url: string, init: RequestInit) => fetch(url, { ...init, proxy: "" } as RequestInit);
    const post: Nodes["post"] = (node, path, body, more = {}) =>
      send(`${node.url}${path}`, { method: "POST", headers: { ...headers, ...more }, body: JSON.stringify(body) });
    const nodes = [first, second] as const;
    const idOf = async (url: string) => (await store.listNodes()).find((row) => row.url === url && row.state !== "dead")?.id ?? 0;
    for (const node of nodes) node.id = () => idOf(node.url);
    let turn = 0;
    return {
      ...{ postgres, databaseUrl, secretKey: encodedKey, simulator, store, nodes, post },
      jobsOf: async (node) => {
        const sql = new SQL({ url: databaseUrl, max: 1 });
        const [row] = await sql`SELECT count(*)::int AS n FROM jobs WHERE node = ${node}`;
        await sql.close({ timeout: 1 });
        return row.n;
      },
      get: (node, path) => send(`${node.url}${path}`, { headers }),
      send: (node, path, init) =>
        send(`${node.url}${path}`, {
          ...init,
          headers: { authorization: headers.authorization, ...(init.headers as Record<string, string>) },
        }),
      async balanced(path, body) {
        for (let attempt = 0; ; attempt++) {
          const node = nodes[turn++ % 2]!;
          const ready = await send(`${node.url}/ready`, {}).catch(() => null);
          if (ready?.status !== 200 && attempt < 50) {
            await Bun.sleep(20);
            continue;
          }
          // Asked and not connected: nothing has reached it.
          const response = await post(node, path, body, { connection: "close" }).catch((error) => error as Error);
          if (response instanceof Response) return response;
          if (attempt >= 50 || (response as { code?: string }).code !== "ConnectionRefused") throw response;
        }
      },
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    };
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

const environment = (simulator: Simulator, databaseUrl: string): Record<string, string> => ({
  ...serverEnv(simulator),
  FLOW2API_SECRET_KEY: encodedKey,
  FLOW2API_STORAGE_DATABASE_URL: databaseUrl,
  FLOW2API_SERVER_DRAIN_TIMEOUT: "10",
  FLOW2API_ALERTS_ALLOW_PRIVATE_HOSTS: "127.0.0.1",
  FLOW2API_LOG_LEVEL: "info",
});

const bucketEnvironment = ({ endpoint, bucket }: Pick<S3Server, "endpoint" | "bucket">): Record<string, string> => ({
  FLOW2API_STORAGE_MEDIA_URL: `s3://${bucket}/pool`,
  FLOW2API_STORAGE_S3_ENDPOINT: endpoint,
  FLOW2API_STORAGE_S3_REGION: S3_REGION,
  FLOW2API_STORAGE_S3_ACCESS_KEY: S3_ACCESS_KEY,
  FLOW2API_STORAGE_S3_SECRET_KEY: S3_SECRET_KEY,
});

async function freePort(): Promise<number> {
  const probe = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = probe;
  await probe.stop(true);
  return port!;
}

async function startServer(env: Record<string, string>, closing: AsyncDisposableStack): Promise<ServerNode> {
  const folder = temporaryFolder();
  closing.defer(() => folder[Symbol.dispose]());
  let logged = "";
  const serve = async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    // Bun looks for tsconfig.json, which says what JSX is, where it is started.
    const child = Bun.spawn([process.execPath, "src/main.ts", "serve"], {
      cwd: ROOT,
      env: { ...env, FLOW2API_STORAGE_DATA_DIR: folder.path, FLOW2API_SERVER_PORT: `${port}`, FLOW2API_SERVER_NODE_URL: url },
      stdout: "pipe",
      stderr: "pipe",
    });
    const begun = logged.length;
    const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
        logged += chunk;
        if (logged.slice(begun).includes('"message":"listening"')) resolve();
      }
    };
    void read(child.stdout);
    void read(child.stderr).then(() => reject(new Error(`The server did not start:\n${logged}`)));
    await listening;
    return { child, url };
  };
  let running = await serve();
  closing.defer(async () => {
    running.child.kill("SIGKILL");
    await running.child.exited;
  });
  return {
    get url() {
      return running.url;
    },
    id: async () => 0,
    logged: () => logged,
    kill: (signal) => running.child.kill(signal),
    get exited() {
      return running.child.exited;
    },
    async restart() {
      running = await serve();
    },
  };
}

/** Tries until it is true; fails after `ms`. */
export async function eventually(what: string, ms: number, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  const until = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > until) throw new Error(`Not within ${ms} ms: ${what}`);
    await Bun.sleep(50);
  }
}
