// Dialect of a request, OpenAI, Gemini or MCP, from its path, headers and query alone. Pure.

import type { Dialect } from "../domain/generation.ts";

export type { Dialect } from "../domain/generation.ts";

/** What the dialect depends on. Header names are lower case. */
export type RequestHead = { path: string; header(name: string): string | null; query: string };

const GEMINI_CALLS = /^\/v1\/(models\/.*\/operations\/|files\/.*:download$)/;
/** A method after a model. `:predict` is named: any other lower-case word, such as `:image`, is part of an id. */
const METHOD_PATHS = /^\/v1\/models\/.*:(predict|[a-z]+[A-Z][a-zA-Z]*)$/;

/**
 * Paths with a `:method` or an operation, `/v1beta`, `/upload` and interactions are Gemini's. `/v1/models` and `/v1/files` are Gemini's for
 * a Google-style credential or Google's SDK, else OpenAI's. `/v1beta/openai` is Google's own address for OpenAI clients.
 */
export function dialectOf(head: RequestHead): Dialect {
  const { path } = head;
  switch (firstSegment(path)) {
    case "v1beta":
      return secondSegment(path) === "openai" ? "openai" : "gemini";
    case "v1beta1":
    case "v1alpha":
    case "upload":
    case "models":
      return "gemini";
    case "v1":
      return dialectBelowV1(head);
    case "mcp":
      return isMcpPath(path) ? "mcp" : "openai";
    default:
      return "openai";
  }
}

function dialectBelowV1(head: RequestHead): Dialect {
  const { path } = head;
  const noun = secondSegment(path);
  switch (noun) {
    case "interactions":
      return "gemini";
    case "publishers":
    case "projects":
      return path.length > "/v1/".length + noun.length ? "gemini" : "openai";
    case "models":
    case "files":
    case "operations":
      return GEMINI_CALLS.test(path) || METHOD_PATHS.test(path) || isGoogleClient(head) ? "gemini" : "openai";
    default:
      return "openai";
  }
}

/** The endpoint of the Model Context Protocol. */
export const isMcpPath = (path: string): boolean => path === "/mcp" || path === "/mcp/";

/** A Google-style credential, or Google's SDK. */
export function isGoogleClient(head: Pick<RequestHead, "header" | "query">): boolean {
  if (head.header("x-goog-api-key") !== null || /(?:^|&)key=/.test(head.query)) return true;
  return (head.header("x-goog-api-client") ?? head.header("user-agent") ?? "").startsWith("google-genai-sdk");
}

/** What is between the first slash of a path and the next; empty for `/`. */
export function firstSegment(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path.slice(1) : path.slice(1, end);
}

/** What is between the second slash of a path and the next; empty where there is no second slash. */
export function secondSegment(path: string): string {
  const start = path.indexOf("/", 1) + 1;
  if (start === 0) return "";
  const end = path.indexOf("/", start);
  return end < 0 ? path.slice(start) : path.slice(start, end);
}

/** Path and query of a URL, without parsing the rest. One without a host begins with its path. */
export const splitUrl = (url: string): { path: string; query: string } => ({ path: pathOf(url), query: queryOf(url) });

export function pathOf(url: string): string {
  const start = pathStart(url);
  if (start < 0) return "/";
  const mark = url.indexOf("?", start);
  return mark < 0 ? url.slice(start) : url.slice(start, mark);
}

export function queryOf(url: string): string {
  const start = pathStart(url);
  const mark = start < 0 ? -1 : url.indexOf("?", start);
  return mark < 0 ? "" : url.slice(mark + 1);
}

const pathStart = (url: string): number => (url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2));
