// Role that a request to the admin needs, pages and API alike, by method and path. Changes need `operator` unless a row says otherwise. Pure.
import type { Role } from "../../domain/account.ts";

/** Whether a method may change something. */
export const isChange = (method: string): boolean => method !== "GET" && method !== "HEAD";

/** Changes that everybody may make: to themselves. */
export const OWN_CHANGES: readonly RegExp[] = [
  /^\/admin\/(login(\/.*)?|logout|preferences)$/,
  /^\/admin\/welcome\/password$/,
  /^\/admin\/account\/(password|two-step(\/[a-z-]+)?|sessions\/[^/]+(\/end)?)$/,
];

/** Pages of accounts and admin tokens, to be read by `admin` only. */
const ADMIN_PAGES = /^\/admin\/account\/(people|api-tokens)(\/|$)/;

/** Changes that only `admin` may make: settings, prices, data, people. */
const ADMIN_CHANGES = /^\/admin\/(settings|models|alerts|system\/(?!checks$)[^/]+|account)(\/|$)/;

/** The least role of a request. */
export function neededRole(method: string, path: string): Role {
  if (ADMIN_PAGES.test(path)) return "admin";
  if (!isChange(method) || OWN_CHANGES.some((own) => own.test(path))) return "viewer";
  return ADMIN_CHANGES.test(path) ? "admin" : "operator";
}
