// Content encodings of request bodies: gzip and deflate, decoded in pieces.
import { AppError } from "../../errors.ts";

/** By their names in `node:zlib`, which is loaded with the first body that needs it: few clients encode theirs. */
const DECODERS = { gzip: "createGunzip", "x-gzip": "createGunzip", deflate: "createInflate" } as const;

export type Encoding = keyof typeof DECODERS;

const PIECE_BYTES = 64 * 1024;

/** The encoding of a body; null: none. @throws {AppError} `unsupported_media_type` */
export function encodingOf(headers: Headers): Encoding | null {
  const header = headers.get("content-encoding");
  if (header === null) return null;
  const names = header
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity");
  const [name] = names;
  if (name === undefined) return null;
  if (names.length === 1 && name in DECODERS) return name as Encoding;
  throw new AppError("unsupported_media_type", "content-encoding: expected gzip or deflate, or a body that is not encoded.", {
    reason: "unsupported_content_encoding",
  });
}

/** Decoded pieces. The consumer must count them: a few bytes may expand to gigabytes. @throws {AppError} `invalid_request`, what `source` throws */
export async function* decodePieces(source: AsyncIterable<Uint8Array>, encoding: Encoding): AsyncGenerator<Uint8Array> {
  const zlib = process.getBuiltinModule("node:zlib");
  const { Readable, promises } = process.getBuiltinModule("node:stream");
  const decoder = zlib[DECODERS[encoding]]({ chunkSize: PIECE_BYTES });
  let cause: unknown = null;
  const watched = async function* () {
    try {
      yield* source;
    } catch (error) {
      cause = error;
      throw error;
    }
  };
  const fed = promises.pipeline(Readable.from(watched(), { objectMode: false }), decoder);
  fed.catch(() => {});
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
    await fed;
  } catch (error) {
    if (cause !== null) throw cause;
    if (isZlibError(error)) throw new AppError("invalid_request", `The request body is not valid ${encoding} data.`);
    throw error;
  } finally {
    decoder.destroy();
  }
}

const isZlibError = (error: unknown) => error instanceof Error && "code" in error && /^(Z_|ERR_BUFFER|ERR_ZLIB)/.test(String(error.code));
