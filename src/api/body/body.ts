// Body reader: counts arriving bytes against limit and budget, then parses and validates.
import type { Static, TSchema } from "elysia";
import { type Clock, systemClock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import { type ArrivalLimits, ArrivalWatch } from "./body-arrival.ts";
import { BodyBudget, type BodyCount, type BodyOwner, type BudgetLimits, bodyTooLarge } from "./body-budget.ts";
import { decodePieces, encodingOf } from "./body-encoding.ts";
import { parseJson } from "./json-text.ts";
import { discardFiles, type FormContent, readForm } from "./multipart.ts";
import type { Validator } from "./validator.ts";

export { type Validator, validator } from "./validator.ts";

const MIB = 1024 * 1024;

/** A parsed body. Its bytes count against the budget until it is disposed: the parsed value is in memory as long. */
export type Body<T> = Disposable & { value: T };

/** A parsed form. Disposing it deletes the files that were not stored. */
export type Form = AsyncDisposable & FormContent;

export type BodyLimits = BudgetLimits & ArrivalLimits;

export type BodyReaderOptions = {
  /** Default: one of its own. */
  budget?: BodyBudget;
  clock?: Clock;
  /** Owner of a request's bytes; null: the operator. Default: one owner for all. */
  ownerOf?(request: Request): BodyOwner | null;
  /** See {@link ArrivalWatch}. */
  onSlow?(request: Request): void;
};

/**
 * Every body is counted as it arrives and is decoded (gzip, deflate), and has a least rate and a longest time. All methods throw
 * {AppError} `payload_too_large`; `unavailable` when all bodies together are too large, `busy` when the key's are; `request_timeout`;
 * `unsupported_media_type` for another encoding; `invalid_request`; `cancelled` when the client leaves before the end.
 */
export class BodyReader {
  private readonly arrivals: ArrivalWatch;
  private readonly budget: BodyBudget;
  private readonly ownerOf: NonNullable<BodyReaderOptions["ownerOf"]>;

  constructor(
    private readonly limits: () => BodyLimits,
    { clock = systemClock, ownerOf = () => "anybody", onSlow, budget = new BodyBudget(limits) }: BodyReaderOptions = {},
  ) {
    this.arrivals = new ArrivalWatch(clock, limits, onSlow);
    this.budget = budget;
    this.ownerOf = ownerOf;
  }

  /** The decoded pieces, each counted. */
  private async *counted(request: Request, count: BodyCount): AsyncGenerator<Uint8Array> {
    const encoding = encodingOf(request.headers);
    const pieces = this.arrivals.pieces(request);
    for await (const piece of encoding === null ? pieces : decodePieces(pieces, encoding)) {
      count.grow(piece.byteLength);
      yield piece;
    }
  }

  private async largeText(request: Request, count: BodyCount): Promise<string> {
    const bytes = new GrowingBytes(declaredBytes(request));
    for await (const piece of this.counted(request, count)) bytes.append(piece);
    return bytes.text();
  }

  /** A text, or with a validator the JSON in it. A short one counts when it is complete. */
  private async read<T>(request: Request, maxBytes: number, validate: ((value: unknown) => T) | null): Promise<Body<T>> {
    const declared = declaredBytes(request);
    const isShort = declared <= this.arrivals.unwatchedBytes && !request.headers.has("content-encoding");
    const count = this.openCount(request, declared, maxBytes);
    const short = isShort ? this.arrivals.watchText(request) : null;
    try {
      const text = await (short ? short.text : this.largeText(request, count));
      if (short) count.growTo(Math.max(declared, text.length));
      return new CountedBody(validate ? validate(parseJson(text)) : (text as T), count);
    } catch (error) {
      throw failed(request, count, error);
    } finally {
      if (short) this.arrivals.forget(short);
    }
  }

  private openCount(request: Request, declared: number, maxBytes: number): BodyCount {
    if (declared > maxBytes) throw bodyTooLarge(maxBytes);
    return this.budget.open(this.ownerOf(request), maxBytes);
  }

  /** Runs `read` with a count that is released when it fails. */
  private async withCount<T>(
    request: Request,
    maxBytes: number,
    read: (count: BodyCount) => Promise<T>,
  ): Promise<{ value: T; count: BodyCount }> {
    const count = this.openCount(request, declaredBytes(request), maxBytes);
    try {
      return { value: await read(count), count };
    } catch (error) {
      throw failed(request, count, error);
    }
  }

  private bodyLimit(): number {
    return this.limits().body_limit_mb * MIB;
  }

  /** Bytes held now. */
  held(): number {
    return this.budget.held;
  }

  /** Reads and validates a JSON body. Unknown fields pass and are ignored. */
  json<S extends TSchema>(request: Request, validate: Validator<S>): Promise<Body<Static<S>>> {
    return this.read(request, this.bodyLimit(), validate);
  }

  /** Reads a text of at most `maxBytes`. */
  text(request: Request, maxBytes: number): Promise<Body<string>> {
    return this.read<string>(request, maxBytes, null);
  }

  /** Reads a multipart form; its files are temp files of `media`. They and its bytes count until it is disposed. */
  async form(request: Request, media: Pick<MediaStore, "openTempFile" | "discard">, fileLimitMb: number): Promise<Form> {
    const { value, count } = await this.withCount(request, this.bodyLimit(), (counting) =>
      readForm(request, {
        openTempFile: (mime) => media.openTempFile(mime),
        discard: (file) => media.discard(file),
        pieces: this.counted(request, counting),
        fileLimitMb,
      }),
    );
    return {
      ...value,
      async [Symbol.asyncDispose]() {
        count.release();
        await discardFiles(value.files, media);
      },
    };
  }

  /** A body that is stored as it arrives: each piece counts until the next is requested. `keyId`: owner where the request has no key. */
  async *stream(request: Request, keyId?: number): AsyncGenerator<Uint8Array> {
    const count = this.budget.open(keyId ?? this.ownerOf(request));
    try {
      for await (const piece of this.counted(request, count)) {
        yield piece;
        count.release();
      }
    } finally {
      count.release();
    }
  }
}

class CountedBody<T> implements Body<T> {
  constructor(
    readonly value: T,
    private readonly count: BodyCount,
  ) {}

  [Symbol.dispose](): void {
    this.count.release();
  }
}

/** What is thrown when a body could not be read; its count is released. */
function failed(request: Request, count: BodyCount, error: unknown): unknown {
  count.release();
  return request.signal.aborted ? new AppError("cancelled", "The client went away.") : error;
}

/** NaN without a content-length. */
function declaredBytes({ headers }: Request): number {
  const header = headers.get("content-length");
  return header === null ? Number.NaN : Number(header);
}

/** One growing buffer: many small pieces cost no more than a few large ones. */
class GrowingBytes {
  #buffer = Buffer.alloc(0);
  #length = 0;

  /** `expected`: the whole length where it is known. At most twice the arrived bytes are allocated. */
  constructor(private readonly expected: number) {}

  append(piece: Uint8Array): void {
    const length = this.#length + piece.byteLength;
    if (length > this.#buffer.byteLength) {
      const doubled = Math.max(length, this.#buffer.byteLength * 2);
      const larger = Buffer.allocUnsafe(this.expected >= length ? Math.min(doubled, this.expected) : doubled);
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  text(): string {
    return new TextDecoder().decode(this.#buffer.subarray(0, this.#length));
  }
}
