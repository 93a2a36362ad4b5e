// Which path a client with a wrong base URL meant, and which paths are left alone.
import { expect, test } from "bun:test";
import { repairedUrl } from "./paths.ts";

const BEARER = { authorization: "Bearer k" };
const GOOGLE = { "x-goog-api-key": "k" };
const OPENAI_SDK = { ...BEARER, "user-agent": "OpenAI/JS 7.57.0" };

const repaired = (path: string, headers: Record<string, string>) => repairedUrl(`http://h${path}`, (name) => headers[name] ?? null);

const REPAIRED: [string, Record<string, string>, string][] = [
  ["//v1/images/generations", BEARER, "/v1/images/generations"],
  ["/v1//chat/completions", BEARER, "/v1/chat/completions"],
  ["///v1///models///a/b", BEARER, "/v1/models/a/b"],
  ["//media//abc.png", {}, "/media/abc.png"],
  ["/v1/v1/chat/completions", BEARER, "/v1/chat/completions"],
  ["/v1/v1/v1/models", BEARER, "/v1/models"],
  ["/v1/v1/models", GOOGLE, "/v1/models"],
  ["/v1/v1beta/models/m:generateContent", BEARER, "/v1beta/models/m:generateContent"],
  ["/v1beta/v1beta/models/m:streamGenerateContent?alt=sse", GOOGLE, "/v1beta/models/m:streamGenerateContent?alt=sse"],
  ["/v1beta/v1/interactions", GOOGLE, "/v1/interactions"],
  ["/chat/completions", BEARER, "/v1/chat/completions"],
  ["/mcp/", BEARER, "/mcp"],
  ["//mcp", BEARER, "/mcp"],
  ["/v1/mcp", BEARER, "/mcp"],
  ["/mcp/mcp", {}, "/mcp"],
  ["/models", BEARER, "/v1/models"],
  ["/models/a/b", BEARER, "/v1/models/a/b"],
  ["/files", BEARER, "/v1/files"],
  ["/files", GOOGLE, "/v1beta/files"],
  ["/interactions/v1_x", GOOGLE, "/v1beta/interactions/v1_x"],
  ["/api/v1/chat/completions", BEARER, "/v1/chat/completions"],
  ["/openai/v1/images/edits", BEARER, "/v1/images/edits"],
  ["/v1/openai/responses", BEARER, "/v1/responses"],
  ["/v1beta/openai/v1/models", BEARER, "/v1/models"],
  ["/v1beta/chat/completions", BEARER, "/v1/chat/completions"],
  ["/v1beta/models", OPENAI_SDK, "/v1/models"],
  ["/v1/chat/completions/chat/completions", BEARER, "/v1/chat/completions"],
  ["/chat/completions", { "access-control-request-headers": "Authorization, content-type" }, "/v1/chat/completions"],
  ["/v1/chat/completions/v1/models", BEARER, "/v1/models"],
  ["/v1/chat/completions/models/a/b", BEARER, "/v1/models/a/b"],
];
test.each(REPAIRED)("%s of %o means %s", (path, headers, meant) => expect(repaired(path, headers)).toBe(`http://h${meant}`));

const LEFT: [string, Record<string, string>][] = [
  ["/v1/chat/completions", BEARER],
  ["/v1/models", GOOGLE],
  ["/v1/models/a/b", BEARER],
  ["/v1/models/m:generateContent", BEARER],
  ["/v1beta/models", BEARER],
  ["/v1beta/models", GOOGLE],
  ["/v1beta/models/m:generateContent", OPENAI_SDK],
  ["/v1beta/openai/chat/completions", BEARER],
  ["/v1beta/openai/models", GOOGLE],
  ["/v1alpha/files/abc", GOOGLE],
  ["/v1/videos/video_1/content", BEARER],
  ["/v1/images/generations/job_1/events", BEARER],
  ["/models", GOOGLE],
  ["/models", {}],
  ["/models/m:generateContent", BEARER],
  ["/chat/completions", {}],
  ["/upload/v1beta/files", GOOGLE],
  ["/api/plugin/update-token", BEARER],
  ["/admin/models", {}],
  ["/admin", BEARER],
  ["/v1", BEARER],
  ["/", {}],
  ["/nothing/models", BEARER],
  ["/v1beta1/publishers/google/models/m:generateContent", GOOGLE],
];
test.each(LEFT)("%s of %o is left alone", (path, headers) => expect(repaired(path, headers)).toBeNull());

test("a URL that Bun left without a host gets one", () => {
  expect(repairedUrl("/v1/models?limit=1", () => null)).toBe("http://localhost/v1/models?limit=1");
});

test("what was repaired needs no second repair", () => {
  for (const [path, headers] of REPAIRED) {
    const once = repaired(path, headers)!;
    expect(repairedUrl(once, (name) => headers[name] ?? null)).toBeNull();
  }
});
