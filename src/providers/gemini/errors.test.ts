// Every recorded refusal of the Gemini API and what it means.
import { describe, expect, test } from "bun:test";
import { excerpt, statusInside, toAppError } from "./errors.ts";
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
])("an error inside an answer has a status: %j is %p", (body, status) => {
  expect(statusInside(body)).toBe(status);
});
