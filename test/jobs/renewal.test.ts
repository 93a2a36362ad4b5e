// Renewal against the simulator: sessions live on without a request that waits for it, and a dead one costs its token only.
import { describe, expect, test } from "bun:test";
import type { SettingKey, SettingValue } from "../../src/config/settings-keys.ts";
import { temporaryFolder, virtualClock } from "../../src/testing.ts";
import { FLOW, GEMINI, type Rig, type RigOptions, startRig } from "../rig.ts";

const MINUTE = 60_000;
const ON: Partial<Record<SettingKey, SettingValue>> = { "refresh.enabled": true };
const FLOW_TWO = { ...FLOW, label: "flow-two", secret: "flow-session-ultra-two" };

/** Waits for what real sockets do while the rig's own time may stand still. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`It never came to hold: ${holds}`);
    await Bun.sleep(5);
  }
}

const asked = (rig: Rig, operation: string) => rig.simulator.calls().filter((call) => call.operation === operation).length;
const stateOf = (rig: Rig, id: number) => rig.context.pool.snapshot().find((token) => token.id === id)!;

/** A rig whose time moves by hand, and waits after each step until the checks that it began have ended. */
async function startSlowRig(options: RigOptions) {
  const clock = virtualClock(Date.now());
  const rig = await startRig({ ...options, clock });
  const { tokens } = rig.context;
  const check = tokens.check.bind(tokens);
  let running = 0;
  tokens.check = (row, signal) => {
    running++;
    return check(row, signal).finally(() => running--);
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= MINUTE) {
      await clock.advance(Math.min(left, MINUTE));
      await until(() => running === 0);
    }
  };
  return { rig, pass, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

describe("Flow", () => {
  test("a token is checked as soon as the server runs: who it is, its plan and its credits are known", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: ON });
    await until(() => stateOf(rig, 1).credits !== null);
    expect(stateOf(rig, 1)).toMatchObject({ credits: 1000, tier: 1, health: { state: "healthy" } });
    expect((await rig.context.store.listTokens())[0]).toMatchObject({ identity: "flow-session-pro-one@flow.example" });
    expect(await (await fetch(`${rig.url}/metrics`)).text()).toContain('flow2api_token_refresh_total{provider="flow",result="ok"} 1');
  });

  test("an access token is renewed before it ends, and no request waits for that", async () => {
    await using slow = await startSlowRig({ tokens: [FLOW], settings: { ...ON, "refresh.flow_interval": 86_400 } });
    const { rig, pass } = slow;
    await pass(1000);
    // It lives an hour, and a request would renew it six minutes before its end.
    await pass(48 * MINUTE);
    expect(asked(rig, "flow.session")).toBe(1);
    await pass(7 * MINUTE);
    const renewed = asked(rig, "flow.session");
    expect(renewed).toBeGreaterThan(1);
    expect((await rig.chat()).status).toBe(200);
    expect(asked(rig, "flow.session")).toBe(renewed);
  });

  test("credits and plan are learned again by the interval", async () => {
    await using slow = await startSlowRig({ tokens: [FLOW], settings: { ...ON, "refresh.flow_interval": 300 } });
    const { rig, pass } = slow;
    await pass(1000);
    rig.context.pool.updateFacts(1, { credits: 1 });
    await pass(4 * MINUTE);
    expect(stateOf(rig, 1).credits).toBe(1);
    await pass(2 * MINUTE);
    expect(stateOf(rig, 1).credits).toBe(1000);
  });

  test("a session that Flow rotates is the one that is used after a restart", async () => {
    using folder = temporaryFolder();
    const secret = async (rig: Rig) => (await rig.context.tokens.open(1)).secret;
    let rotated: string;
    {
      await using rig = await startRig({ tokens: [FLOW], settings: ON, folder: folder.path, simulator: { faults: "flow.session=rotate" } });
      await until(() => stateOf(rig, 1).credits !== null);
      rotated = await secret(rig);
      expect(rotated).toMatch(/^flow-session-pro-one~\w+$/);
    }
    await using again = await startRig({
      tokens: [],
      settings: ON,
      folder: folder.path,
      simulator: { seed: 2, faults: "flow.session=rotate" },
    });
    expect(await secret(again)).toBe(rotated);
    // What it remembers of the session is good for an hour: nothing is asked before the first image.
    expect((await again.chat()).status).toBe(200);
    expect(asked(again, "flow.session")).toBe(0);
    await again.context.refresher.checkNow(1);
    expect(await secret(again)).toMatch(/^flow-session-pro-one~\w+$/);
    expect(await secret(again)).not.toBe(rotated);
    expect(again.logged.join("\n")).not.toMatch(/session-pro-one~|ya29\.sim/);
  });

  test("a dead session blocks its token alone, says so once, and the pool goes on", async () => {
    await using rig = await startRig({ tokens: [{ ...FLOW, secret: "dead-session-1" }, FLOW_TWO], settings: ON });
    await until(() => stateOf(rig, 1).health.state === "blocked" && stateOf(rig, 2).credits !== null);
    expect([stateOf(rig, 1).health.reason, stateOf(rig, 2).health.state]).toEqual(["session_dead", "healthy"]);
    for (let round = 0; round < 4; round++) expect((await rig.chat()).status).toBe(200);
    expect(rig.simulator.counts().secrets["flow-session-ultra-two"]!.accepted).toBe(4);
    expect(rig.logged.filter((line) => line.includes("needs the operator")).length).toBe(1);
  });

  test("a check that finds the session alive ends the block", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: ON, simulator: { faults: "flow.session=dead:once" } });
    await until(() => stateOf(rig, 1).health.state === "blocked");
    expect((await rig.chat()).status).toBe(503);
    await rig.context.refresher.checkNow(1);
    expect(stateOf(rig, 1).health.state).toBe("healthy");
    expect((await rig.chat()).status).toBe(200);
  });
});

describe("Gemini", () => {
  test("a key is checked by the list of its models, which costs nothing", async () => {
    await using rig = await startRig({ tokens: [GEMINI], settings: ON });
    await until(() => stateOf(rig, 1).families !== null);
    expect(stateOf(rig, 1).families).toContain("gemini-3.1-flash-image");
    expect(rig.simulator.counts().total.accepted).toBe(0);
  });

  test("a key that was revoked is blocked before a request finds out", async () => {
    await using rig = await startRig({ tokens: [GEMINI], settings: ON, simulator: { faults: "gemini.models=bad-key" } });
    await until(() => stateOf(rig, 1).health.state === "blocked");
    expect(stateOf(rig, 1).health.reason).toBe("key_invalid");
  });
});

describe("an outage of the network", () => {
  test("blocks nobody, puts nobody into cooldown, and every token is tried again", async () => {
    const nowhere = { "flow.labs_base_url": "http://127.0.0.1:9/x", "gemini.base_url": "http://127.0.0.1:9" } as const;
    await using slow = await startSlowRig({ tokens: [FLOW, FLOW_TWO, GEMINI], settings: { ...ON, ...nowhere } });
    const { rig, pass } = slow;
    const failures = () => rig.logged.filter((line) => line.includes("Token check failed")).length;
    await pass(1000);
    expect(failures()).toBe(3);
    await pass(5 * MINUTE);
    expect(failures()).toBeGreaterThan(6);
    expect(rig.context.pool.snapshot().map((token) => token.health.state)).toEqual(["healthy", "healthy", "healthy"]);
    expect(rig.context.pool.gauges().networkDegradedSince).not.toBeNull();
  });
});

test("a token that is added while the server runs is checked within two seconds", async () => {
  await using rig = await startRig({ tokens: [], settings: ON });
  const startedAt = Date.now();
  await rig.context.store.insertToken(FLOW, startedAt);
  await until(() => asked(rig, "flow.credits") === 1);
  await until(() => stateOf(rig, 1).tier === 1);
});
