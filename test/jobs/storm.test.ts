// A storm: 30 % of the upstream calls fail in mixed ways, one token in five stays well. Whatever can be served is, and is paid for once.

import { expect, test } from "bun:test";
import { type KeyLimits, NO_LIMITS } from "../../src/domain/key.ts";
import type { NewToken } from "../../src/domain/token.ts";
import { type Rig, startRig } from "../rig.ts";

const REQUESTS = 300;
const AT_ONCE = 32;

const token = (provider: string, secret: string): NewToken => ({ provider, label: secret, secret, imageConcurrency: 6 });
const TOKENS: NewToken[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((number) => token("gemini", `frail-${number}.key`)),
  ...[1, 2].map((number) => token("gemini", `well-${number}.key`)),
  ...[1, 2, 3, 4].map((number) => token("flow", `flow-session-pro-frail-${number}`)),
  token("flow", "flow-session-pro-well"),
];

/** Free of charge and reported so: another token serves. */
const REFUSALS = {
  "gemini.generate": {
    "429-minute(1)": 0.08,
    "429-nodetails": 0.005,
    "429-day": 0.003,
    "bad-key": 0.003,
    billing: 0.003,
    retired: 0.003,
    "500": 0.12,
    "503": 0.1,
    "array-error": 0.04,
  },
  "flow.image": { throttled: 0.01, quota: 0.005, verification: 0.005, "model-denied": 0.005, "high-traffic": 0.12, "500": 0.15 },
};
/** Charged and never delivered: nobody may ask again. */
const LOSSES = ["lost", "cut", "malformed", "html", "504"];
const LOSS = 0.02;

const FAULTS = Object.entries(REFUSALS).flatMap(([operation, faults]) => {
  const prefix = operation === "flow.image" ? "flow-session-pro-frail" : "frail";
  const rules = [...Object.entries(faults), ...LOSSES.map((fault) => [fault, LOSS] as const)];
  return rules.map(([fault, share]) => `${operation}=${fault}:${share}@${prefix}`);
});

type Answer = { fox: number; status: number; mayRetry: boolean; hasPicture: boolean };

async function ask(rig: Rig, fox: number): Promise<Answer> {
  const response = await rig.chat({ messages: [{ role: "user", content: `Fox <${fox}>` }] });
  const text = await response.text();
  return {
    fox,
    status: response.status,
    mayRetry: response.headers.get("x-should-retry") !== "false",
    hasPicture: text.includes("![image]("),
  };
}

/** All requests, so many at once. */
async function storm(rig: Rig): Promise<Answer[]> {
  const responses: Answer[] = [];
  let left = REQUESTS;
  const client = async () => {
    while (left > 0) responses.push(await ask(rig, left--));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return responses;
}

test("every request that can succeed does, none is paid for twice, and the tokens that are well stay so", async () => {
  await using rig = await startRig({ tokens: TOKENS, settings: { "generation.max_attempts": 20 } });
  const { store, keys, pool, limits } = rig.context;
  const { id } = (await store.listKeys())[0]!;
  const generous: KeyLimits = { ...NO_LIMITS, rpm: 10_000, concurrency: AT_ONCE, usd: { day: 1_000, month: null, total: null } };
  await store.updateKey(id, { limits: generous });
  keys.load(await store.listKeys(), await store.listKeyHashes());
  rig.simulator.reset();
  rig.simulator.setFaults(FAULTS.join(","));

  const responses = await storm(rig);

  const { total, secrets } = rig.simulator.counts();
  const calls = rig.simulator.calls().filter(({ operation }) => operation === "gemini.generate" || operation === "flow.image");
  const struck = calls.filter(({ faults }) => faults.length > 0);
  const isLoss = (fault: string) => LOSSES.includes(fault);
  // A refusal may be lost on its way too: its status may still have reported enough to go on.
  const lost = struck.filter(({ faults }) => faults.every(isLoss)).length;
  const mayBeLost = struck.filter(({ faults }) => faults.some(isLoss)).length;
  expect(struck.length).toBeGreaterThan(calls.length / 5);

  const served = responses.filter(({ status, hasPicture }) => status === 200 && hasPicture);
  const failed = responses.filter((response) => !served.includes(response));
  expect(failed.filter(({ mayRetry }) => mayRetry)).toEqual([]);
  expect(failed.length).toBeWithin(lost, mayBeLost + 1);
  expect(total.charged).toBeWithin(served.length, REQUESTS + 1);
  // What was lost is never asked for again: it is the last call of its request.
  const foxOf = (call: (typeof calls)[number]) => /Fox <(\d+)>/.exec(JSON.stringify(call.body))![1];
  const repeated = [...Map.groupBy(calls, foxOf).values()].filter((own) =>
    own.slice(0, -1).some(({ faults }) => faults.length > 0 && faults.every(isLoss)),
  );
  expect(repeated).toEqual([]);

  expect(pool.gauges()).toMatchObject({ inFlight: { image: 0, video: 0 }, queued: 0 });
  expect(limits.gauges()).toEqual({ reservations: 0, inFlight: 0 });
  // What was lost may have been paid for, and counts.
  expect(limits.usage(id).total.images).toBe(REQUESTS);
  await limits.flush();
  expect((await store.readLedger([], 0)).open).toEqual([]);

  for (const view of pool.snapshot().filter(({ label }) => label.includes("well"))) {
    expect([view.label, view.health.state, view.models]).toEqual([view.label, "healthy", []]);
    expect(secrets[view.label]!.maxInFlight).toBeLessThanOrEqual(6);
  }
}, 240_000);
