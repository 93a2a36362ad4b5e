// What a generation leaves behind: its row, its reservation's end, its attempts; each once, whatever the clock does.

import { expect, test } from "bun:test";
import { failure, success } from "../../../test/pool.ts";
import type { Clock } from "../../clock.ts";
import type { RequestRow } from "../../domain/request.ts";
import { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { createMetrics } from "../../metrics.ts";
import type { Admission, GenerationEnd } from "../limits/contract.ts";
import type { Lease, Outcome } from "../pool/lease-contract.ts";
import { GenerationRecord } from "./request-record.ts";

const START = Date.UTC(2026, 10, 23, 12);

function setUp() {
  let now = START;
  const rows: RequestRow[] = [];
  const ends: [string, GenerationEnd | undefined][] = [];
  const reports: Outcome[] = [];
  const clock: Clock = { now: () => now, after: () => () => {} };
  const requests = { append: (row: RequestRow) => void rows.push(row) };
  const request = { requestId: "req_1", dialect: "openai", route: "chat", stream: false, key: { id: 1 }, startedAt: START };
  const record = new GenerationRecord(
    { requests, metrics: createMetrics(), clock, log: silentLog },
    { ...request, choice: { requested: "m", kind: "image" } },
  );
  const admission: Admission = {
    id: 1,
    settle: (_used, end) => void ends.push(["settled", end]),
    release: (end) => void ends.push(["released", end]),
    releaseSlot: () => {},
  };
  const lease: Lease = {
    tokenId: 7,
    provider: "alpha",
    label: "one",
    proxy: null,
    location: null,
    waitedMs: 0,
    sharesAccount: () => false,
    report: (outcome) => void reports.push(outcome),
    [Symbol.asyncDispose]: async () => {},
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { record, rows, ends, reports, admission, lease, pass };
}

const COST = { images: 1, usd: 0.04 };
const PICTURE = { media: [], ...COST };
const USAGE = { inputText: 3, inputImage: 0, outputText: 5, outputImage: 1000, thoughts: 10, total: 1018 };

test("what was charged is settled and written once, with the time that it took", () => {
  const { record, rows, ends, admission, lease, pass } = setUp();
  const call = { lease, startedAt: START, isRecorded: false };
  pass(1500);
  record.endCall(call, "m", success(), PICTURE);
  record.finish({ type: "done", finish: "stop", usage: USAGE, upstreamReason: "STOP", provider: "alpha" });
  for (let time = 0; time < 2; time++) record.close(admission);
  expect(ends).toMatchObject([
    ["settled", { ok: true, ms: 1500, inputTokens: 3, outputTokens: 1015, calls: [{ tokenId: 7, ms: 1500, ...COST }] }],
  ]);
  expect(rows).toMatchObject([{ id: "req_1", outcome: "ok", ms: 1500, usd: 0.04, attempts: [{ tokenId: 7, ms: 1500, outcome: "ok" }] }]);
});

test("without a charge the reservation is released, and the first failure is the one that is reported", () => {
  const { record, rows, ends, reports, admission, lease } = setUp();
  const call = { lease, startedAt: START, isRecorded: false };
  for (let time = 0; time < 2; time++) record.endCall(call, "m", failure("upstream_unavailable"), { media: [], images: 0, usd: 0 });
  record.fail(new AppError("upstream_unavailable", "It is down."));
  record.fail(new Error("canary"));
  record.close(admission);
  expect(reports).toHaveLength(1);
  expect(ends.map(([how]) => how)).toEqual(["released"]);
  expect(rows).toMatchObject([
    { outcome: "upstream_unavailable", message: "It is down.", attempts: [{ outcome: "upstream_unavailable" }] },
  ]);
});

test("a bug is reported as internal, without its text; a client that goes away as cancelled", () => {
  const bug = setUp();
  bug.record.fail(new Error("canary"));
  bug.record.close(null);
  expect(bug.rows).toMatchObject([{ outcome: "internal", message: "Internal error" }]);
  const gone = setUp();
  gone.record.close(null);
  expect(gone.rows).toMatchObject([{ outcome: "cancelled", message: null }]);
});

test("a clock that is set back makes no time negative", () => {
  const { record, rows, ends, admission, lease, pass } = setUp();
  const call = { lease, startedAt: START, isRecorded: false };
  pass(-3_600_000);
  record.endCall(call, "m", success(), PICTURE);
  record.close(admission);
  expect(rows).toMatchObject([{ ms: 0, attempts: [{ ms: 0 }] }]);
  expect(ends).toMatchObject([["settled", { ms: 0, calls: [{ ms: 0 }] }]]);
});
