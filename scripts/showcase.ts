// A gateway that looks like one in use, for the pictures of the documentation: simulated upstreams, made-up names, real work on top of a made-up month.
import type { JobRow } from "../src/db/jobs.ts";
import type { NewToken, TokenChange } from "../src/db/store.ts";
import type { FailureReason } from "../src/errors.ts";
import { newKey, newTimeId } from "../src/ids.ts";
import { seedUse } from "../test/admin-seed.ts";
import { type Rig, startRig } from "../test/rig.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type ShownToken = NewToken &
  Pick<TokenChange, "tier" | "credits"> & {
    held?: {
      kind: "upstream_unauthorized" | "upstream_rate_limited" | "upstream_verification" | "upstream_quota";
      reason: FailureReason;
      status: number;
      hours?: number;
    };
  };

const gemini = (name: string, group: string, more: Partial<ShownToken> = {}): ShownToken => ({
  provider: "gemini",
  label: name,
  group,
  secret: `${group}.${name}-${"key".repeat(8)}`,
  identity: `${group}@example.com`,
  tier: 1,
  ...more,
});
const flow = (name: string, tier: 0 | 1 | 2, credits: number, more: Partial<ShownToken> = {}): ShownToken => ({
  provider: "flow",
  label: name,
  secret: `${name}-${["free", "pro", "ultra"][tier]}-${"session".repeat(4)}`,
  identity: `${name.replace("flow-", "")}@example.com`,
  tier,
  credits,
  ...more,
});

const TOKENS: readonly ShownToken[] = [
  gemini("aurora-1", "aurora", { tags: ["paid"], weight: 2 }),
  gemini("aurora-2", "aurora", { tags: ["paid"] }),
  gemini("birch-1", "birch", { note: "Shared with the design team" }),
  gemini("birch-2", "birch", { held: { kind: "upstream_unauthorized", reason: "key_invalid", status: 400 } }),
  gemini("cedar-1", "cedar", { held: { kind: "upstream_rate_limited", reason: "throttled", status: 429, hours: 0.4 } }),
  gemini("cedar-2", "cedar"),
  gemini("delta-1", "delta", { tags: ["trial"], enabled: false, note: "Paused until the invoice is settled" }),
  gemini("ember-1", "ember", { held: { kind: "upstream_quota", reason: "account_quota", status: 429 } }),
  gemini("fjord-1", "fjord", { tags: ["europe"] }),
  flow("flow-studio", 2, 11_840, { tags: ["video"] }),
  flow("flow-harbor", 1, 920, { tags: ["video"] }),
  flow("flow-grove", 1, 310, { held: { kind: "upstream_verification", reason: "verification", status: 403 } }),
];

const KEYS = ["Open WebUI", "LobeHub", "n8n workflows", "Cherry Studio", "Phone"] as const;

const IMAGES: readonly [string, string][] = [
  ["A fox in fresh snow at first light", "1536x1024"],
  ["Harbour at dawn, long exposure, calm water", "1536x1024"],
  ["Poster for a jazz night in warm colours", "1024x1536"],
  ["雪山脚下的湖泊,清晨薄雾", "1536x1024"],
  ["A paper boat on a quiet lake, soft light", "1024x1024"],
  ["Isometric workshop full of tools", "1024x1024"],
  ["Lighthouse in a storm, oil on canvas", "1024x1536"],
  ["Street market in the rain, neon reflections", "1536x1024"],
  ["Botanical drawing of a fern", "1024x1536"],
  ["Desert road under a violet sky", "1536x1024"],
  ["Tea house in a bamboo forest", "1024x1024"],
  ["City of glass seen from above", "1536x1024"],
  ["A library inside a whale", "1024x1024"],
  ["Autumn forest from a drone", "1536x1024"],
  ["Portrait of an astronaut, studio light", "1024x1536"],
  ["Still life with pears and a blue jug", "1024x1024"],
];
const VIDEOS = ["Waves rolling over black sand, slow dolly in", "A kite above a wheat field, golden hour"] as const;

/** Something to show on every page; `request`, `job`, `image` and `token` are worth a page of their own. */
export type Showcase = { rig: Rig; token: number; key: number; job: string; image: string; request: string };

export async function startShowcase(): Promise<Showcase> {
  const tokens = TOKENS.map(({ held: _, tier: __, credits: ___, ...token }) => token);
  const rig = await startRig({ tokens, simulator: { videoMs: 300 }, settings: { "log.level": "info", "generation.thinking": "high" } });
  const keys = await addKeys(rig);
  await seedUse(rig, { count: 2400 });
  await learn(rig);
  const image = await makeImages(rig, keys);
  const job = await makeVideos(rig, keys);
  await addJobs(rig);
  holdBack(rig);
  const request = (await rig.context.requests.list({ limit: 200 })).find(
    ({ attempts, outcome }) => attempts.length > 1 && outcome === "ok",
  );
  return { rig, token: rig.context.pool.rows()[0]!.id, key: 2, job, image, request: request!.id };
}

async function addKeys({ context }: Rig): Promise<string[]> {
  const { store, clock } = context;
  const limits = {
    rpm: 30,
    concurrency: 8,
    images: { day: 400, month: null, total: null },
    videoSeconds: { day: null, month: 3_000, total: null },
    usd: { day: null, month: 120, total: null },
  };
  const keys: string[] = [];
  for (const [index, name] of KEYS.entries()) {
    const { key, prefix } = newKey();
    const more = index === 0 ? { limits } : index === 4 ? { expiresAt: clock.now() + 240 * HOUR } : {};
    await store.insertKey(
      { name, prefix, hash: new Bun.CryptoHasher("sha256").update(key).digest(), ...more },
      clock.now() - (40 - index * 6) * 24 * HOUR,
    );
    keys.push(key);
  }
  await until(() => context.keys.count() > KEYS.length);
  return keys;
}

/** The server looks for changes every second. */
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
    pool.learn(id, { ...(tier !== null && { tier }), ...(credits !== null && { credits }) });
  }
}

/** After everything was made: what is held back makes nothing. */
function holdBack({ context }: Rig): void {
  for (const { id, label } of context.pool.rows()) {
    const held = TOKENS.find((token) => token.label === label)?.held;
    if (!held) continue;
    const until = held.hours === undefined ? undefined : context.clock.now() + held.hours * HOUR;
    context.pool.observe(id, {
      ok: false,
      kind: held.kind,
      detail: { scope: "token", reason: held.reason, until },
      upstreamStatus: held.status,
      charged: false,
    });
  }
}

const as = (key: string | undefined) => ({ headers: { authorization: `Bearer ${key}` } });

/** The id of a picture. */
async function makeImages(rig: Rig, keys: readonly string[]): Promise<string> {
  for (const [index, [prompt, size]] of IMAGES.entries()) {
    const model = index % 3 === 0 ? "gemini-3-pro-image" : "gemini-nano-banana-2.1";
    const answer = await rig.call("/v1/images/generations", {
      json: { model, prompt, size, response_format: "url" },
      ...as(keys[index % keys.length]),
    });
    if (!answer.ok) throw new Error(`A picture was answered with ${answer.status}: ${await answer.text()}`);
  }
  rig.simulator.setFaults("gemini.generate=blocked-safety:once");
  await rig.call("/v1/images/generations", { json: { model: "gemini-3-pro-image", prompt: "Something that is refused" }, ...as(keys[1]) });
  rig.simulator.setFaults("gemini.generate=429-minute:once");
  await rig.call("/v1/images/generations", {
    json: { model: "gemini-3-pro-image", prompt: IMAGES[0]![0], size: "1536x1024" },
    ...as(keys[0]),
  });
  rig.simulator.setFaults("");
  const [, , third] = await rig.context.store.listMedia({ origin: "result", limit: 3, kind: "image" });
  return third!.id;
}

/** The id of a job that has ended well. */
async function makeVideos(rig: Rig, keys: readonly string[]): Promise<string> {
  const { store } = rig.context;
  for (const [index, prompt] of VIDEOS.entries()) {
    const json = { model: "gemini-omni-1.2-flash", prompt, seconds: "4", size: "1280x720" };
    const answer = await rig.call("/v1/videos", { json, ...as(keys[index]) });
    if (!answer.ok) throw new Error(`A video was answered with ${answer.status}: ${await answer.text()}`);
  }
  const done = async () =>
    (await store.listJobs({ keyId: null, limit: 5, order: "desc", states: ["completed"] })).filter(({ kind }) => kind === "video");
  for (const deadline = Date.now() + 60_000; (await done()).length < VIDEOS.length; await Bun.sleep(200)) {
    if (Date.now() > deadline) throw new Error("The videos did not end.");
  }
  return (await done())[0]!.id;
}

/** One job of each state that passes or goes wrong, as it stands at this moment. */
async function addJobs({ context }: Rig): Promise<void> {
  const { store, clock } = context;
  const [done] = await store.listJobs({ keyId: null, limit: 1, order: "desc", states: ["completed"] });
  const now = clock.now();
  const failure = {
    kind: "upstream_timeout",
    message: "There was no result within 600 seconds.",
    reason: null,
    detail: null,
    charged: true,
  } as const;
  const shown: readonly Partial<JobRow>[] = [
    {
      state: "failed",
      prompt: "Fireworks over a mountain village",
      createdAt: now - 3 * HOUR,
      endedAt: now - 3 * HOUR + 10 * MINUTE,
      error: failure,
    },
    { state: "cancelled", prompt: "A clock that melts", createdAt: now - 2 * HOUR, endedAt: now - 2 * HOUR + MINUTE },
    { state: "unknown", prompt: "Rain on a tin roof, close up", createdAt: now - HOUR, submittedAt: now - HOUR + 900, charged: true },
    { state: "running", prompt: "A train crossing a viaduct in autumn", createdAt: now - 50_000, submittedAt: now - 49_000, progress: 62 },
    { state: "queued", prompt: "Northern lights above a fjord", createdAt: now - 6_000, progress: 0, tokenId: null, provider: null },
  ];
  for (const part of shown) {
    const createdAt = part.createdAt ?? now;
    const fresh = {
      id: `video_${newTimeId(createdAt)}`,
      requestId: `req_${newTimeId(createdAt)}`,
      mediaIds: [],
      thumbnailId: null,
      endedAt: null,
      submittedAt: null,
      usage: null,
      error: null,
      result: null,
      progress: 40,
    };
    await store.insertJob({ ...done!, ...fresh, deadlineAt: createdAt + HOUR, ...part });
  }
}
