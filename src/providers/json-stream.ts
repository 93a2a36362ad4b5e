// Reads JSON from byte streams: a whole document, or the events of an SSE stream. Limits count the bytes as they come.
import { AppError } from "../errors.ts";

/** What is wrong with a response: it cannot be read, or it ends too early. */
export function damaged(reason: "malformed" | "cut_off", message: string, cause?: unknown): AppError {
  return new AppError("upstream_unavailable", message, { cause, detail: { scope: "upstream", reason } });
}

/** Once a response has begun with 200 the work was done: what breaks afterwards may have been charged, and nobody may repeat it. */
export function afterAcceptance(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const reason = error.detail?.reason;
  const broken = reason === "malformed" || reason === "cut_off";
  if (!broken && error.kind !== "upstream_unknown_outcome" && error.kind !== "network") return error;
  return new AppError("upstream_unknown_outcome", error.message, {
    cause: error,
    charged: true,
    detail: { scope: "upstream", reason: broken ? reason : "cut_off" },
    upstreamStatus: 200,
  });
}

/** @throws {AppError} `upstream_unavailable` with reason `malformed` */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the text.
    throw damaged("malformed", "The upstream's answer is not valid JSON.");
  }
};

/**
 * One JSON document of at most `maxBytes` bytes.
 * @throws {AppError} `upstream_unavailable` with reason `malformed`
 */
export async function readJson(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxBytes: number): Promise<unknown> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw damaged("malformed", `The upstream's answer is longer than ${maxBytes} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return parseJson(text + decoder.decode());
}

/**
 * The JSON of each event of an SSE stream (WHATWG HTML, 9.2; lines end with LF or CRLF). Comments, event names, empty events and
 * `[DONE]` are skipped; an event that the stream ends without its blank line counts. An event holds at most `maxEvent` characters.
 * @throws {AppError} `upstream_unavailable` with reason `malformed`
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>, maxEvent: number): AsyncGenerator<unknown> {
  let data: string[] = [];
  let size = 0;
  const take = (): string => {
    const text = data.join("\n");
    data = [];
    size = 0;
    return text === "[DONE]" ? "" : text;
  };
  for await (const line of readLines(chunks, maxEvent)) {
    if (line.startsWith("data:")) {
      data.push(line.slice(line[5] === " " ? 6 : 5));
      size += line.length;
      if (size > maxEvent) throw damaged("malformed", `An event of the upstream is longer than ${maxEvent} characters.`);
    } else if (line === "") {
      const text = take();
      if (text) yield parseJson(text);
    }
  }
  const text = take();
  if (text) yield parseJson(text);
}

async function* readLines(chunks: AsyncIterable<Uint8Array>, maxLine: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of chunks) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split("\n");
    pending = lines.pop()!;
    if (pending.length > maxLine) throw damaged("malformed", `A line of the upstream is longer than ${maxLine} characters.`);
    for (const line of lines) yield withoutReturn(line);
  }
  yield withoutReturn(pending + decoder.decode());
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line);
