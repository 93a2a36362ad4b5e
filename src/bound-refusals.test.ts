// Rate bound of refusals: rows are few however many come, counts are exact, and a flood costs little.
import { describe, expect, test } from "bun:test";
import { boundRefusals } from "./bound-refusals.ts";
import type { RequestLog } from "./db/store.ts";
import type { RequestRow } from "./domain/request.ts";
import { newId } from "./ids.ts";
import { virtualClock } from "./testing.ts";

const newRow = (change: Partial<RequestRow> = {}): RequestRow => ({
  ...{ id: newId(), at: 0, ms: 0, dialect: "openai", route: "r", keyId: null, model: "", family: null, kind: null },
  ...{ outcome: "unauthorized", message: null, images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false },
  ...{ mediaIds: [], attempts: [], refusal: { reason: "invalid_api_key", address: "192.0.2.1", times: 1 } },
  ...change,
});

function setUp() {
  const clock = virtualClock();
  const rows: RequestRow[] = [];
  const inner = { append: (row: RequestRow) => void rows.push(row), close: async () => {} } as unknown as RequestLog;
  const log = boundRefusals(inner, clock);
  const times = () => rows.reduce((sum, { refusal }) => sum + (refusal?.times ?? 0), 0);
  return { clock, rows, log, times, add: (change: Partial<RequestRow> = {}) => log.append(newRow({ at: clock.now(), ...change })) };
}

describe("refusals", () => {
  test("have a row each, a moment later; a generation's is written at once", async () => {
    const { clock, rows, log, add } = setUp();
    add();
    log.append(newRow({ refusal: undefined, outcome: "ok" }));
    expect(rows.map(({ outcome }) => outcome)).toEqual(["ok"]);
    await clock.advance(500);
    expect(rows.map(({ outcome }) => outcome)).toEqual(["ok", "unauthorized"]);
  });

  test("of a generation and of its response are one row: the generation's", async () => {
    const { clock, rows, log } = setUp();
    log.append(newRow({ id: "one", model: "asked" }));
    log.append(newRow({ id: "one" }));
    await clock.advance(500);
    expect(rows.map(({ model }) => model)).toEqual(["asked"]);
  });

  test("of strangers in a flood leave few rows, and none is lost from the count", async () => {
    const { clock, rows, log, times, add } = setUp();
    for (let minute = 0; minute < 24 * 60; minute++) {
      for (let count = 0; count < 100; count++) add();
      await clock.advance(60_000);
    }
    await log.close();
    expect(times()).toBe(24 * 60 * 100);
    expect(rows.length).toBeLessThan(5_000);
    // One that stands for many says nothing of a single address.
    expect(rows.filter(({ refusal }) => refusal!.times > 1).every(({ refusal }) => refusal!.address === null)).toBe(true);
  });

  test("of one key leave room for those of another and of strangers", async () => {
    const { clock, rows, add } = setUp();
    for (let count = 0; count < 1000; count++) add({ keyId: 1, outcome: "limit_exceeded" });
    add({ keyId: 2 });
    add();
    await clock.advance(500);
    expect([1, 2, null].map((id) => rows.filter(({ keyId }) => keyId === id).length)).toEqual([60, 1, 1]);
    await clock.advance(600_000);
    expect(rows.at(-1)).toMatchObject({ keyId: 1, outcome: "limit_exceeded", refusal: { times: 940 } });
  });

  test("of ever new keys are bounded in all, and counted together under none", async () => {
    const { clock, rows, times, add } = setUp();
    for (let keyId = 1; keyId <= 3000; keyId++) add({ keyId });
    await clock.advance(600_500);
    expect(rows.length).toBeLessThanOrEqual(1000 + 201);
    expect(times()).toBe(3000);
    expect(rows.find(({ keyId }) => keyId === null)?.refusal?.times).toBe(3000 - 1000 - 200);
  });

  test("in memory are bounded while nothing is written", () => {
    const { log, rows } = setUp();
    for (let count = 0; count < 200_000; count++) log.append(newRow());
    expect(rows).toEqual([]);
  });
});
