// A gateway that looks like one in use, for the images of the documentation: simulated upstreams, made-up names, real work on top of a made-up month.

import type { JobRow } from "../src/db/jobs.ts";
import { omit } from "../src/domain/omit.ts";
import type { CooldownRow } from "../src/domain/token.ts";
import type { FailureReason } from "../src/errors.ts";
import { newKey, newTimeId } from "../src/ids.ts";
import { seededRandom } from "../src/testing.ts";
import { type SignedIn, signIn } from "../test/admin/admin.ts";
import { seedUse } from "../test/admin/seed.ts";
import { type Rig, startRig } from "../test/rig.ts";
import { IMAGES, KEYS, PAUSED, TOKENS, TRIED, VIDEOS } from "./showcase-data.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Parts of a day that are made up at once. */
const BLOCKS = 8;

/** Something to show on every page; those with an id are worth a page of their own. `run` is a job of the playground. */
export type Showcase = { rig: Rig; cookie: string; token: number; key: number; job: string; run: string; image: string; request: string };

export async function startShowcase(): Promise<Showcase> {
  const tokens = TOKENS.map((token) => omit(token, ["held", "tier", "credits"]));
  const settings = { "log.level": "info", "requests.record_payloads": true } as const;
  const rig = await startRig({ tokens, simulator: { videoMs: 4000 }, settings });
  rig.context.log.setLevel("info");
  const keys = await addKeys(rig);
  await addMonth(rig);
  await learn(rig);
  const job = await makeVideos(rig, keys);
  await addEndedJobs(rig);
  const me = await signIn(rig);
  const run = await tryInPlayground(rig, me);
  const image = await makeImages(rig, keys);
  await addOpenJobs(rig);
  await addTrail(rig);
  const token = rig.context.pool.rows().find(({ label }) => label === PAUSED)!.id;
  await addPauses(rig, token);
  holdBack(rig);
  const request = (await rig.context.requests.list({ limit: 20 })).find(({ attempts, outcome }) => attempts.length > 1 && outcome === "ok");
  return { rig, cookie: me.cookie, token, key: 2, job, run, image, request: request!.id };
}

/** More on working days, little at night, and more every week. */
async function addMonth(rig: Rig): Promise<void> {
  const { clock, limits } = rig.context;
  // Loaded once, after all blocks.
  const load = limits.load.bind(limits);
  limits.load = async () => {};
  const now = clock.now();
  const random = seededRandom(9);
  for (let block = 29 * BLOCKS; block >= 0; block--) {
    const end = now - (block * DAY) / BLOCKS;
    const date = new Date(end);
    const isWeekend = date.getUTCDay() % 6 === 0;
    const byHour = 0.25 + Math.max(0, Math.sin(((date.getUTCHours() - 5) / 18) * Math.PI));
    const count = Math.round(22 * byHour * (isWeekend ? 0.55 : 1) * (1 - block / (60 * BLOCKS)) * (0.7 + 0.6 * random()));
    const then: Rig = { ...rig, context: { ...rig.context, clock: { ...clock, now: () => end } } };
    await seedUse(then, { count, days: 1 / BLOCKS, seed: block + 1 });
  }
  limits.load = load;
  await limits.load();
}

async function addKeys({ context }: Rig): Promise<string[]> {
  const { store, clock } = context;
  const limits = {
    rpm: 30,
    concurrency: 8,
    images: { day: 400, month: null, total: null },
    videoSeconds: { day: null, month: 3_000, total: null },
    uploadMbDay: null,
    usd: { day: null, month: 600, total: null },
  };
  const keys: string[] = [];
  for (const [index, name] of KEYS.entries()) {
    const { key, prefix } = newKey();
    const more = index === 0 ? { limits } : index === 4 ? { expiresAt: clock.now() + 240 * HOUR } : {};
    await store.insertKey(
      { name, prefix, hash: new Bun.CryptoHasher("sha256").update(key).digest(), ...more },
      clock.now() - (40 - index * 6) * DAY,
    );
    keys.push(key);
  }
  // The rig's own.
  await store.updateKey(1, { name: "Home Assistant" });
  await until(() => context.keys.count() > KEYS.length && context.keys.get(1)?.name === "Home Assistant");
  return keys;
}

/** The server checks for changes every second. */
async function until(check: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !check(); await Bun.sleep(50)) {
    if (Date.now() > deadline) throw new Error("What was written did not arrive in memory.");
  }
}

/** What checks would have found out; on disk too, where the month that was made up wants to be spent by these tokens. */
async function learn({ context }: Rig): Promise<void> {
  const { pool, store } = context;
  for (const { id, label } of pool.rows()) {
    const { tier = null, credits = null } = TOKENS.find((token) => token.label === label)!;
    const facts = { tier, credits, checkedAt: context.clock.now() - 40 * MINUTE };
    await store.updateToken(id, facts);
    pool.updateFacts(id, { ...(tier !== null && { tier }), ...(credits !== null && { credits }) });
  }
}

/** After everything was made: what is in cooldown makes nothing. */
function holdBack({ context }: Rig): void {
  for (const { id, label } of context.pool.rows()) {
    const held = TOKENS.find((token) => token.label === label)?.held;
    if (!held) continue;
    const until = held.hours === undefined ? undefined : context.clock.now() + held.hours * HOUR;
    context.pool.reportOutcome(id, {
      ok: false,
      kind: held.kind,
      detail: { scope: "token", reason: held.reason, until },
      upstreamStatus: held.status,
      charged: false,
    });
  }
}

/** What the history of one token reports of earlier days. */
async function addPauses({ context: { store, clock } }: Rig, id: number): Promise<void> {
  const now = clock.now();
  const pause = (days: number, minutes: number, reason: FailureReason, family: string | null): CooldownRow => {
    const at = now - days * DAY;
    return { subject: `token ${id}`, tokenId: id, at, family, reason, until: at + minutes * MINUTE };
  };
  const pauses = [
    pause(6.4, 1, "per_minute", "gemini-3-pro-image"),
    pause(4.1, 640, "per_day", "gemini-3-pro-image"),
    pause(3.2, 2, "no_details", null),
    pause(1.3, 1, "per_minute", "gemini-nano-banana-2.1"),
  ];
  await store.saveHealth([{ id, health: null, pauses }]);
}

const as = (key: string | undefined) => ({ headers: { authorization: `Bearer ${key}` } });

/** The id of an image. */
async function makeImages(rig: Rig, keys: readonly string[]): Promise<string> {
  const { simulator } = rig;
  const make = (model: string, prompt: string, size: string, key: string | undefined) =>
    rig.call("/v1/images/generations", { json: { model, prompt, size, response_format: "url" }, ...as(key) });
  for (const [index, [prompt, size]] of IMAGES.entries()) {
    simulator.setOptions({ latencyMs: 400 + ((index * 7) % 5) * 250 });
    const model = index % 3 === 0 ? "gemini-3-pro-image" : "gemini-nano-banana-2.1";
    const response = await make(model, prompt, size, keys[index % keys.length]);
    if (!response.ok) throw new Error(`An image was answered with ${response.status}: ${await response.text()}`);
  }
  simulator.setFaults("gemini.generate=blocked-safety:once");
  await make("gemini-nano-banana-2.1", "Something that is refused", "1024x1024", keys[1]);
  simulator.setFaults("gemini.generate=429-minute:once");
  await make("gemini-3-pro-image", IMAGES[0]![0], "1536x1024", keys[0]);
  simulator.setFaults("");
  const [, , third] = await rig.context.store.listMedia({ origin: "result", limit: 3, kind: "image" });
  return third!.id;
}

/** The id of the job that is shown with its result. */
async function tryInPlayground(rig: Rig, me: SignedIn): Promise<string> {
  rig.simulator.setOptions({ latencyMs: 600 });
  const ids: string[] = [];
  for (const prompt of TRIED) {
    const response = await me.post("/admin/playground/runs", {
      prompt,
      model: "gemini-nano-banana-2.1",
      aspect: "3:2",
      size: "1K",
      n: "1",
    });
    const id = new URL(response.headers.get("location") ?? "", rig.url).searchParams.get("job");
    if (!id) throw new Error(`The playground answered with ${response.status}: ${await response.text()}`);
    ids.push(id);
  }
  await ended(rig, "image", TRIED.length);
  return ids.at(-1)!;
}

/** The id of a job that has ended well. */
async function makeVideos(rig: Rig, keys: readonly string[]): Promise<string> {
  const { store } = rig.context;
  for (const [index, prompt] of VIDEOS.entries()) {
    const json = { model: "gemini-omni-1.2-flash", prompt, seconds: "4", size: "1280x720" };
    const response = await rig.call("/v1/videos", { json, ...as(keys[index]) });
    if (!response.ok) throw new Error(`A video was answered with ${response.status}: ${await response.text()}`);
  }
  const done = await ended(rig, "video", VIDEOS.length);
  // As if made some hours ago.
  for (const [index, row] of done.toReversed().entries()) {
    const createdAt = Date.now() - (5 - index) * HOUR;
    await store.deleteJob(row.id);
    await store.insertJob({ ...row, createdAt, submittedAt: createdAt + 900, endedAt: createdAt + 71_000, deadlineAt: createdAt + HOUR });
  }
  return done[0]!.id;
}

/** The jobs of a kind, newest first, when so many have ended well. */
async function ended({ context }: Rig, kind: "image" | "video", count: number): Promise<JobRow[]> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await Bun.sleep(100)) {
    const done = await context.store.listJobs({ keyId: null, limit: 20, order: "desc", states: ["completed"], kind });
    if (done.length >= count) return done;
  }
  throw new Error("The jobs did not end.");
}

/** Jobs that went otherwise, as they stand at this moment. */
async function addJobs({ context }: Rig, jobs: readonly (Partial<JobRow> & Pick<JobRow, "createdAt">)[]): Promise<void> {
  const { store } = context;
  const [done] = await store.listJobs({ keyId: null, limit: 1, order: "desc", states: ["completed"], kind: "video" });
  for (const job of jobs) {
    const { createdAt } = job;
    const ids = { id: `video_${newTimeId(createdAt)}`, requestId: `req_${newTimeId(createdAt)}`, mediaIds: [], thumbnailId: null };
    const nothing = { endedAt: null, submittedAt: null, usage: null, error: null, result: null };
    await store.insertJob({ ...done!, ...ids, ...nothing, progress: 40, deadlineAt: createdAt + HOUR, ...job });
  }
}

function addEndedJobs(rig: Rig): Promise<void> {
  const now = rig.context.clock.now();
  const error = {
    kind: "upstream_timeout",
    message: "There was no result within 600 seconds.",
    reason: null,
    detail: null,
    charged: true,
  } as const;
  return addJobs(rig, [
    {
      state: "failed",
      prompt: "Fireworks over a mountain village",
      createdAt: now - 3 * HOUR,
      endedAt: now - 3 * HOUR + 10 * MINUTE,
      error,
    },
    { state: "cancelled", prompt: "A clock that melts", createdAt: now - 2 * HOUR, endedAt: now - 2 * HOUR + MINUTE },
    { state: "unknown", prompt: "Rain on a tin roof, close up", createdAt: now - HOUR, submittedAt: now - HOUR + 900, charged: true },
  ]);
}

function addOpenJobs(rig: Rig): Promise<void> {
  const now = rig.context.clock.now();
  return addJobs(rig, [
    { state: "running", prompt: "A train crossing a viaduct in autumn", createdAt: now - 50_000, submittedAt: now - 49_000, progress: 62 },
    { state: "queued", prompt: "Northern lights above a fjord", createdAt: now - 6_000, progress: 0, tokenId: null, provider: null },
  ]);
}

/** What an operator would have done lately. */
async function addTrail({ context }: Rig): Promise<void> {
  const by = { address: "192.168.1.20" };
  const { record } = context.audit;
  await record({ action: "key.create", subject: "key 6", after: { name: "Phone" } }, by);
  await record({ action: "settings.change", subject: "settings", before: { "pool.wait_ms": 30000 }, after: { "pool.wait_ms": 60000 } }, by);
  await record({ action: "token.change", subject: "token 1", before: { weight: 1 }, after: { weight: 2 } }, by);
  await record({ action: "token.change", subject: "token 7", before: { enabled: true }, after: { enabled: false } }, by);
  await record({ action: "token.import", subject: "tokens", after: { added: 3, known: 1, invalid: 0 } }, by);
}
