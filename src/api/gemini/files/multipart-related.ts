// multipart/related reader: a JSON description, then the bytes of a file, streamed in linear time.
import { AppError } from "../../../errors.ts";

export type RelatedBody = {
  /** The first part, parsed. */
  description: unknown;
  /** The second part, up to its boundary; what follows is not read. */
  content: AsyncGenerator<Uint8Array>;
};

const MAX_DESCRIPTION = 64 * 1024;
const MAX_HEAD = 8 * 1024;
const LINE_END = Buffer.from("\n");

/** The boundary that a content type names; null for another type, or one without. */
export function relatedBoundary(contentType: string | null): string | null {
  if (!/^multipart\/related\b/i.test(contentType ?? "")) return null;
  const [, quoted, plain] = /;\s?boundary=(?:"([^"]{1,70})"|([^";\s]{1,70}))/i.exec(contentType!) ?? [];
  return quoted ?? plain ?? null;
}

/**
 * Reads as far as the second part begins. Lines may end with CRLF or, as Python's writers have it, with LF.
 * @throws {AppError} `invalid_request` for anything else than two parts, the first of them JSON
 */
export async function openRelated(body: AsyncIterable<Uint8Array>, boundary: string): Promise<RelatedBody> {
  const window = createWindow(body[Symbol.asyncIterator]());
  await window.until(Buffer.from(`--${boundary}`), MAX_HEAD);
  const lineEnd = (await window.until(LINE_END, MAX_HEAD)).at(-1) === 13 ? "\r\n" : "\n";
  const delimiter = Buffer.from(`${lineEnd}--${boundary}`);
  // A part without headers begins with the blank line.
  const skipHead = async () => {
    window.putBack(Buffer.from(lineEnd));
    await window.until(Buffer.from(lineEnd + lineEnd), MAX_HEAD);
  };
  await skipHead();
  const text = await window.until(delimiter, MAX_DESCRIPTION);
  if (
    Buffer.from(await window.until(LINE_END, MAX_HEAD))
      .toString()
      .startsWith("--")
  )
    throw incomplete();
  await skipHead();
  return { description: parse(text), content: window.rest(delimiter) };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new AppError("invalid_request", "The first part of the upload is not valid JSON.");
  }
}

/** What has arrived and was not taken yet. */
function createWindow(chunks: AsyncIterator<Uint8Array>) {
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { done, value } = await chunks.next();
    if (done) throw incomplete();
    held = held.byteLength === 0 ? Buffer.from(value) : Buffer.concat([held, value]);
  };
  return {
    putBack(bytes: Uint8Array): void {
      held = Buffer.concat([bytes, held]);
    },
    /** Takes what stands before the mark, and the mark. */
    async until(mark: Buffer, most: number): Promise<Uint8Array> {
      for (let from = 0; ; ) {
        const at = held.indexOf(mark, from);
        if (at > most || (at < 0 && held.byteLength > most + mark.byteLength)) throw incomplete();
        if (at >= 0) {
          const taken = held.subarray(0, at);
          held = held.subarray(at + mark.byteLength);
          return taken;
        }
        from = Math.max(0, held.byteLength - mark.byteLength + 1);
        await more();
      }
    },
    async *rest(mark: Buffer): AsyncGenerator<Uint8Array> {
      for (;;) {
        const at = held.indexOf(mark);
        // The end may hold the beginning of the mark.
        const safe = at >= 0 ? at : Math.max(0, held.byteLength - mark.byteLength + 1);
        // A copy: whoever takes a piece may hold on to it.
        if (safe > 0) yield Uint8Array.from(held.subarray(0, safe));
        if (at >= 0) return;
        held = held.subarray(safe);
        await more();
      }
    },
  };
}

const incomplete = () =>
  new AppError("invalid_request", "The body is not a complete multipart/related upload: expected a part of JSON, then the file.");
