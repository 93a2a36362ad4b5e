// What the crash loops share: the load, the faults, and the checks of jobs, reservations and submissions against what was asked.
import { join } from "node:path";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { serverEnv } from "../server-env.ts";

export const KEY = "sk-f2a-crash-key-000000000000000000000000000000";
const MAIN = join(import.meta.dir, "../..", "src", "main.ts");
export const SECRETS = ["alpha-project.key-one", "beta-project.key-two", "gamma-project.key-three"];
/** Everything a submission, a poll and a download may meet, each now and then. */
export const FAULTS = [
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
/** A request that its client repeats, under one Idempotency-Key, until it has a response. */
export type Asked = { kind: "video" | "image"; prompt: string; id: string | null };
export type Server = { url: string; kill(): Promise<void>; log(): string };

/** @param env what the server is told beside its upstreams */
export async function startServer(env: Record<string, string>, simulator: Simulator): Promise<Server> {
  const child = Bun.spawn([process.execPath, MAIN, "serve"], {
    // Bun looks for tsconfig.json, which says what JSX is, where it is started.
    cwd: join(import.meta.dir, "../.."),
    env: {
      ...env,
      ...serverEnv(simulator),
      FLOW2API_SERVER_PORT: "0",
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
export async function ask(server: Pick<Server, "url">, request: Asked): Promise<void> {
  const path = request.kind === "video" ? "/v1/videos" : "/v1/images/generations";
  const shape =
    request.kind === "video" ? { model: "gemini-omni-1.2-flash", seconds: "4" } : { model: "gemini-nano-banana-2.1", background: true };
  for (let tries = 0; tries < 200; tries++) {
    try {
      const response = await fetch(`${server.url}${path}`, {
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

/** Remembers which submissions the simulator took on: those it answered well, or would have. */
export function countSubmissions(simulator: Simulator, submissions: Map<string, Set<number>>): void {
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

export type JobRecord = { id: string; kind: "video" | "image"; state: string; requestId: string; body: string };
export type ReservationRecord = { requestId: string; state: string; images: number | null; videoMs: number | null };
export type JobBody = { prompt: string; charged: boolean; seconds: number | null; mediaIds: string[] };

/** What must not be of jobs and reservations. */
export function checkRecords(
  { jobs, reservations }: { jobs: readonly JobRecord[]; reservations: readonly ReservationRecord[] },
  { requests, submissions }: { requests: readonly Asked[]; submissions: ReadonlyMap<string, ReadonlySet<number>> },
): string[] {
  const violations: string[] = [];
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
  return violations;
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
