// Kills one of two servers on one Postgres at random moments under load, starts it again, and checks what is left.
import { SQL } from "bun";
import { openStore } from "../../src/db/postgres/store.ts";
import { Cluster } from "../../src/db/postgres/testing.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { seededRandom, temporaryFolder } from "../../src/testing.ts";
import {
  type Asked,
  ask,
  checkRecords,
  countSubmissions,
  FAULTS,
  type JobBody,
  type JobRecord,
  KEY,
  type ReservationRecord,
  SECRETS,
  type Server,
  startServer,
} from "./crash-checks.ts";

export type NodesCrashOptions = {
  kills: number;
  seed: number;
  /** Reported after each kill. */
  onKill?: (kill: number, summary: string) => void;
};

export type NodesCrashReport = {
  kills: number;
  jobs: number;
  byState: Record<string, number>;
  /** Prompts that the upstream took on. */
  submissions: number;
  /** Longest time from the last kill to the moment when every job was settled, in ms. */
  slowestMs: number;
  /** What must not be; empty when all is well. */
  violations: string[];
};

const SECRET_KEY = new Uint8Array(32).map((_, index) => index * 5 + 1);
const VIDEOS_A_ROUND = 3;
const IMAGES_A_ROUND = 2;
/** Kills between two checks of everything. */
const LOOK_EVERY = 10;
/** The promise, when both live again: a dead node is taken over after 10 s, and then its jobs are settled as after a start. */
const SETTLED_MS = 45_000;
/** Share of rounds that last long enough for a dead node to be taken over. */
const LONG_ROUNDS = 0.2;
const LONG_MS = 13_000;

export async function crashNodes({ kills, seed, onKill }: NodesCrashOptions): Promise<NodesCrashReport> {
  const random = seededRandom(seed);
  await using closing = new AsyncDisposableStack();
  const postgres = await Cluster.start();
  closing.defer(postgres.stop);
  await postgres.execute("CREATE DATABASE flow2api_crash");
  const url = postgres.url("flow2api_crash");
  const simulator = await startSimulator({ seed, faults: FAULTS, videoMs: 1200, latencyMs: 40 });
  closing.defer(() => simulator.stop());
  await prepare(url);
  const sql = new SQL({ url, max: 2 });
  closing.defer(() => sql.close({ timeout: 1 }));
  const serve = (dataDir: string) =>
    startServer(
      {
        FLOW2API_SECRET_KEY: Buffer.from(SECRET_KEY).toString("base64"),
        FLOW2API_STORAGE_DATABASE_URL: url,
        FLOW2API_STORAGE_DATA_DIR: dataDir,
      },
      simulator,
    );
  const folders = [closing.use(temporaryFolder()).path, closing.use(temporaryFolder()).path] as const;
  const servers = await Promise.all(folders.map(serve));
  closing.defer(async () => void (await Promise.all(servers.map((server) => server.kill()))));
  const load = new Load(servers);
  const submissions = new Map<string, Set<number>>();
  const violations: string[] = [];
  let slowestMs = 0;
  let killed = 0;
  for (let kill = 1; kill <= kills; kill++) {
    for (let count = 0; count < VIDEOS_A_ROUND + IMAGES_A_ROUND; count++)
      load.add({ kind: count < VIDEOS_A_ROUND ? "video" : "image", prompt: `crash ${seed} ${kill} ${count}`, id: null });
    load.askAll();
    await Bun.sleep(random() < LONG_ROUNDS ? LONG_MS * random() : 30 + Math.floor(random() ** 2 * 3500));
    const victim = random() < 0.5 ? 0 : 1;
    await servers[victim]!.kill();
    killed++;
    const errors = errorsOf(servers[victim]!);
    servers[victim] = await serve(folders[victim]!);
    countSubmissions(simulator, submissions);
    violations.push(...errors);
    if (kill % LOOK_EVERY === 0 || kill === kills) {
      slowestMs = Math.max(slowestMs, await settle(sql, load, violations));
      countSubmissions(simulator, submissions);
      violations.push(...servers.flatMap(errorsOf), ...(await inspect(sql, load.requests, submissions)));
    }
    onKill?.(kill, `${load.requests.filter(({ id }) => id !== null).length} of ${load.requests.length} requests answered`);
    if (violations.length > 0) break;
  }
  const states = (await sql`SELECT state, count(*)::int AS n FROM jobs GROUP BY state`) as { state: string; n: number }[];
  const byState = Object.fromEntries(states.map(({ state, n }) => [state, n]));
  return { kills: killed, jobs: states.reduce((sum, { n }) => sum + n, 0), byState, submissions: submissions.size, slowestMs, violations };
}

async function prepare(url: string): Promise<void> {
  const store = await openStore({ url, secretKey: SECRET_KEY });
  for (const [index, secret] of SECRETS.entries())
    await store.insertToken({ provider: "gemini", label: `token ${index}`, secret, videoConcurrency: 4, imageConcurrency: 4 }, Date.now());
  await store.insertKey({ name: "crash", hash: hashKey(KEY), prefix: KEY.slice(0, 11) }, Date.now());
  await store.close();
}

/** Requests that are asked of either server until they are answered; one that waits for a dead node's claim is not asked twice. */
class Load {
  readonly requests: Asked[] = [];
  readonly #asking = new Map<Asked, Promise<void>>();
  #turn = 0;

  constructor(private readonly servers: readonly Server[]) {}

  add(request: Asked): void {
    this.requests.push(request);
  }

  askAll(): void {
    for (const request of this.requests) {
      if (request.id !== null || this.#asking.has(request)) continue;
      const asking = ask(this.servers[this.#turn++ % this.servers.length]!, request).finally(() => this.#asking.delete(request));
      this.#asking.set(request, asking);
    }
  }

  get isAnswered(): boolean {
    return this.requests.every(({ id }) => id !== null);
  }
}

const OPEN = "('queued', 'submitting', 'running', 'storing')";

/** Waits until every request is answered and every job settled. The time that took, in ms. */
async function settle(sql: SQL, load: Load, violations: string[]): Promise<number> {
  const startedAt = performance.now();
  const open = () => sql.unsafe(`SELECT id, state FROM jobs WHERE state IN ${OPEN}`) as Promise<{ id: string; state: string }[]>;
  const unsettled = () =>
    sql.unsafe(`SELECT 1 FROM reservations WHERE state = 'reserved'
      AND request_id NOT IN (SELECT request_id FROM jobs WHERE state = 'unknown')`) as Promise<unknown[]>;
  for (;;) {
    load.askAll();
    const isSettled = load.isAnswered && (await open()).length === 0 && (await unsettled()).length === 0;
    if (isSettled || performance.now() - startedAt > SETTLED_MS) break;
    await Bun.sleep(200);
  }
  for (const { id, state } of await open()) violations.push(`${id} is ${state} ${SETTLED_MS / 1000} s after the last kill`);
  // Slots are given back a moment after their calls have ended.
  await Bun.sleep(1_000);
  return performance.now() - startedAt;
}

/** Said of a machine that is short of processor time, not of the server. */
const OF_MACHINE = /event loop (?:stands still|runs again)/i;

function errorsOf(server: Server): string[] {
  const line = (server.log().match(/.*"level":"error".*/g) ?? []).find((one) => !OF_MACHINE.test(one));
  return line === undefined ? [] : [`a server logged an error: ${line}`];
}

/** Holds everything that is in the database against everything that was asked and submitted. */
async function inspect(sql: SQL, requests: readonly Asked[], submissions: ReadonlyMap<string, ReadonlySet<number>>): Promise<string[]> {
  const jobs: JobRecord[] = await sql`SELECT id, kind, state, request_id AS "requestId", body FROM jobs`;
  const reservations: ReservationRecord[] = await sql`
    SELECT request_id AS "requestId", state, actual_images::int AS images, actual_video_ms::int AS "videoMs" FROM reservations`;
  const violations = checkRecords({ jobs, reservations }, { requests, submissions });
  const stored: { id: string }[] = await sql`SELECT id FROM media WHERE origin = 'result'`;
  const referenced = new Set(jobs.flatMap(({ body }) => (JSON.parse(body) as JobBody).mediaIds));
  for (const { id } of stored) if (!referenced.has(id)) violations.push(`medium ${id} belongs to no job`);
  const there = new Set(stored.map(({ id }) => id));
  for (const id of referenced) if (!there.has(id)) violations.push(`medium ${id} of a job is not there`);
  for (const { name, query } of COUNTERS) {
    const wrong = (await sql.unsafe(query)) as object[];
    for (const row of wrong) violations.push(`${name}: ${JSON.stringify(row)}`);
  }
  return violations;
}

/** What is counted beside the rows: each query finds what differs when nothing runs. */
const COUNTERS = [
  {
    name: "slots of tokens are held although nothing runs",
    query: `SELECT token_id::int, kind, in_flight::int FROM slots WHERE in_flight <> 0
      UNION ALL SELECT token_id::int, kind, in_flight::int FROM node_slots WHERE in_flight <> 0`,
  },
  {
    name: "a key's concurrency is not that of its open reservations",
    query: `SELECT key_id::int, in_flight::int,
        (SELECT count(*)::int FROM reservations AS open WHERE open.key_id = key_states.key_id AND state = 'reserved' AND holds_concurrency) AS held
      FROM key_states WHERE in_flight <> (
        SELECT count(*) FROM reservations AS open WHERE open.key_id = key_states.key_id AND state = 'reserved' AND holds_concurrency)`,
  },
  {
    name: "what is reserved in a period is not the sum of open reservations",
    query: `SELECT key_id::int, period, reserved_video_ms::int, reserved_images::int FROM key_usage AS usage
      WHERE (reserved_video_ms, reserved_images) <> (
        SELECT coalesce(sum(video_ms), 0), coalesce(sum(images), 0) FROM reservations AS open
        WHERE open.key_id = usage.key_id AND state = 'reserved' AND periods::jsonb ? usage.period)`,
  },
];
