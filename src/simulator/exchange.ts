// What passes through the simulator: a request as read, the route it takes, the reply before it is delivered.
import type { Fired } from "./faults.ts";
import type { Operation } from "./operations.ts";
import type { World } from "./world.ts";

/** Any JSON object whose fields are still to be checked. */
export type Fields = Record<string, unknown>;

export type Incoming = {
  method: string;
  /** Decoded path without the query, e.g. `/gemini/v1beta/models`. */
  path: string;
  query: URLSearchParams;
  headers: Headers;
  bytes: Uint8Array<ArrayBuffer>;
  /** The simulator's address as this client sees it, for the links in replies. */
  origin: string;
  /** The body as a JSON object, whatever its content type; null when it is none. Parsed once. */
  json(): Fields | null;
};

export type Reply = {
  status: number;
  headers?: Record<string, string>;
  /** An array is a body that is sent piece by piece. */
  body: string | Uint8Array<ArrayBuffer> | string[];
  /** Milliseconds to wait before the reply; Infinity: until the client leaves. */
  delayMs?: number;
  /** Milliseconds between the first piece and the second. */
  pauseMs?: number;
};

export type Exchange = {
  incoming: Incoming;
  world: World;
  /** The content fault that strikes this exchange, for the route to act on. */
  content: Fired | null;
  /** Everything that strikes it. */
  fired: Fired[];
  /** Whose request it is, as `Route` has it. */
  secret: string;
  project: string;
  /** Counts submissions that the upstream takes on, and bills for when `charged`. */
  accept(submissions: number, charged: boolean): void;
};

export type Route = {
  operation: Operation;
  /** API key or Flow session the request speaks for; empty when there is none. */
  secret: string;
  /** Whose quota, signatures and results it shares; absent: what stands before the secret's first dot. */
  project?: string;
  model?: string;
  /** The response when the credentials are not accepted: nothing else happens then. */
  denied: Reply | null;
  /** @throws {Refusal} */
  run(exchange: Exchange): Reply | Promise<Reply>;
};

/** Ends a route with an error reply from any depth. */
export class Refusal extends Error {
  override name = "Refusal";
  constructor(readonly reply: Reply) {
    super(`refused with ${reply.status}`);
  }
}

export function jsonReply(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return { status, headers: { "content-type": "application/json; charset=UTF-8", ...headers }, body: JSON.stringify(body) };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one when it is anything else. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
