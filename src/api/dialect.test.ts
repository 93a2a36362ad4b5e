// Which dialect a request belongs to, by path and credential style.
import { expect, test } from "bun:test";
import { type Dialect, dialectOf, splitUrl } from "./dialect.ts";

const GOOGLE_KEY = { "x-goog-api-key": "k" };
const GOOGLE_SDK = { "x-goog-api-client": "google-genai-sdk/3.1.0 gl-node/v20" };
const BEARER = { authorization: "Bearer k" };

const CASES: [string, Record<string, string>, Dialect][] = [
  ["/v1/chat/completions", GOOGLE_KEY, "openai"],
  ["/v1/images/generations", {}, "openai"],
  ["/v1/models", BEARER, "openai"],
  ["/mcp", BEARER, "mcp"],
  ["/mcp/", GOOGLE_KEY, "mcp"],
  ["/mcpx", BEARER, "openai"],
  ["/v1/models", {}, "openai"],
  ["/v1/models", GOOGLE_KEY, "gemini"],
  ["/v1/models", GOOGLE_SDK, "gemini"],
  ["/v1/models?key=k", {}, "gemini"],
  ["/v1/models?monkey=k", {}, "openai"],
  ["/v1/models/a/b", BEARER, "openai"],
  ["/v1/models/gemini-3-pro-image", GOOGLE_KEY, "gemini"],
  ["/v1/models/gemini-3-pro-image:generateContent", BEARER, "gemini"],
  ["/v1/models/gemini-3-pro-image:predict", BEARER, "gemini"],
  ["/v1/models/gemini-3-pro-image:image", BEARER, "openai"],
  ["/v1/models/gemini-3-pro-image:image", GOOGLE_KEY, "gemini"],
  ["/v1/models/veo-3.1/operations/abc", BEARER, "gemini"],
  ["/v1/operations/abc", GOOGLE_KEY, "gemini"],
  ["/v1/interactions", {}, "gemini"],
  ["/v1/files/abc", BEARER, "openai"],
  ["/v1/files/abc", GOOGLE_KEY, "gemini"],
  ["/v1/files/abc:download", BEARER, "gemini"],
  ["/v1beta/models", BEARER, "gemini"],
  ["/v1beta/openai/chat/completions", GOOGLE_KEY, "openai"],
  ["/upload/v1beta/files", {}, "gemini"],
  ["/models/x:generateContent", {}, "gemini"],
  ["/nothing", GOOGLE_KEY, "openai"],
];

test.each(CASES)("%s with %o is %s", (target, headers, expected) => {
  const { path, query } = splitUrl(`http://host${target}`);
  expect(dialectOf({ path, query, header: (name) => headers[name] ?? null })).toBe(expected);
});

test.each([
  ["http://host", "/", ""],
  ["http://host/", "/", ""],
  ["http://host:80/a/b?c=d?e", "/a/b", "c=d?e"],
  ["/v1/models/x?key=k", "/v1/models/x", "key=k"],
  ["//v1/models", "//v1/models", ""],
])("%s splits into path and query", (url, path, query) => expect(splitUrl(url)).toEqual({ path, query }));
