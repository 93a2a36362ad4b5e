// Every recorded refusal of the Gemini API and what it means, also to calls that cost nothing.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { excerpt, statusInside, toAppError, toLookupError, withoutCost } from "./errors.ts";
import cases from "./fixtures/errors.json";

const NOW = Date.UTC(2026, 10, 23, 12);

type Expected = { kind: string; reason?: string; scope?: string; waitMs?: number; charged?: boolean; message?: string };

describe("recorded refusals", () => {
  test.each(cases.map((entry) => [entry.name, entry] as const))("%s", (_, { status, body, ...rest }) => {
    const expected = rest.expect as Expected;
    const error = toAppError(status, body, NOW);
    const until = expected.waitMs === undefined ? {} : { until: NOW + expected.waitMs };
    const detail = expected.reason ? { scope: expected.scope, reason: expected.reason, ...until } : undefined;
    expect({ kind: error.kind, detail: error.detail, retryAfterMs: error.retryAfterMs, charged: error.charged } as object).toEqual({
      kind: expected.kind,
      detail,
      retryAfterMs: expected.waitMs,
      charged: expected.charged ?? false,
    });
    expect(error.upstreamStatus).toBe(status);
    if (expected.message) expect(error.message).toBe(expected.message);
    expect(error.message).not.toMatch(/https?:|AIzaSy|googleapis/);
  });
});

test("a body of any other shape is judged by its status alone", () => {
  for (const body of ["text", 7, [], {}, { error: "no" }, { error: null }, [[]], { error: { details: "x", message: 3 } }]) {
    expect(toAppError(503, body, NOW).kind).toBe("upstream_unavailable");
    expect(toAppError(429, body, NOW).detail).toEqual({ scope: "token", reason: "no_details" });
    expect(toAppError(400, body, NOW).message).toBe("The Gemini API refused the request.");
  }
});

test("the upstream's words are cut and come in one line", () => {
  expect(excerpt(`a\n\n b ${"x".repeat(500)}`)).toBe(`a b ${"x".repeat(296)}…`);
});

test.each([
  [{ error: { code: 503, status: "UNAVAILABLE" } }, 503],
  [[{ error: { code: 400 } }], 400],
  [{ error: { code: "invalid_request", status: "RESOURCE_EXHAUSTED" } }, 429],
  [{ error: { message: "?" } }, 500],
  [{ candidates: [] }, null],
  [null, null],
])("an error inside a response has a status: %j is %p", (body, status) => {
  expect(statusInside(body)).toBe(status);
});

describe("a refused read of one thing", () => {
  const google = (code: number, status: string, details?: unknown[]) => ({
    error: { code, message: "?", status, ...(details ? { details } : {}) },
  });
  const suspended = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "CONSUMER_SUSPENDED" }];
  test.each([
    ["interaction", 400, { error: { code: "invalid_request", message: "Invalid interaction name: v1_a" } }, "not_found"],
    ["interaction", 400, google(400, "INVALID_ARGUMENT"), "not_found"],
    ["interaction", 404, [google(404, "NOT_FOUND")], "not_found"],
    ["interaction", 403, google(403, "PERMISSION_DENIED"), "upstream_unauthorized"],
    ["interaction", 400, google(400, "FAILED_PRECONDITION"), "upstream_unavailable"],
    ["interaction", 404, google(404, "UNAVAILABLE"), "upstream_unavailable"],
    ["interaction", 400, google(400, "RESOURCE_EXHAUSTED"), "upstream_rate_limited"],
    ["interaction", 400, null, "upstream_unavailable"],
    ["interaction", 404, null, "upstream_unavailable"],
    ["interaction", 429, google(429, "RESOURCE_EXHAUSTED"), "upstream_rate_limited"],
    ["file", 403, google(403, "PERMISSION_DENIED"), "not_found"],
    ["file", 403, google(403, "PERMISSION_DENIED", suspended), "upstream_unauthorized"],
    ["file", 404, google(404, "NOT_FOUND"), "not_found"],
    ["file", 400, google(400, "FAILED_PRECONDITION"), "upstream_unavailable"],
    ["file", 400, google(400, "INVALID_ARGUMENT"), "upstream_invalid"],
    ["file", 403, null, "upstream_unavailable"],
  ] as const)("%s, %d %j is %s", (thing, status, body, kind) => {
    expect(toLookupError(thing, { status, body, now: NOW }).kind).toBe(kind);
  });
});

test("a free call leaves nothing in doubt, except that its caller stopped it", () => {
  const { signal } = new AbortController();
  for (const [status, body] of [
    [504, { error: { code: 504 } }],
    [502, null],
    [404, { error: { code: 404 } }],
  ] as const)
    expect(withoutCost(toAppError(status, body, NOW), signal)).toMatchObject({ kind: "upstream_unavailable", charged: false });
  const late = new AppError("upstream_timeout", "late");
  expect(withoutCost(late, AbortSignal.abort(late))).toBe(late);
  const refused = toAppError(429, null, NOW);
  expect(withoutCost(refused, signal)).toBe(refused);
});
