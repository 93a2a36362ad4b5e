// Every way an upstream can misbehave: the status and envelope that come of it, the token's health, and how often it was asked.
import { describe, expect, test } from "bun:test";
import { FLOW, GEMINI, GEMINI_TWO, type RigOptions, startRig } from "./rig.ts";

type Expected = {
  status: number;
  /** `error.code`, or null for an answer with an image. */
  code: string | null;
  /** Health of the first token afterwards: its own state, or `model` when only this model is out. */
  health: "healthy" | "cooling" | "blocked" | "model";
  /** Submissions that the upstream took on. */
  accepted: number;
  /** `x-should-retry`. */
  retry?: "false" | null;
};

const GEMINI_FAULTS: [fault: string, expected: Expected][] = [
  ["bad-key", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["expired-key", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["leaked", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["suspended", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["service-disabled", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["billing", { status: 503, code: "needs_operator", health: "blocked", accepted: 0 }],
  ["billing-disabled", { status: 503, code: "needs_operator", health: "blocked", accepted: 0 }],
  ["429-prepaid", { status: 503, code: "needs_operator", health: "blocked", accepted: 0 }],
  ["429-spending-cap", { status: 503, code: "needs_operator", health: "blocked", accepted: 0 }],
  ["499", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  ["499-array", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  ["409", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  ["model-armor", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["location", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["retired", { status: 503, code: "model_unavailable", health: "model", accepted: 0, retry: "false" }],
  ["429-minute", { status: 429, code: "rate_limit_exceeded", health: "model", accepted: 0, retry: null }],
  ["429-tokens", { status: 429, code: "rate_limit_exceeded", health: "model", accepted: 0, retry: null }],
  ["429-day", { status: 429, code: "rate_limit_exceeded", health: "model", accepted: 0, retry: "false" }],
  ["429-limit-zero", { status: 503, code: "model_unavailable", health: "model", accepted: 0, retry: "false" }],
  ["429-nodetails", { status: 429, code: "rate_limit_exceeded", health: "cooling", accepted: 0, retry: null }],
  ["invalid", { status: 400, code: "upstream_invalid", health: "healthy", accepted: 0, retry: "false" }],
  ["500", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  ["503", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  // A page without Google's envelope does not say that the work was refused: it may have been done.
  ["502", { status: 502, code: "upstream_error", health: "healthy", accepted: 0, retry: "false" }],
  ["array-error", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  ["html", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["504", { status: 504, code: "timeout", health: "healthy", accepted: 1, retry: "false" }],
  ["lost", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["cut", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["malformed", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["svg", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["page", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["blocked", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["prohibited", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["recitation", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["text", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["escape-padding", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["escape-slash", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["slow(2)", { status: 200, code: null, health: "healthy", accepted: 1 }],
  ["two-images", { status: 200, code: null, health: "healthy", accepted: 1 }],
];

const FLOW_FAULTS: [fault: string, expected: Expected][] = [
  ["flow.image=verification", { status: 503, code: "upstream_verification", health: "blocked", accepted: 0, retry: "false" }],
  ["flow.image=verification-traffic", { status: 503, code: "upstream_verification", health: "blocked", accepted: 0, retry: "false" }],
  ["flow.image=verification-nodetails", { status: 503, code: "upstream_verification", health: "blocked", accepted: 0, retry: "false" }],
  ["flow.image=model-denied", { status: 503, code: "model_unavailable", health: "model", accepted: 0, retry: "false" }],
  ["flow.image=quota", { status: 429, code: "rate_limit_exceeded", health: "cooling", accepted: 0, retry: "false" }],
  ["flow.image=throttled", { status: 429, code: "rate_limit_exceeded", health: "cooling", accepted: 0, retry: null }],
  ["flow.image=unsafe", { status: 400, code: "moderation_blocked", health: "healthy", accepted: 0, retry: null }],
  ["flow.image=prominent-people", { status: 400, code: "moderation_blocked", health: "healthy", accepted: 0, retry: null }],
  ["flow.image=high-traffic", { status: 503, code: "overloaded", health: "healthy", accepted: 0 }],
  ["flow.image=invalid", { status: 400, code: "upstream_invalid", health: "healthy", accepted: 0, retry: "false" }],
  ["flow.image=lost", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["flow.image=malformed", { status: 502, code: "upstream_error", health: "healthy", accepted: 1, retry: "false" }],
  ["flow.session=malformed", { status: 502, code: "upstream_error", health: "healthy", accepted: 0, retry: null }],
  ["flow.project=malformed", { status: 502, code: "upstream_error", health: "healthy", accepted: 0, retry: null }],
  ["flow.session=dead", { status: 502, code: "upstream_error", health: "blocked", accepted: 0 }],
  ["flow.download=500:2", { status: 200, code: null, health: "healthy", accepted: 1 }],
];

/** One attempt only, so that what is seen is what one failure does. */
const ONE_ATTEMPT: RigOptions["settings"] = { "generation.max_attempts": 1 };

async function meet(fault: string, tokens: RigOptions["tokens"], expected: Expected) {
  await using rig = await startRig({ tokens, settings: ONE_ATTEMPT });
  rig.simulator.reset();
  rig.simulator.setFaults(fault);
  const response = await rig.chat();
  const body = (await response.json()) as { error?: { code: string; message: string } };
  const token = rig.context.pool.snapshot()[0]!;
  const health = token.health.state === "healthy" && token.models.length > 0 ? "model" : token.health.state;
  expect({ status: response.status, code: body.error?.code ?? null, health, accepted: rig.simulator.counts().total.accepted }).toEqual({
    status: expected.status,
    code: expected.code,
    health,
    accepted: expected.accepted,
  } as never);
  expect(health as string).toBe(expected.health);
  if (expected.retry !== undefined) expect(response.headers.get("x-should-retry")).toBe(expected.retry);
  for (const hidden of [rig.simulator.url, ...(tokens ?? []).map((one) => one.secret)]) expect(JSON.stringify(body)).not.toContain(hidden);
  expect(rig.context.pool.gauges().inFlight).toEqual({ image: 0, video: 0 });
}

describe("Gemini", () => {
  test.each(GEMINI_FAULTS)("%s", (fault, expected) => meet(`gemini.generate=${fault}`, [GEMINI], expected));
});

describe("Flow", () => {
  test.each(FLOW_FAULTS)("%s", (fault, expected) => meet(fault, [FLOW], expected));
});

describe("fail-over", () => {
  test.each(["bad-key", "429-minute", "429-day", "500", "503", "429-nodetails", "leaked"])(
    "%s on one token is served by the other",
    async (fault) => {
      await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
      rig.simulator.setFaults(`gemini.generate=${fault}@alpha`);
      for (let round = 0; round < 4; round++) expect((await rig.chat()).status).toBe(200);
      expect(rig.simulator.counts().secrets[GEMINI.secret]?.accepted ?? 0).toBe(0);
    },
  );

  test.each(["lost", "504", "cut", "malformed"])("%s is never submitted a second time, nor by the client's retries", async (fault) => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    rig.simulator.setFaults(`gemini.generate=${fault}`);
    const response = await rig.chat();
    expect([response.headers.get("x-should-retry"), rig.simulator.counts().total.accepted]).toEqual(["false", 1]);
  });

  test("with every token tried, the client hears what the last one said", async () => {
    await using rig = await startRig({ tokens: [GEMINI] });
    rig.simulator.setFaults("gemini.generate=429-minute(30)");
    const response = await rig.chat();
    expect([response.status, Number(response.headers.get("retry-after")) > 20]).toEqual([429, true]);
  });

  test("when all are limited, the client hears when the first comes back, also where the upstream names no time", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    rig.simulator.setFaults("gemini.generate=429-minute(9)@alpha,gemini.generate=429-minute(50)@beta");
    expect(Number((await rig.chat()).headers.get("retry-after"))).toBeLessThanOrEqual(9);
    await using silent = await startRig({ tokens: [GEMINI] });
    silent.simulator.setFaults("gemini.generate=429-nodetails");
    expect(Number((await silent.chat()).headers.get("retry-after"))).toBeGreaterThan(50);
  });

  test("with retry_unknown_images an image is tried again, and may be paid twice", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], settings: { "generation.retry_unknown_images": true } });
    rig.simulator.setFaults("gemini.generate=lost:once");
    expect([(await rig.chat()).status, rig.simulator.counts().total.accepted]).toEqual([200, 2]);
  });

  test("the client's own mistakes are not tried on another token", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    rig.simulator.setFaults("gemini.generate=invalid");
    await rig.chat();
    expect(rig.simulator.counts().operations["gemini.generate"]?.requests).toBe(1);
  });
});

test("the upstream not being there disables nothing", async () => {
  await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], settings: { "gemini.base_url": "http://127.0.0.1:1" } });
  const response = await rig.chat();
  expect([response.status, ...rig.context.pool.snapshot().map((token) => token.health.state)]).toEqual([502, "healthy", "healthy"]);
});

test("an empty pool is reported at once, and the server is ready all the same", async () => {
  await using rig = await startRig({ tokens: [] });
  expect([(await rig.chat()).status, (await rig.call("/ready")).status]).toEqual([503, 200]);
});
