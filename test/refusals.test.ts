// Refusals at the door leave a row of the request log: why, by whom, from where; no secret, and few however many.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { openRequestLog } from "../src/db/sqlite/request-log/request-log.ts";
import { NO_LIMITS } from "../src/domain/key.ts";
import type { RequestRow } from "../src/domain/request.ts";
import { hashKey } from "../src/gateway/keys/keys.ts";
import { silentLog } from "../src/log.ts";
import { type Rig, startRig } from "./rig.ts";

setDefaultTimeout(30_000);

/** The rows of refusals once there are so many, oldest first. */
async function refusals(rig: Rig, count: number): Promise<RequestRow[]> {
  for (;;) {
    const rows = await rig.context.requests.list({ refused: true, limit: 1000 });
    if (rows.length >= count) return rows.toReversed();
    await Bun.sleep(50);
  }
}

const asStranger = { headers: { authorization: "Bearer AIzaSyA-key-of-somebody-else-0123456789" } };
const shown = ({ outcome, refusal, route, keyId, model }: RequestRow) => [outcome, refusal!.reason, route, keyId === null, model];

describe("a refused request", () => {
  test("leaves a row with its reason, in either dialect", async () => {
    await using rig = await startRig();
    const statuses: number[] = [];
    const ask = async (path: string, init: Parameters<Rig["call"]>[1] = {}) => statuses.push((await rig.call(path, init)).status);
    await ask("/v1/chat/completions", { ...asStranger, method: "POST", body: "{}" });
    await ask("/v1/chat/completions", { json: { model: "gemini-2.5-flash-image" } });
    await ask("/v1/videos", { json: { model: "no-such-model", prompt: "a fox" } });
    await ask("/v1beta/models/no-such-model:generateContent", { json: { contents: [{ parts: [{ text: "a fox" }] }] } });
    await ask("/v1/nowhere");
    await ask("/v1/images/edits", { json: { model: "gemini-2.5-flash-image", prompt: "x", image: "https://192.0.2.1/a.png" } });
    const rows = await refusals(rig, statuses.length);
    expect(rows).toHaveLength(6);
    expect(rows.slice(0, 5).map(shown)).toEqual([
      ["unauthorized", "invalid_api_key", "POST /v1/chat/completions", true, ""],
      ["invalid_request", rows[1]!.refusal!.reason, "POST /v1/chat/completions", false, ""],
      ["not_found", "model_not_found", "POST /v1/videos", false, ""],
      ["not_found", "model_not_found", "POST /v1beta/models/no-such-model:generateContent", false, ""],
      ["not_found", "unknown_url", "GET /v1/nowhere", false, ""],
    ]);
    expect(rows.map(({ refusal }) => refusal!.address)).toEqual(rows.map(() => "127.0.0.1"));
    expect(statuses.every((status) => status >= 400 && status < 500)).toBe(true);
    expect(await rig.context.requests.failures({ from: 0, to: Date.now() + 86_400_000 })).toContainEqual({
      ...{ outcome: "not_found", reason: "model_not_found", refused: true, count: 2 },
    });
  });

  test("by a limit is one row with what was asked, and not a generation that failed", async () => {
    await using rig = await startRig();
    const [key] = await rig.context.store.listKeys();
    await rig.context.store.updateKey(key!.id, { limits: { ...NO_LIMITS, rpm: 1 } });
    await rig.reload();
    expect((await rig.chat()).status).toBe(200);
    expect((await rig.chat()).status).toBe(429);
    const [row, ...more] = await refusals(rig, 1);
    expect(more).toEqual([]);
    expect(row).toMatchObject({ outcome: "limit_exceeded", keyId: key!.id, refusal: { reason: "rate_limit_exceeded", times: 1 } });
    await rig.context.requests.flush();
    expect(await rig.context.requests.list({ limit: 10 })).toHaveLength(2);
    expect(await rig.context.requests.list({ limit: 10, failed: true })).toEqual([]);
  });

  test("with a body that is too large, or with a revoked key, which is named", async () => {
    await using rig = await startRig({ settings: { "server.body_limit_mb": 1 } });
    expect((await rig.call("/v1/images/generations", { method: "POST", body: new Uint8Array(2 * 1024 * 1024) })).status).toBe(413);
    const { context } = rig;
    const [key] = await context.store.listKeys();
    const second = await context.store.insertKey({ name: "left", prefix: "sk-f2a-le", hash: hashKey("sk-f2a-left") }, Date.now());
    await context.store.updateKey(second.id, { revokedAt: Date.now() });
    await rig.reload();
    expect((await rig.call("/v1/models", { headers: { authorization: "Bearer sk-f2a-left" } })).status).toBe(401);
    const rows = await refusals(rig, 2);
    expect(rows.map(({ outcome, keyId }) => [outcome, keyId])).toEqual([
      ["payload_too_large", key!.id],
      ["unauthorized", second.id],
    ]);
  });

  test("leaves no secret, no query, and no address where that is not wanted", async () => {
    await using rig = await startRig({ settings: { "requests.record_addresses": false } });
    const secrets = [
      "AIzaSyB0123456789abcdefghijklmnopqrstuvw",
      "sk-f2a-0123456789abcdefghijklmnop",
      "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210",
    ];
    for (const secret of secrets) {
      await fetch(`${rig.url}/v1beta/models/${secret}?key=${secret}`, { headers: { "x-goog-api-key": secret } });
      await rig.call(`/v1/nowhere/${secret}?key=${secret}`);
    }
    const rows = await refusals(rig, 6);
    const text = JSON.stringify(rows);
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text).not.toContain("key=");
    expect(rows.every(({ refusal }) => refusal!.address === null)).toBe(true);
  });

  test("by the admin, of media and of health checks leaves none", async () => {
    await using rig = await startRig();
    for (const path of ["/admin/requests", "/admin/nowhere", "/media/abcdefghijklmnopqrstuvwxyz.png", "/metrics/x", "/favicon.ico"])
      await fetch(`${rig.url}${path}`, { redirect: "manual" });
    await fetch(`${rig.url}/v1/last`);
    expect((await refusals(rig, 1)).map(({ route }) => route)).toEqual(["GET /v1/last"]);
  });

  test("in a flood of strangers costs few rows, and all are counted when the server stops", async () => {
    await using rig = await startRig();
    const FLOOD = 3_000;
    for (let sent = 0; sent < FLOOD; sent += 100)
      await Promise.all(Array.from({ length: 100 }, () => fetch(`${rig.url}/v1/models`, asStranger).then((response) => response.text())));
    await refusals(rig, 100);
    expect((await rig.context.requests.list({ limit: 1000 })).length).toBeLessThan(150);
    await rig.stopGateway();
    // Without upstreams or tokens: only what is stored is read.
    const requests = await openRequestLog({ dataDir: rig.folder, clock: rig.context.clock, log: silentLog });
    const [sum] = await requests.failures({ from: 0, to: Date.now() + 86_400_000 }).finally(() => requests.close());
    expect(sum).toEqual({ outcome: "unauthorized", reason: "invalid_api_key", refused: true, count: FLOOD });
  });
});
