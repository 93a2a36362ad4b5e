// Base URL repair: doubled slashes; a doubled, missing or foreign version before a known route. Pure.
import { firstSegment, isGoogleClient, secondSegment, splitUrl } from "./dialect.ts";

type Header = (name: string) => string | null;

/** Segments that clients put before a route. */
const VERSIONS: ReadonlySet<string> = new Set(["v1", "v1beta", "v1beta1", "v1alpha", "api", "openai"]);
const OPENAI_ROUTES = ["chat/completions", "responses", "images", "videos"];
const SHARED_ROUTES = ["models", "files"];
const GEMINI_ROUTES = ["interactions", "operations", "publishers", "projects"];
/** The MCP endpoint, also where a client adds its own `/mcp` to an address that has one. */
const MCP_ROUTE = /^(?:mcp\/)?mcp\/?$/;
/** A method after a model: Gemini's, whatever the credential. */
const MODEL_METHOD = /^models\/.*:[a-z]+(?:[A-Z][a-zA-Z]*)?$/;
/** An endpoint in the place of the base URL: what the client adds to it is the route. */
const ENDPOINT_AS_BASE =
  /^(?:chat\/completions|images\/(?:generations|edits)|responses)\/(?:v1\/)?(?=(?:chat\/completions|images|responses|videos|files|models)(?:\/|$))/;

const ANY_HOST = "http://localhost";
/** Names that need no parser to be a host; an `xn--` label, an address or a long port may be none ("999.1.1.1", "x:99999"). */
const PLAIN_HOST = /^https?:\/\/[a-z][\w-]*(?:\.[a-z][\w-]*)*(?::\d{1,4})?$/i;
const isHost = (origin: string) => (PLAIN_HOST.test(origin) && !/xn--/i.test(origin)) || URL.canParse(origin);

/** The last host that was found to be one: most requests name the same. */
let lastHost = "";

/** True for a URL that needs no repair, which most have; {@link repairedUrl} decides about the others. */
export function isCanonical(url: string, path: string): boolean {
  if (path.includes("//") || !isCanonicalPath(path)) return false;
  const end = url.indexOf("/", url.indexOf("//") + 2);
  if (end === lastHost.length && url.startsWith(lastHost)) return true;
  const host = url.slice(0, end);
  if (!isHost(host)) return false;
  lastHost = host;
  return true;
}

function isCanonicalPath(path: string): boolean {
  switch (firstSegment(path)) {
    case "v1": {
      const next = secondSegment(path);
      return next !== "" && !VERSIONS.has(next) && next !== "mcp" && !(next === "chat" && path.startsWith("/v1/chat/completions/"));
    }
    case "v1beta": {
      const next = secondSegment(path);
      if (next === "openai") return path.length > "/v1beta/openai/".length && !path.startsWith("/v1beta/openai/v1/");
      return next === "interactions" || next === "operations" || (next === "models" && /^\/v1beta\/models\/[^/]+:[a-z]/.test(path));
    }
    case "media":
      return path.length > "/media/".length;
    default:
      return false;
  }
}

/**
 * The URL with the path that the client meant, where only one is possible; null where there is nothing to repair.
 * Bun passes a path in place of a URL when the `Host` header is missing or invalid.
 */
export function repairedUrl(url: string, header: Header): string | null {
  const isPath = url.startsWith("/");
  const { path, query } = splitUrl(url);
  const host = isPath ? ANY_HOST : url.slice(0, url.indexOf("/", url.indexOf("//") + 2));
  const isOdd = isPath || !isHost(host);
  const meant = !path.includes("//") && isCanonicalPath(path) ? path : meantPath(path, query, header);
  if (meant === path && !isOdd) return null;
  return `${isOdd ? ANY_HOST : host}${meant}${query === "" ? "" : `?${query}`}`;
}

function meantPath(path: string, query: string, header: Header): string {
  const single = path.replace(/\/{2,}/g, "/");
  const segments = single.slice(1).split("/");
  const end = segments.findIndex((segment) => !VERSIONS.has(segment));
  const head = segments.slice(0, Math.max(end, 0));
  const route = segments.slice(head.length).join("/").replace(ENDPOINT_AS_BASE, "");
  const version = head.findLast((word) => word.startsWith("v1"));
  const isCompatible = version === "v1beta" && head.at(-1) === "openai";
  const isBearer = /^bearer\s/i.test(header("authorization") ?? "") || announces(header, "authorization");
  const isGoogle = isGoogleClient({ header, query }) || announces(header, "x-goog-api-key");

  if (isCompatible && !MODEL_METHOD.test(route))
    return begins(route, [...OPENAI_ROUTES, ...SHARED_ROUTES]) ? `/v1beta/openai/${route}` : single;
  if (begins(route, OPENAI_ROUTES)) return head.length > 0 || isBearer || isGoogle ? `/v1/${route}` : single;
  if (begins(route, GEMINI_ROUTES)) return head.length > 0 || isGoogle ? `/${version ?? "v1beta"}/${route}` : single;
  if (MCP_ROUTE.test(route)) return "/mcp";
  if (!begins(route, SHARED_ROUTES)) return single;
  if (isGoogle || MODEL_METHOD.test(route))
    return head.length > 0 || !route.startsWith("models") ? `/${version ?? "v1beta"}/${route}` : single;
  // A Bearer key under Google's version may come from a Google client; without a version it is OpenAI's.
  const isForeign = head.length === 1 && version !== "v1" && version !== undefined && !isOpenAiClient(header);
  if (isForeign) return `/${version}/${route}`;
  return head.length > 0 || isBearer ? `/v1/${route}` : single;
}

const begins = (route: string, names: readonly string[]) =>
  names.some((name) => route === name || (route.startsWith(name) && route[name.length] === "/"));

/** A browser's preflight names the headers of the request that follows it. */
const announces = (header: Header, name: string) => (header("access-control-request-headers") ?? "").toLowerCase().includes(name);

/** The official SDKs, by their own headers. */
const isOpenAiClient = (header: Header) => /^(?:Async)?OpenAI\//.test(header("user-agent") ?? "") || header("x-stainless-lang") !== null;

/** Hint of a 404. `origin`: scheme and host by which the client called. */
export const baseUrlHint = (origin: string): string => `The base URL is ${origin}/v1 for OpenAI clients and ${origin} for Gemini clients.`;
