// The shapes that OpenAI's clients read, and the errors they act on.
import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../../domain/generation.ts";
import { AppError, type ErrorKind } from "../../../errors.ts";
import { errorBody as geminiBody } from "../../gemini/errors.ts";
import { errorBody, errorHeaders, errorStatus } from "../errors.ts";
import { contentOf, encodeCompletion, encodeUsage, imageDelta } from "./encode.ts";

const envelope = { id: "chatcmpl-1", created: 1, model: "m" };
const link = { form: "markdown", url: "https://g/media/a.png", link: "https://g/media/a.png" } as const;
const data = { form: "images", url: "data:image/png;base64,AA", link: "https://g/media/a.png" } as const;

describe("a completion", () => {
  const WHERE = "[image-1]: https://g/media/a.png (image-1)";

  test("shows an image in the text or beside it, and names where it is stored in any form", () => {
    const shown = (images: (typeof link | typeof data)[]) =>
      encodeCompletion(envelope, { text: "Here.", images }, { finish: "stop", usage: NO_USAGE }).choices[0]!.message;
    expect(shown([link])).toEqual({ role: "assistant", content: `Here.\n\n![image](https://g/media/a.png)\n\n${WHERE}`, refusal: null });
    expect(shown([data])).toEqual({
      role: "assistant",
      content: `Here.\n\n${WHERE}`,
      refusal: null,
      images: [{ type: "image_url", index: 0, image_url: { url: data.url } }],
    });
  });

  test("without text nothing comes before the image", () => {
    expect(contentOf(" ", [link])).toBe(`![image](https://g/media/a.png)\n\n${WHERE}`);
    expect(contentOf(" ", [data, data])).toBe(`${WHERE}\n[image-2]: https://g/media/a.png (image-2)`);
  });

  test("counts thoughts as completion tokens", () => {
    const usage = encodeUsage({ inputText: 10, inputImage: 5, outputText: 1, outputImage: 1120, thoughts: 200, total: 1336 });
    expect(usage).toMatchObject({ prompt_tokens: 15, completion_tokens: 1321, total_tokens: 1336 });
  });

  test("an image is whole in one delta", () => {
    expect(imageDelta(link, 1)).toEqual({ content: "\n\n![image](https://g/media/a.png)" });
    expect(imageDelta(data, 0)).toHaveProperty("images.0.image_url.url", data.url);
  });
});

describe("errors", () => {
  const rows: [ErrorKind, number, string | null, string | undefined][] = [
    ["invalid_request", 400, "invalid_value", undefined],
    ["not_found", 404, "not_found", undefined],
    ["conflict", 409, "conflict", "false"],
    ["payload_too_large", 413, "request_too_large", undefined],
    ["unauthorized", 401, "invalid_api_key", undefined],
    ["forbidden", 403, "model_not_allowed", undefined],
    ["limit_exceeded", 429, "insufficient_quota", "false"],
    ["content_policy", 400, "moderation_blocked", undefined],
    ["no_result", 400, "no_image_generated", undefined],
    ["no_token", 503, "no_token", "false"],
    ["busy", 429, "rate_limit_exceeded", undefined],
    ["network", 502, "upstream_error", undefined],
    ["upstream_rate_limited", 429, "rate_limit_exceeded", undefined],
    ["upstream_quota", 429, "rate_limit_exceeded", "false"],
    ["upstream_unavailable", 503, "overloaded", undefined],
    ["upstream_timeout", 504, "timeout", "false"],
    ["upstream_unknown_outcome", 502, "upstream_error", "false"],
  ];
  test.each(rows)("%s is %i %p, x-should-retry %p", (kind, status, code, retry) => {
    const error = new AppError(kind, "m");
    expect([errorStatus(error), errorBody(error).error.code, errorHeaders(error)["x-should-retry"]]).toEqual([status, code, retry]);
  });

  test("whatever may have been charged is not to be retried", () => {
    expect(errorHeaders(new AppError("upstream_unavailable", "m", { charged: true }))["x-should-retry"]).toBe("false");
  });

  test.each([
    [1, "1", "1"],
    [4200, "5", "4200"],
    [3_600_000, "60", "60000"],
    [0, "1", "1"],
  ])("a wait of %i ms is Retry-After %s s", (retryAfterMs, seconds, ms) => {
    expect(errorHeaders(new AppError("busy", "m", { retryAfterMs }))).toMatchObject({ "retry-after": seconds, "retry-after-ms": ms });
  });

  test("a bug reports nothing, in either dialect", () => {
    const bug = new Error("secret detail");
    expect(JSON.stringify([errorBody(bug), geminiBody(bug)])).not.toContain("secret");
    expect([errorStatus(bug), geminiBody(bug).error.code]).toEqual([500, 500]);
  });

  test("Google's dialect names a bad key as Google does", () => {
    expect(geminiBody(new AppError("unauthorized", "m")).error).toMatchObject({
      code: 400,
      status: "INVALID_ARGUMENT",
      details: [{ reason: "API_KEY_INVALID" }],
    });
  });

  test("a refused prompt and a refused image differ in their stage", () => {
    const stage = (reason: "policy_input" | "policy_output") =>
      errorBody(new AppError("content_policy", "m", { detail: { scope: "request", reason } })).error.moderation_details?.moderation_stage;
    expect([stage("policy_input"), stage("policy_output")]).toEqual(["input", "output"]);
  });
});
