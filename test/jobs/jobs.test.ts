// Video jobs through the whole gateway against every fault of the upstreams: how the job ends, what was submitted, what is paid.
import { describe, expect, test } from "bun:test";
import type { Job, JobState } from "../../src/domain/job.ts";
import type { ErrorKind } from "../../src/errors.ts";
import { parseModel } from "../../src/gateway/models/testing.ts";
import { newId } from "../../src/ids.ts";
import { FLOW, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";

type Row = [fault: string, state: JobState, kind: ErrorKind | null, accepted: number];

const GEMINI_ROWS: Row[] = [
  ["gemini.interaction=503:once", "completed", null, 1],
  ["gemini.interaction=429-minute(1):once", "completed", null, 1],
  ["gemini.interaction=bad-key:once", "completed", null, 1],
  ["gemini.interaction=429-day:once", "completed", null, 1],
  ["gemini.interaction=invalid", "failed", "upstream_invalid", 0],
  ["gemini.interaction=lost", "unknown", "upstream_unknown_outcome", 1],
  ["gemini.interaction=cut", "unknown", "upstream_unknown_outcome", 1],
  ["gemini.interaction=malformed", "unknown", "upstream_unknown_outcome", 1],
  ["gemini.interaction=html", "unknown", "upstream_unknown_outcome", 1],
  ["gemini.interaction=504", "unknown", "upstream_timeout", 1],
  ["gemini.interaction=text", "failed", "content_policy", 1],
  ["gemini.interaction=fail", "failed", "upstream_unavailable", 1],
  ["gemini.interaction=incomplete", "failed", "no_result", 1],
  ["gemini.interaction-get=503:2", "completed", null, 1],
  ["gemini.interaction-get=cut:once", "completed", null, 1],
  ["gemini.interaction-get=malformed:once", "completed", null, 1],
  ["gemini.interaction-get=bad-key:once", "completed", null, 1],
  ["gemini.interaction-get=strange-status:once", "completed", null, 1],
  ["gemini.file-download=503:once", "completed", null, 1],
  ["gemini.file-download=cut:once", "completed", null, 1],
  ["gemini.file-download=redirect", "completed", null, 1],
];

const FLOW_ROWS: Row[] = [
  ["flow.video=high-traffic:once", "completed", null, 1],
  ["flow.video=quota:once", "completed", null, 1],
  ["flow.video=verification:once", "completed", null, 1],
  ["flow.video=unsafe", "failed", "content_policy", 0],
  ["flow.video=lost", "unknown", "upstream_unknown_outcome", 1],
  ["flow.video=cut", "unknown", "upstream_unknown_outcome", 1],
  ["flow.video=job-unsafe", "failed", "content_policy", 1],
  ["flow.video=job-audio", "failed", "content_policy", 1],
  ["flow.video-status=503:once", "completed", null, 1],
  ["flow.video-status=cut:once", "completed", null, 1],
  ["flow.video-status=strange-status:once", "completed", null, 1],
];

const FLOW_TWO = { provider: "flow", label: "flow two", secret: "flow-session-pro-two" };
const SETTLED: readonly JobState[] = ["completed", "failed", "cancelled", "unknown"];

async function makeVideo({ context }: Rig, model: string): Promise<Job> {
  const keyId = (await context.store.listKeys())[0]!.id;
  const job = await context.jobs.createVideo({
    requestId: newId(),
    dialect: "openai",
    route: "POST /v1/videos",
    keyId,
    choice: parseModel(model)!,
    prompt: "a fox in the snow",
    options: { seconds: 4 },
    images: [],
    startedAt: Date.now(),
  });
  let last = job;
  for await (const now of (await context.jobs.watch(job.id, keyId, AbortSignal.timeout(25_000)))!) last = now;
  return last;
}

async function expectRow(model: string, tokens: RigOptionsTokens, [faults, state, kind, accepted]: Row): Promise<void> {
  await using rig = await startRig({ tokens, simulator: { faults, videoMs: 50 } });
  const job = await makeVideo(rig, model);
  expect([job.state, job.error?.kind ?? null]).toEqual([state, kind]);
  const { operations } = rig.simulator.counts();
  expect((operations["gemini.interaction"] ?? operations["flow.video"])?.accepted ?? 0).toBe(accepted);
  expect(rig.context.limits.gauges().reservations).toBe(state === "unknown" ? 1 : 0);
  expect(rig.context.pool.gauges().inFlight.video).toBe(0);
  if (state === "completed") {
    const stored = await rig.context.media.open(job.mediaIds[0]!);
    expect(stored?.media).toMatchObject({ mime: "video/mp4", origin: "result" });
    expect(rig.context.limits.usage(job.keyId).total.videoSeconds).toBe(4);
  }
}

type RigOptionsTokens = NonNullable<Parameters<typeof startRig>[0]>["tokens"];
const isSettled = (job: Job) => SETTLED.includes(job.state);

describe("over the Gemini API", () => {
  test.concurrent.each(GEMINI_ROWS)(
    "%s: %s (%s), %p accepted",
    (...[fault, state, kind, accepted]) => expectRow("gemini-omni-1.2-flash", [GEMINI, GEMINI_TWO], [fault, state, kind, accepted]),
    40_000,
  );
});

describe("over Flow", () => {
  test.concurrent.each(FLOW_ROWS)(
    "%s: %s (%s), %p accepted",
    (...[fault, state, kind, accepted]) => expectRow("veo_3_1_t2v_fast_4s", [FLOW, FLOW_TWO], [fault, state, kind, accepted]),
    40_000,
  );
});

test.concurrent("25: words instead of a video fail the job with those words, and leave the token as it is", async () => {
  await using rig = await startRig({ simulator: { faults: "gemini.interaction=text", videoMs: 50 } });
  const job = await makeVideo(rig, "gemini-omni-1.2-flash");
  expect(isSettled(job)).toBe(true);
  expect(job.error?.message).toContain("I cannot make that video.");
  expect(rig.context.pool.gauges().tokens).toMatchObject({ healthy: 1 });
}, 120_000);
