// Dialect of a request, OpenAI or Gemini, from its path, headers and query alone. Pure.

export type Dialect = "openai" | "gemini";

/** What the dialect depends on. Header names are lower case. */
export type RequestHead = { path: string; header(name: string): string | null; query: string };

const GEMINI_PATHS = /^\/(v1beta1?|upload|v1alpha)(\/|$)|^\/v1\/((?:publishers|projects)\/|interactions(\/|$))|^\/models(\/|$)/;
const GEMINI_CALLS = /^\/v1\/(models\/.*\/operations\/|files\/.*:download$)/;
/** Google's own address for OpenAI clients. */
const OPENAI_BELOW_GEMINI = /^\/v1beta\/openai(\/|$)/;
/** A method after a model. `:predict` is named: any other lower-case word, such as `:image`, is part of an id. */
const METHOD_PATHS = /^\/v1\/models\/.*:(predict|[a-z]+[A-Z][a-zA-Z]*)$/;
const SHARED_PATHS = /^\/v1\/(models|files|operations)(\/|$)/;

/**
 * Paths with a `:method` or an operation, `/v1beta`, `/upload` and interactions are Gemini's. `/v1/models` and `/v1/files` are Gemini's for
 * a Google-style credential or Google's SDK, else OpenAI's.
 */
export function dialectOf({ path, header, query }: RequestHead): Dialect {
  if (OPENAI_BELOW_GEMINI.test(path)) return "openai";
  if (GEMINI_PATHS.test(path) || GEMINI_CALLS.test(path) || METHOD_PATHS.test(path)) return "gemini";
  if (!SHARED_PATHS.test(path)) return "openai";
  return isGoogleClient({ header, query }) ? "gemini" : "openai";
}

/** A Google-style credential, or Google's SDK. */
export function isGoogleClient({ header, query }: Pick<RequestHead, "header" | "query">): boolean {
  if (header("x-goog-api-key") !== null || /(?:^|&)key=/.test(query)) return true;
  return (header("x-goog-api-client") ?? header("user-agent") ?? "").startsWith("google-genai-sdk");
}

/** Path and query of a URL, without parsing the rest. One without a host begins with its path. */
export function splitUrl(url: string): { path: string; query: string } {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  if (start < 0) return { path: "/", query: "" };
  const mark = url.indexOf("?", start);
  return mark < 0 ? { path: url.slice(start), query: "" } : { path: url.slice(start, mark), query: url.slice(mark + 1) };
}
