// Framing of streamed responses: server-sent events, or elements of one JSON array.

import { splitUrl } from "../../dialect.ts";
import { jsonPieces, shortJson } from "../../json-bytes.ts";

export type Framing = {
  headers: Record<string, string>;
  /** Written at once: headers leave with the first bytes, and proxies and clients wait for those only so long. */
  start(): string;
  /** Fills silence, between two objects. */
  heartbeat(): string;
  /** One object, its bytes as base64; in pieces where it is not to be in memory whole. The last piece ends with a blank line. */
  frame(body: object): string | AsyncGenerator<string>;
  /** What comes after the last object. */
  end: string;
};

const BLANK_LINE = "\n\n";

/**
 * The one keep-alive that every reader takes: Google's present and legacy SDKs, LangChain and the AI SDK. Comments, `[DONE]` and blank lines
 * outside of an event each break some of them (the parser of @google/generative-ai 0.24.1 wants `data: ` where an event begins).
 */
const EMPTY_TEXT = '{"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"index":0}]}';

/** With `alt=sse` events, as the SDKs ask for; else the array of Google's REST interface. */
export function framingOf(request: Request): Framing {
  return new URLSearchParams(splitUrl(request.url).query).get("alt") === "sse" ? eventFraming() : arrayFraming();
}

/** `name`: the event's, where the protocol has one. */
export async function* eventPieces(body: object, name?: string): AsyncGenerator<string> {
  yield* surrounded(name ? `event: ${name}\ndata: ` : "data: ", body);
}

function eventFraming(): Framing {
  const heartbeat = () => `data: ${EMPTY_TEXT}${BLANK_LINE}`;
  return { headers: {}, start: heartbeat, heartbeat, frame: (body) => framed("data: ", body), end: "" };
}

/** Blanks may stand after `[`, after `,` and before `]`, and nothing after that: google-generativeai 0.8.5 begins a new array there. */
function arrayFraming(): Framing {
  let lead = "";
  const next = () => {
    const before = lead;
    lead = ",\n";
    return before;
  };
  return {
    headers: { "content-type": "application/json; charset=utf-8" },
    start: () => `[${BLANK_LINE}`,
    heartbeat: () => `${next()}${EMPTY_TEXT}${BLANK_LINE}`,
    frame: (body) => framed(next(), body),
    end: "]",
  };
}

function framed(lead: string, body: object): string | AsyncGenerator<string> {
  const short = shortJson(body);
  return short === null ? surrounded(lead, body) : lead + short + BLANK_LINE;
}

async function* surrounded(lead: string, body: object): AsyncGenerator<string> {
  let held = lead;
  for await (const piece of jsonPieces(body)) {
    if (held !== lead) yield held;
    held = held === lead ? lead + piece : piece;
  }
  yield held + BLANK_LINE;
}
