// Access rules of paths: who may call each, and where a key in the query counts. Pure.

import type { Arrival } from "./arrival.ts";
import { isMcpPath, secondSegment } from "./dialect.ts";

/**
 * `open`: without a key; one that is presented is still recognised. `metrics`: loopback or the metrics token.
 * `plugin`: the connection token; while none is set, the path does not exist.
 * `mcp`: a key, from a known host and page. `absent`: no such path, with a key or without.
 * `admin_api`: an admin token whose scope allows it, or for its description a session; where the admin is.
 * `admin`: `src/admin/auth/guard.ts` decides; on a listener without the admin the path does not exist.
 */
export type Access = "open" | "key" | "metrics" | "plugin" | "mcp" | "absent" | "admin_api" | "admin";

export type Rule = { access: Access; cors: boolean };
const OPEN: Rule = { access: "open", cors: false };
const OPEN_TO_ALL_ORIGINS: Rule = { access: "open", cors: true };
const KEY: Rule = { access: "key", cors: true };
const ADMIN: Rule = { access: "admin", cors: false };
const ADMIN_API: Rule = { access: "admin_api", cors: false };
const METRICS: Rule = { access: "metrics", cors: false };
const PLUGIN: Rule = { access: "plugin", cors: false };
const MCP: Rule = { access: "mcp", cors: true };
const ABSENT: Rule = { access: "absent", cors: true };
/** Of every path that is not listed. */
const CLOSED: Rule = { access: "key", cors: false };

/** Address of a started upload, with its node where there are several: unguessable, and some clients send no key with it. */
const STARTED_UPLOAD = /^\/upload\/v1(beta1?|alpha)?\/files\/[a-z2-7]{26}(-\d{1,15})?$/;

/** The admin's JSON API. */
export const isAdminApi = (path: string): boolean => path === "/admin/api/v1" || path.startsWith("/admin/api/v1/");

/** Decided by the first segment of the path. */
export function ruleOf(group: string, path: string): Rule {
  switch (group) {
    case "v1":
    case "v1beta":
    case "v1beta1":
    case "v1alpha":
    case "models":
      return KEY;
    case "upload":
      return STARTED_UPLOAD.test(path) ? OPEN_TO_ALL_ORIGINS : KEY;
    case "media":
      return path === "/media" ? CLOSED : OPEN_TO_ALL_ORIGINS;
    case "admin":
      return isAdminApi(path) ? ADMIN_API : ADMIN;
    case "health":
    case "ready":
      return path === `/${group}` ? OPEN : CLOSED;
    case "openapi.json":
      return path === "/openapi.json" ? OPEN_TO_ALL_ORIGINS : CLOSED;
    case "mcp":
      return isMcpPath(path) ? MCP : secondSegment(path) === ".well-known" ? ABSENT : CLOSED;
    // Metadata of sign-in that we do not have: MCP clients look for it without a key, and only 404 makes them send the one they have.
    case ".well-known":
      return ABSENT;
    case "metrics":
      return path === "/metrics" ? METRICS : CLOSED;
    case "api":
      return path === "/api/plugin/update-token" || path === "/api/plugin/check-tokens" ? PLUGIN : CLOSED;
    // The front page, and addresses that lead to the admin.
    case "":
    case "manage":
    case "login":
    case "test":
      return path === `/${group}` ? ADMIN : CLOSED;
    default:
      return CLOSED;
  }
}

/** Paths of the admin's own listener beside the admin: its pages show media. */
export const isOnAdminListener = ({ group, path }: Arrival) => path === "/health" || (group === "media" && path.length > "/media/".length);

/** `?key=` is Google's form of a credential: accepted for the Gemini dialect, downloads and the paths that both dialects have. */
export function acceptsQueryKey({ group, path }: Arrival): boolean {
  switch (group) {
    case "v1beta":
      return secondSegment(path) !== "openai";
    case "v1beta1":
    case "v1alpha":
    case "upload":
    case "models":
    case "media":
      return true;
    case "v1":
      return SHARED_NOUNS.has(secondSegment(path));
    default:
      return false;
  }
}

const SHARED_NOUNS: ReadonlySet<string> = new Set(["models", "files", "operations", "interactions", "publishers", "projects"]);
