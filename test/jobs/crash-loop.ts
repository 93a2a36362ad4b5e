// Kills the real server at random moments under load, starts it again, and checks what is left: jobs, ledger, media, submissions.
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
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
  startServer,
} from "./crash-checks.ts";
import { MovingFolder, mediaNames } from "./crash-folders.ts";

export type CrashOptions = {
  rounds: number;
  seed: number;
  /** Reported after each round. */
  onRound?: (round: number, summary: string) => void;
};

export type CrashReport = {
  rounds: number;
  jobs: number;
  byState: Record<string, number>;
  /** Longest time from a start to the moment when every job was settled, in ms. */
  slowestMs: number;
  /** How often it went on from a copy of the dead process's folder, and from a backup. */
  copies: number;
  restores: number;
  /** What must not be; empty when all is well. */
  violations: string[];
};

/** The promise: settled so soon after a start. */
const SETTLED_MS = 30_000;
/** Rounds between two checks of everything. */
const LOOK_EVERY = 10;
/** Rounds between two moves of the folder. */
const COPY_EVERY = 4;
const VIDEOS_A_ROUND = 4;
const IMAGES_A_ROUND = 3;

export async function crashLoop({ rounds, seed, onRound }: CrashOptions): Promise<CrashReport> {
  const random = seededRandom(seed);
  using root = temporaryFolder("flow2api-crash-");
  const folder = new MovingFolder(root.path);
  const [backUpIn, restoreIn] = [Math.ceil(rounds / 3), Math.ceil((2 * rounds) / 3)];
  /** Answered before the backup was made: these a restore has to bring back. */
  let backedUp: Asked[] = [];
  const simulator = await startSimulator({ seed, faults: FAULTS, videoMs: 1200, latencyMs: 40 });
  const requests: Asked[] = [];
  /** Accepted submissions by prompt: the simulator remembers only its last calls. */
  const submissions = new Map<string, Set<number>>();
  const violations: string[] = [];
  let slowestMs = 0;
  try {
    await prepareFolder(folder.path);
    for (let round = 1; round <= rounds; round++) {
      const server = await startServer({ FLOW2API_STORAGE_DATA_DIR: folder.path }, simulator);
      for (const name of folder.lostFiles()) violations.push(`file ${name} was there before a restore and is nowhere`);
      for (let count = 0; count < VIDEOS_A_ROUND + IMAGES_A_ROUND; count++)
        requests.push({ kind: count < VIDEOS_A_ROUND ? "video" : "image", prompt: `crash ${seed} ${round} ${count}`, id: null });
      const asking = Promise.all(requests.filter(({ id }) => id === null).map((request) => ask(server, request)));
      await Bun.sleep(30 + Math.floor(random() ** 2 * 3500));
      if (round === backUpIn) {
        backedUp = requests.filter(({ id }) => id !== null).map((request) => ({ ...request }));
        await folder.backUp();
      }
      const isRestored = round === restoreIn && rounds > 2;
      const whileItRuns = random() < 0.5;
      if (isRestored && whileItRuns) await folder.restore();
      await server.kill();
      await asking;
      if (isRestored && !whileItRuns) await folder.restore();
      if (isRestored) requests.splice(0, requests.length, ...backedUp);
      if (round % COPY_EVERY === 0) folder.copy();
      countSubmissions(simulator, submissions);
      if (round % LOOK_EVERY === 0 || round === rounds) {
        slowestMs = Math.max(slowestMs, await settle(folder.path, simulator, requests, violations));
        countSubmissions(simulator, submissions);
      }
      onRound?.(round, `${requests.filter(({ id }) => id !== null).length} of ${requests.length} requests answered`);
      if (violations.length > 0) break;
    }
    const { byState, jobs } = inspect(folder.path, requests, submissions, violations);
    return { rounds, jobs, byState, slowestMs, violations, ...folder.done };
  } finally {
    await simulator.stop();
  }
}

async function prepareFolder(dataDir: string): Promise<void> {
  const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
  for (const [index, secret] of SECRETS.entries())
    await store.insertToken({ provider: "gemini", label: `token ${index}`, secret, videoConcurrency: 4, imageConcurrency: 4 }, Date.now());
  await store.insertKey({ name: "crash", hash: hashKey(KEY), prefix: KEY.slice(0, 11) }, Date.now());
  await store.close();
}

/** Starts once more, waits until every job is settled, and stops. The time that took, in ms. */
async function settle(dataDir: string, simulator: Simulator, requests: Asked[], violations: string[]): Promise<number> {
  const server = await startServer({ FLOW2API_STORAGE_DATA_DIR: dataDir }, simulator);
  const startedAt = performance.now();
  await Promise.all(requests.filter(({ id }) => id === null).map((request) => ask(server, request)));
  // The latest requests are of this run; the promise is made for all.
  let open = openJobs(dataDir);
  while (open.length > 0 && performance.now() - startedAt < SETTLED_MS) {
    await Bun.sleep(100);
    open = openJobs(dataDir);
  }
  const ms = performance.now() - startedAt;
  for (const job of open) violations.push(`${job} is not settled ${SETTLED_MS / 1000} s after the start`);
  // Ends of the ledger and the request log are written within moments.
  await Bun.sleep(300);
  await server.kill();
  if (/"level":"error"/.test(server.log())) violations.push(`the server logged an error: ${/.*"level":"error".*/.exec(server.log())?.[0]}`);
  return ms;
}

const openDatabase = (dataDir: string) => new Database(join(dataDir, "flow2api.db"), { readonly: true });

function openJobs(dataDir: string): string[] {
  using db = openDatabase(dataDir);
  return db
    .query<{ id: string; state: string }, []>(
      "SELECT id, state FROM jobs WHERE state NOT IN ('completed', 'failed', 'cancelled', 'unknown')",
    )
    .all()
    .map(({ id, state }) => `${id} (${state})`);
}

/** Holds everything that is on disk against everything that was asked and submitted. */
function inspect(dataDir: string, requests: Asked[], submissions: Map<string, Set<number>>, violations: string[]) {
  using db = openDatabase(dataDir);
  const jobs = db.query<JobRecord, []>("SELECT id, kind, state, request_id AS requestId, body FROM jobs").all();
  const reservations = db
    .query<ReservationRecord, []>(
      "SELECT request_id AS requestId, state, actual_images AS images, actual_video_ms AS videoMs FROM reservations",
    )
    .all();
  const media = db.query<{ id: string; requestId: string; ext: string }, []>(
    "SELECT id, request_id AS requestId, ext FROM media WHERE origin = 'result'",
  );
  const inRows = new Set(
    db
      .query<{ id: string }, []>("SELECT id FROM media WHERE data IS NOT NULL")
      .all()
      .map(({ id }) => id),
  );
  violations.push(...checkRecords({ jobs, reservations }, { requests, submissions }));
  const referenced = new Set(jobs.flatMap(({ body }) => (JSON.parse(body) as JobBody).mediaIds));
  const stored = media.all();
  const files = new Set(mediaNames(join(dataDir, "media")));
  for (const { id, ext } of stored) {
    if (!referenced.has(id)) violations.push(`medium ${id} belongs to no job`);
    if (!inRows.has(id) && !files.has(`${id}.${ext}`)) violations.push(`medium ${id} has no bytes`);
  }
  const there = new Set(stored.map(({ id }) => id));
  for (const name of files) if (!there.has(name.slice(0, 26))) violations.push(`file ${name} belongs to no medium`);
  for (const id of referenced) if (!there.has(id)) violations.push(`medium ${id} of a job is not there`);
  const byState = Object.fromEntries([...Map.groupBy(jobs, ({ state }) => state)].map(([state, some]) => [state, some.length]));
  return { byState, jobs: jobs.length };
}
