// /ready and the refusals of a server that has trouble of its own: 503 with Retry-After, in both dialects.
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { GEMINI, hurriedClock, type Rig, startRig } from "./rig.ts";

async function ready(rig: Rig): Promise<[number, string[]]> {
  const response = await rig.call("/ready");
  return [response.status, ((await response.json()) as { reasons: string[] }).reasons];
}

const generateContent = (rig: Rig) =>
  rig.call("/v1beta/models/gemini-3.1-flash-image:generateContent", { json: { contents: [{ parts: [{ text: "a fox" }] }] } });

/** Status, whether Retry-After is whole seconds, and the code or status word of the body. */
async function told(response: Response): Promise<unknown[]> {
  const { error } = (await response.json()) as { error: { code: unknown; status?: string } };
  return [response.status, /^[1-9]\d*$/.test(response.headers.get("retry-after") ?? ""), error.status ?? error.code];
}

describe("/ready", () => {
  test("is 200 with nothing to say while everything works, and with an empty pool", async () => {
    await using rig = await startRig();
    await using empty = await startRig({ tokens: [] });
    expect([await ready(rig), await ready(empty)]).toEqual([
      [200, []],
      [200, []],
    ]);
  });

  test("is 503 while another process holds the store, and 200 again afterwards", async () => {
    await using rig = await startRig({ clock: hurriedClock() });
    const foreign = new Database(join(rig.folder, "flow2api.db"));
    foreign.run("BEGIN IMMEDIATE");
    expect(await ready(rig)).toEqual([503, ["The store cannot be written."]]);
    foreign.run("ROLLBACK");
    foreign.close();
    let last = await ready(rig);
    for (let turn = 0; turn < 400 && last[0] !== 200; turn++) {
      await Bun.sleep(20);
      last = await ready(rig);
    }
    expect(last).toEqual([200, []]);
  });

  test("is 503 when the secret key is gone", async () => {
    await using rig = await startRig();
    rmSync(join(rig.folder, "secret.key"));
    expect(await ready(rig)).toEqual([503, ["The secret key is missing."]]);
  });

  test("is 503 when every token needs the operator or is switched off", async () => {
    await using rig = await startRig({ tokens: [{ ...GEMINI, enabled: false }] });
    expect(await ready(rig)).toEqual([503, ["No token of the pool is usable."]]);
    await using blocked = await startRig();
    blocked.simulator.setFaults("gemini.generate=bad-key");
    await blocked.chat();
    expect(await ready(blocked)).toEqual([503, ["No token of the pool is usable."]]);
  });

  test("is 200 while a cooldown is shorter than a request waits", async () => {
    await using rig = await startRig();
    const [token] = rig.context.pool.snapshot();
    rig.context.pool.reportOutcome(token!.id, {
      ok: false,
      kind: "upstream_rate_limited",
      detail: { scope: "token", reason: "throttled" },
      retryAfterMs: 20_000,
      charged: false,
    });
    expect([rig.context.pool.snapshot()[0]!.health.state, ...(await ready(rig))]).toEqual(["cooling", 200, []]);
  });
});

describe("a failure of the server itself is 503 with Retry-After", () => {
  test("when the disk is under its reserve", async () => {
    await using rig = await startRig({ settings: { "media.min_free_mb": 1_000_000 } });
    expect(await ready(rig)).toEqual([503, ["Less than 1000000 MiB of disk are free."]]);
    expect(await told(await rig.chat())).toEqual([503, true, "disk_full"]);
    expect(await told(await rig.call("/v1/images/generations", { json: { prompt: "a fox" } }))).toEqual([503, true, "disk_full"]);
    expect(await told(await generateContent(rig))).toEqual([503, true, "UNAVAILABLE"]);
  });

  test("when all bodies together are too large", async () => {
    await using rig = await startRig({ settings: { "server.bodies_in_flight_mb": 16 } });
    const response = await rig.chat({ messages: [{ role: "user", content: "x".repeat(17 * 1024 * 1024) }] });
    expect(await told(response)).toEqual([503, true, "body_budget"]);
  });
});
