// How objects follow each other in a streamed answer: as server-sent events, or as the elements of one JSON array.

import { splitUrl } from "../dialect.ts";
import { jsonPieces } from "../json-bytes.ts";

export type Framing = {
  headers: Record<string, string>;
  /** A blank line, which every client passes over. Comments and `[DONE]` break Google's SDKs (wire.md C.1). */
  heartbeat: string;
  /** One object, its blobs as base64, in pieces; the last piece ends with a blank line. */
  frame(body: unknown): AsyncGenerator<string>;
  /** What comes after the last object. */
  end(): Iterable<string>;
};

const BLANK_LINE = "\n\n";

/** With `alt=sse` events, as the SDKs ask for; else the array of Google's REST interface. */
export function framingOf(request: Request): Framing {
  return new URLSearchParams(splitUrl(request.url).query).get("alt") === "sse" ? eventFraming() : arrayFraming();
}

/** `name`: the event's, where the protocol has one. */
export async function* eventPieces(body: unknown, name?: string): AsyncGenerator<string> {
  yield* surrounded(name ? `event: ${name}\ndata: ` : "data: ", body);
}

function eventFraming(): Framing {
  return { headers: {}, heartbeat: BLANK_LINE, frame: (body) => eventPieces(body), end: () => [] };
}

function arrayFraming(): Framing {
  let opening = "[";
  return {
    headers: { "content-type": "application/json; charset=utf-8" },
    heartbeat: BLANK_LINE,
    frame(body) {
      const lead = opening;
      opening = ",\n";
      return surrounded(lead, body);
    },
    end: () => [opening === "[" ? "[]" : "]"],
  };
}

async function* surrounded(lead: string, body: unknown): AsyncGenerator<string> {
  let held = lead;
  for await (const piece of jsonPieces(body)) {
    if (held !== lead) yield held;
    held = held === lead ? lead + piece : piece;
  }
  yield held + BLANK_LINE;
}
