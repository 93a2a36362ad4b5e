// Failures of MCP: HTTP with JSON-RPC before a tool runs, isError results after, in a customer's words and this dialect's terms.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { errorResponse, toolError } from "./errors.ts";

describe("a request that reaches no tool", () => {
  test.each([
    [new AppError("unauthorized", "Missing API key."), 401, { "www-authenticate": "Bearer" }],
    [new AppError("forbidden", "No."), 403, {}],
    [new AppError("limit_exceeded", "Too many.", { retryAfterMs: 1500 }), 429, { "retry-after": "2" }],
    [new AppError("request_timeout", "Too slow."), 408, { connection: "close" }],
    [
      new AppError("unsupported_media_type", "No.", { reason: "unsupported_content_encoding" }),
      415,
      { "accept-encoding": "gzip, deflate" },
    ],
    [new Error("secret"), 500, {}],
  ])("%s is %d", async (error, status, headers) => {
    const response = errorResponse(error);
    expect(response.status).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject(headers);
    const body = (await response.json()) as { id: null; error: { message: string } };
    expect([body.id, body.error.message]).toEqual([null, status === 500 ? "Internal error" : error.message]);
  });
});

describe("a tool that fails", () => {
  test.each([
    [
      "names the argument where its words do not",
      new AppError("invalid_request", "The URL is not valid.", { param: "images[0]" }),
      "images[0]: The URL is not valid.",
    ],
    ["names it once", new AppError("invalid_request", "n must be 1.", { param: "n" }), "n must be 1."],
    [
      "tells nothing of the server's inside",
      new AppError("no_token", "Token 7 of pool x is cooling."),
      "This server cannot serve this model at present. Nothing was charged.",
    ],
    [
      "has its own word for a new call",
      new AppError("upstream_timeout", "Late.", { joined: "req_1", charged: true }),
      'The model did not finish in time. It may have been charged and was not repeated. This is how the same request ended before: for ten minutes it is returned again. For a new call change the request, or set the argument "again" to true.',
    ],
    [
      "names its own list of models",
      new AppError("no_token", "x", { reason: "model_not_served" }),
      "This model is not available on this server at present; list_models lists those that are. Nothing was charged.",
    ],
    ["by a bug reveals nothing", new Error("secret"), "Internal error"],
  ])("%s", (_name, error, text) => {
    expect(toolError(error)).toMatchObject({ isError: true, content: [{ type: "text", text }] });
  });
});
