// Remembers the last calls for tests to look at: bodies parsed, long base64 replaced by its size and hash.
import { createHash } from "node:crypto";
import { type Incoming, isFields } from "./exchange.ts";
import type { Operation } from "./operations.ts";

export type RecordedCall = {
  /** Epoch milliseconds of its arrival. */
  at: number;
  /** Null when no operation has this path. */
  operation: Operation | null;
  method: string;
  /** Path and query, without the key. */
  path: string;
  headers: Record<string, string>;
  secret: string;
  /** JSON parsed, other bodies as `{ bytes, sha256 }`, null when empty. */
  body: unknown;
  /** Faults that struck. */
  faults: string[];
  /** Status decided upon, also when it was never delivered; 0 until then. */
  status: number;
};

const MOST_CALLS = 2000;
/** Shorter texts are stored as they are. */
const LONGEST_KEPT_TEXT = 300;
const HIDDEN_HEADERS = new Set(["authorization", "cookie", "x-goog-api-key"]);

export type Recorder = { add(call: RecordedCall): void; calls(): RecordedCall[]; reset(): void };

export function createRecorder(): Recorder {
  let calls: RecordedCall[] = [];
  return {
    add(call) {
      calls.push(call);
      if (calls.length > MOST_CALLS * 2) calls = calls.slice(-MOST_CALLS);
    },
    calls: () => calls.slice(-MOST_CALLS),
    reset() {
      calls = [];
    },
  };
}

/** The parts of a call that come from the request. Credentials stand in `secret` alone. */
export function describeRequest(incoming: Incoming): Pick<RecordedCall, "method" | "path" | "headers" | "body"> {
  const query = new URLSearchParams(incoming.query);
  query.delete("key");
  const headers = Object.fromEntries([...incoming.headers].filter(([name]) => !HIDDEN_HEADERS.has(name)));
  return { method: incoming.method, path: incoming.path + (query.size > 0 ? `?${query}` : ""), headers, body: describeBody(incoming) };
}

function describeBody(incoming: Incoming): unknown {
  if (incoming.bytes.length === 0) return null;
  const json = incoming.json();
  return json ? withoutBase64(json) : { bytes: incoming.bytes.length, sha256: sha256(incoming.bytes) };
}

function withoutBase64(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBase64);
  if (isFields(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutBase64(entry)]));
  if (typeof value !== "string" || value.length <= LONGEST_KEPT_TEXT || !/^[A-Za-z0-9+/_-]+=*$/.test(value)) return value;
  const bytes = Buffer.from(value, "base64");
  return { bytes: bytes.length, sha256: sha256(bytes) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
