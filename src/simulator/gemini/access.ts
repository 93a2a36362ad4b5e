// Who may call the simulated Gemini API, and the marks between its pages.
import type { Incoming, Reply, Route } from "../exchange.ts";
import * as errors from "../google-errors.ts";
import { OPERATIONS, type Operation } from "../operations.ts";

/** A route of this API: the credentials are read and judged here. */
export function gemini(incoming: Incoming, operation: Operation, run: Route["run"], model?: string): Route {
  const secret = keyOf(incoming);
  return { operation, secret, ...(model ? { model } : {}), denied: judgeKey(incoming, secret, OPERATIONS[operation].generating), run };
}

/** The API key of a request, or empty. */
export function keyOf(incoming: Incoming): string {
  return incoming.headers.get("x-goog-api-key") ?? incoming.query.get("key") ?? "";
}

/** The project a key belongs to: what stands before its first dot. */
export function projectOf(key: string): string {
  return key.split(".", 1)[0]!;
}

function judgeKey(incoming: Incoming, key: string, generating: boolean): Reply | null {
  if (key !== "" && incoming.headers.has("authorization")) {
    return errors.googleError(400, "Multiple authentication credentials received. Please pass only one.");
  }
  if (incoming.headers.has("authorization")) return errors.ACCESS_TOKEN_INVALID;
  if (key === "") {
    return errors.googleError(
      403,
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
    );
  }
  if (key.startsWith("bad")) return errors.API_KEY_INVALID;
  if (key.startsWith("leaked")) return errors.KEY_LEAKED;
  if (key.startsWith("suspended")) return errors.KEY_SUSPENDED;
  if (generating && key.startsWith("nobilling")) return errors.NO_BILLING;
  if (generating && key.startsWith("location")) return errors.BAD_LOCATION;
  return null;
}

/** An opaque mark for where the next page begins. */
export function pageToken(start: number): string {
  return Buffer.from(`from:${start}`).toString("base64url");
}

/** @throws {Refusal} 400 when it is not a mark of ours */
export function readPageToken(token: string | null): number {
  if (!token) return 0;
  const match = /^from:(\d+)$/.exec(Buffer.from(token, "base64url").toString());
  if (!match) throw errors.invalidArgument("Invalid page token.");
  return Number(match[1]);
}
