// Kills the real server at random moments under load, starts it again, and checks what is left: jobs, ledger, media, submissions.
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { seededRandom, temporaryFolder } from "../../src/testing.ts";
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

const KEY = "sk-f2a-crash-key-000000000000000000000000000000";
const MAIN = join(import.meta.dir, "../..", "src", "main.ts");
const SECRETS = ["alpha-project.key-one", "beta-project.key-two", "gamma-project.key-three"];
/** Everything a submission, a poll and a download may meet, each now and then. */
const FAULTS = [
  // Time for a kill to fall between a submission and its response, and into a download.
  "gemini.interaction=latency(600):0.3",
  "gemini.generate=latency(400):0.3",
  "gemini.file-download=latency(400):0.3",
  "gemini.interaction=503:0.06",
  "gemini.interaction=429-minute(1):0.06",
  "gemini.interaction=lost:0.04",
  "gemini.interaction=text:0.04",
  "gemini.interaction-get=503:0.08",
  "gemini.interaction-get=cut:0.04",
  "gemini.file-download=503:0.08",
  "gemini.file-download=cut:0.05",
  "gemini.generate=503:0.05",
  "gemini.generate=lost:0.04",
].join(",");
/** The promise: settled so soon after a start. */
const SETTLED_MS = 30_000;
/** Rounds between two checks of everything. */
const LOOK_EVERY = 10;
/** Rounds between two moves of the folder. */
const COPY_EVERY = 4;
const VIDEOS_A_ROUND = 4;
const IMAGES_A_ROUND = 3;

/** A request that its client repeats, under one Idempotency-Key, until it has a response. */
type Asked = { kind: "video" | "image"; prompt: string; id: string | null };
type Server = { url: string; kill(): Promise<void>; log(): string };

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
      const server = await startServer(folder.path, simulator);
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

async function startServer(dataDir: string, simulator: Simulator): Promise<Server> {
  const child = Bun.spawn([process.execPath, MAIN, "serve"], {
    // Bun looks for tsconfig.json, which says what JSX is, where it is started.
    cwd: join(import.meta.dir, "../.."),
    env: {
      PATH: process.env.PATH ?? "",
      FLOW2API_STORAGE_DATA_DIR: dataDir,
      FLOW2API_SERVER_HOST: "127.0.0.1",
      FLOW2API_SERVER_PORT: "0",
      FLOW2API_GEMINI_BASE_URL: simulator.geminiBaseUrl,
      FLOW2API_FLOW_LABS_BASE_URL: simulator.flowLabsBaseUrl,
      FLOW2API_FLOW_API_BASE_URL: simulator.flowApiBaseUrl,
      FLOW2API_VERTEX_BASE_URL: simulator.vertexBaseUrl,
      FLOW2API_VERTEX_TOKEN_URL: simulator.vertexTokenUrl,
      FLOW2API_MEDIA_MIN_FREE_MB: "0",
      FLOW2API_LOG_FORMAT: "json",
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  let logged = "";
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      logged += decoder.decode(chunk, { stream: true });
      const url = /"message":"listening","url":"([^"]+)"/.exec(logged)?.[1];
      if (url) resolve(url);
    }
  };
  void Promise.all([read(child.stdout), read(child.stderr)]).then(() => reject(new Error(`The server did not start:\n${logged}`)));
  return {
    url: await listening,
    log: () => logged,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Sends the request until it is answered or the server is dead. */
async function ask({ url }: Server, request: Asked): Promise<void> {
  const path = request.kind === "video" ? "/v1/videos" : "/v1/images/generations";
  const shape =
    request.kind === "video" ? { model: "gemini-omni-1.2-flash", seconds: "4" } : { model: "gemini-nano-banana-2.1", background: true };
  for (let tries = 0; tries < 200; tries++) {
    try {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", "idempotency-key": request.prompt },
        body: JSON.stringify({ ...shape, prompt: request.prompt }),
      });
      const body = (await response.json()) as { id?: string };
      if (response.ok && body.id) {
        request.id = body.id;
        return;
      }
    } catch (error) {
      if (error instanceof Error && /ECONNREFUSED|ConnectionRefused/.test(`${error.name} ${"code" in error ? error.code : ""}`)) return;
    }
    await Bun.sleep(25);
  }
}

/** Starts once more, waits until every job is settled, and stops. The time that took, in ms. */
async function settle(dataDir: string, simulator: Simulator, requests: Asked[], violations: string[]): Promise<number> {
  const server = await startServer(dataDir, simulator);
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

/** Remembers which submissions the simulator took on: those it answered well, or would have. */
function countSubmissions(simulator: Simulator, submissions: Map<string, Set<number>>): void {
  for (const call of simulator.calls()) {
    if (call.operation !== "gemini.interaction" && call.operation !== "gemini.generate") continue;
    if (call.status !== 200) continue;
    const prompt = /crash \d+ \d+ \d+/.exec(JSON.stringify(call.body))?.[0];
    if (!prompt) continue;
    const times = submissions.get(prompt) ?? new Set();
    // Two submissions within a millisecond of one prompt would have to come from one process.
    submissions.set(prompt, times.add(call.at));
  }
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

type JobRecord = { id: string; kind: "video" | "image"; state: string; requestId: string; body: string };
type ReservationRecord = { requestId: string; state: string; images: number | null; videoMs: number | null };
type JobBody = { prompt: string; charged: boolean; seconds: number | null; mediaIds: string[] };

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
  const byId = new Map(jobs.map((job) => [job.id, { ...job, ...(JSON.parse(job.body) as JobBody) }]));

  for (const { id, prompt } of requests) {
    if (id === null) violations.push(`"${prompt}" was never answered`);
    else if (!byId.has(id)) violations.push(`${id} was answered and is lost`);
  }
  // A failure that cost nothing makes room for another job.
  const counted = [...byId.values()].filter(({ state, charged }) => state !== "failed" || charged);
  const prompts = Map.groupBy(counted, (job) => job.prompt);
  for (const [prompt, made] of prompts) if (made.length > 1) violations.push(`"${prompt}" became ${made.length} jobs`);
  for (const [prompt, times] of submissions) if (times.size > 1) violations.push(`"${prompt}" was submitted ${times.size} times`);

  const reserved = Map.groupBy(reservations, ({ requestId }) => requestId);
  for (const job of byId.values())
    for (const wrong of accountFor(job, reserved.get(job.requestId) ?? [])) violations.push(`${job.id}: ${wrong}`);
  const known = new Set(jobs.map(({ requestId }) => requestId));
  for (const { requestId, state } of reservations)
    if (state === "reserved" && !known.has(requestId)) violations.push(`the reservation of ${requestId} is open and belongs to nothing`);

  const referenced = new Set([...byId.values()].flatMap(({ mediaIds }) => mediaIds));
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

/** How the ledger differs from the job. */
function accountFor(job: JobRecord & JobBody, reservations: ReservationRecord[]): string[] {
  const open = reservations.filter(({ state }) => state === "reserved").length;
  if (job.state === "unknown") return open === 1 ? [] : [`unknown, with ${open} open reservations`];
  if (open > 0) return [`${job.state}, and its reservation is open`];
  const settled = reservations.filter(({ state }) => state === "settled");
  if (!job.charged) return settled.length === 0 ? [] : [`${job.state} without a charge, and settled`];
  if (settled.length !== 1) return [`${job.state} and charged, with ${settled.length} settled reservations`];
  const [{ videoMs, images }] = settled as [ReservationRecord];
  if (job.kind === "video") return videoMs === (job.seconds ?? 0) * 1000 ? [] : [`${job.seconds} s made, ${videoMs} ms settled`];
  const made = Math.max(1, job.mediaIds.length);
  return images === made ? [] : [`${made} images made, ${images} settled`];
}
