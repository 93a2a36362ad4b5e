// The one reader of request bodies: counts bytes against the request's limit and everybody's budget, then parses and validates.
import type { Static, TSchema } from "elysia";
import { AppError, serverFailure } from "../errors.ts";
import type { MediaStore } from "../gateway/media.ts";
import { parseJson } from "./json-text.ts";
import { discardFiles, type FormContent, readForm } from "./multipart.ts";
import type { Validator } from "./validator.ts";

export { type Validator, validator } from "./validator.ts";

const MIB = 1024 * 1024;

/** A parsed body. Its bytes count against the budget until it is disposed, because the parsed form is held as long. */
export type Body<T> = Disposable & { value: T };

/** A form that was read. Disposing it drops the files that nobody kept. */
export type Form = AsyncDisposable & FormContent;

export type BodyReader = {
  /**
   * Reads and validates a JSON body. Unknown fields are kept and ignored.
   * @throws {AppError} `payload_too_large`, `unavailable` (all bodies together are too large), `invalid_request` naming the field, `cancelled`
   * when the client leaves before all of it came
   */
  json<S extends TSchema>(request: Request, validate: Validator<S>): Promise<Body<Static<S>>>;
  /**
   * Reads a multipart form; its files are drafts in `media`. They and its bytes count until it is disposed.
   * @throws {AppError} as {@link BodyReader.json}; `invalid_request` when it is no whole form or has a file over the limit
   */
  form(request: Request, media: Pick<MediaStore, "openDraft" | "discard">, fileLimitMb: number): Promise<Form>;
  /** Bytes held now. */
  held(): number;
};

export function createBodyReader(limits: () => { body_limit_mb: number; bodies_in_flight_mb: number }): BodyReader {
  let held = 0;
  const reserve = (bytes: number) => {
    if (held + bytes > limits().bodies_in_flight_mb * MIB) {
      throw serverFailure("The server holds too many large request bodies; try again shortly.", "body_budget", { retryAfterMs: 2_000 });
    }
    held += bytes;
  };

  /** Counts one body; refuses it at once when it says itself that it is too large. */
  const openCount = (request: Request) => {
    const maxBytes = limits().body_limit_mb * MIB;
    const tooLarge = () => new AppError("payload_too_large", `The request body is larger than ${limits().body_limit_mb} MiB.`);
    const declared = Number(request.headers.get("content-length") ?? Number.NaN);
    if (declared > maxBytes) throw tooLarge();
    let reserved = 0;
    return {
      declared,
      grow(bytes: number) {
        reserve(bytes);
        reserved += bytes;
        if (reserved > maxBytes) throw tooLarge();
      },
      release() {
        held -= reserved;
        reserved = 0;
      },
    };
  };

  return {
    held: () => held,
    async json(request, validate) {
      const { declared, grow, release } = openCount(request);
      try {
        const text = Number.isFinite(declared) ? await readDeclared(request, declared, grow) : await readUndeclared(request, grow);
        return { value: validate(parseJson(text)), [Symbol.dispose]: release };
      } catch (error) {
        release();
        throw request.signal.aborted ? new AppError("cancelled", "The client went away.") : error;
      }
    },
    async form(request, { openDraft, discard }, fileLimitMb) {
      const { grow, release } = openCount(request);
      try {
        const { fields, files } = await readForm(request, { openDraft, discard, count: grow, fileLimitMb });
        return {
          fields,
          files,
          async [Symbol.asyncDispose]() {
            release();
            await discardFiles(files, { discard });
          },
        };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

async function readDeclared(request: Request, bytes: number, grow: (bytes: number) => void): Promise<string> {
  grow(bytes);
  return await request.text();
}

async function readUndeclared(request: Request, grow: (bytes: number) => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request.body ?? []) {
    grow(chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
