// Object store: an S3-compatible bucket by presigned requests: put a file, read by range, delete, list.

import { AppError } from "../errors.ts";
import { send, withoutEndSlashes } from "../http.ts";
import { type ObjectPage, readObjectPage, signQuery } from "./object-list.ts";

export type ObjectStoreOptions = {
  /** `s3://bucket/prefix`; the prefix may be empty. */
  url: string;
  /** Of an S3-compatible store, e.g. `https://minio.local:9000`; empty: Amazon's of the region. */
  endpoint: string;
  region: string;
  accessKey: string;
  secretKey: string;
  /** How long a response, or a piece of one, may take, ms. Default 20 s. */
  callMs?: number;
};

/** Bytes from `start` up to and without `end`. */
export type ByteRange = { start: number; end: number };

export type StoredObject = ObjectPage["objects"][number];

const LINK_SECONDS = 900;
/** For a response's head, and for each piece of its body. */
const CALL_MS = 20_000;
/** The least rate of an upload, bytes a second: below it the store counts as away. */
const LEAST_RATE = 256 * 1024;
/** Of an error's text: enough for its code. */
const ERROR_CHARS = 2000;

/** Bucket and prefix (without a slash at its end) of an `s3://` URL; null: it is none. */
export function readObjectUrl(url: string): { bucket: string; prefix: string } | null {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "s3:" || parsed.hostname === "" || parsed.search !== "" || parsed.hash !== "") return null;
  return { bucket: parsed.hostname, prefix: withoutEndSlashes(decodeURIComponent(parsed.pathname)).slice(1) };
}

/**
 * A prefix of a bucket. `Bun.S3Client` signs; requests go through `http.ts`, so that no proxy of the environment sees them.
 * Its `writer()` is not used: a begun upload cannot be given up there, and leaves a cut object behind.
 */
export class ObjectStore {
  private readonly client: Bun.S3Client;
  private readonly prefix: string;
  private readonly callMs: number;

  /** @throws {Error} when `url` is not `s3://bucket/prefix` */
  constructor(private readonly options: ObjectStoreOptions) {
    const { url, endpoint, region, accessKey, secretKey } = options;
    const place = readObjectUrl(url);
    if (!place) throw new Error("The object store's URL must be s3://bucket/prefix");
    this.callMs = options.callMs ?? CALL_MS;
    this.prefix = place.prefix === "" ? "" : `${place.prefix}/`;
    this.client = new Bun.S3Client({
      bucket: place.bucket,
      region,
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      ...(endpoint !== "" && { endpoint }),
    });
  }

  /**
   * Writes an object whole or not at all; one of the same name is replaced. `body` is read from disk as it is sent.
   * @param stop gives it up: the object is then whole or not there
   * @throws {AppError} `unavailable`, or the reason of `stop`
   */
  async put(name: string, body: Blob, mime: string, stop?: AbortSignal): Promise<void> {
    const url = this.sign(name, { method: "PUT" });
    const ms = this.callMs + (1000 * body.size) / LEAST_RATE;
    await this.call("PUT", url, { body, headers: { "content-type": mime }, ms, stop });
  }

  /** Size of an object; null: there is none. @throws {AppError} `unavailable` */
  async size(name: string): Promise<number | null> {
    const response = await this.call("HEAD", this.sign(name, { method: "HEAD" }), { absent: true });
    return response && Number(response.headers.get("content-length"));
  }

  /** The bytes as they arrive; null: there is no such object. A body that stands still fails. @throws {AppError} `unavailable` */
  async read(name: string, range: ByteRange | null = null): Promise<ReadableStream<Uint8Array> | null> {
    const headers = range ? { range: `bytes=${range.start}-${range.end - 1}` } : undefined;
    const response = await this.call("GET", this.sign(name, { method: "GET" }), { headers, absent: true });
    return response && withIdleLimit(response.body ?? new Blob([]).stream(), this.callMs);
  }

  /** A link to the bytes for whoever holds it, for a quarter of an hour. */
  link(name: string, as: { mime: string; disposition: string }): string {
    return this.sign(name, { method: "GET", type: as.mime, contentDisposition: as.disposition });
  }

  /** Also where there is none. @throws {AppError} `unavailable` */
  async delete(name: string): Promise<void> {
    await this.call("DELETE", this.sign(name, { method: "DELETE" }), { absent: true });
  }

  /** All objects below a prefix, page by page. @throws {AppError} `unavailable`, or the reason of `stop` */
  async *list(below = "", stop?: AbortSignal): AsyncGenerator<StoredObject[]> {
    let next: string | null = null;
    do {
      const response = (await this.call("GET", this.signList(this.prefix + below, next), { stop }))!;
      const page = readObjectPage(await textOf(withIdleLimit(response.body ?? new Blob([]).stream(), this.callMs)));
      yield page.objects.map(({ name, ...facts }) => ({ ...facts, name: name.slice(this.prefix.length) }));
      next = page.next;
    } while (next !== null);
  }

  private signList(prefix: string, next: string | null): string {
    const { region, accessKey, secretKey } = this.options;
    // The bucket's own address, in whichever form the client addresses objects.
    const url = new URL(this.client.presign("x"));
    url.search = "";
    url.pathname = url.pathname.slice(0, -1);
    const query = { "list-type": "2", prefix, ...(next !== null && { "continuation-token": next }) };
    return signQuery(url, query, { region, accessKey, secretKey, now: new Date(), seconds: LINK_SECONDS });
  }

  private sign(name: string, options: Bun.S3FilePresignOptions): string {
    return this.client.presign(this.prefix + name, { expiresIn: LINK_SECONDS, ...options });
  }

  /** Null for an absent object where `absent` is allowed. The signed URL is a secret: it is in no message. */
  private async call(method: "GET" | "HEAD" | "PUT" | "DELETE", url: string, options: CallOptions): Promise<Response | null> {
    const { body, headers, absent, stop, ms = this.callMs } = options;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new AppError("unavailable", "The object store did not answer in time.")), ms);
    const signal = stop ? AbortSignal.any([stop, late.signal]) : late.signal;
    try {
      const response = await send({ method, url, headers, body, proxy: null, signal, decompress: false });
      if (response.ok) return response;
      const code = errorCode((await response.text()).slice(0, ERROR_CHARS));
      if (absent && response.status === 404 && code !== "NoSuchBucket") return null;
      const { status } = response;
      throw new AppError("unavailable", `The object store refused ${method} with ${status}${code && ` (${code})`}.`, {
        upstreamStatus: status,
      });
    } catch (cause) {
      if (stop?.aborted) throw stop.reason;
      if (cause instanceof AppError && cause.kind === "unavailable") throw cause;
      throw new AppError("unavailable", "The object store could not be reached.", { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

type CallOptions = { body?: Blob; headers?: Record<string, string>; absent?: boolean; ms?: number; stop?: AbortSignal };

/** The same bytes; fails when the next piece does not arrive in time. Time in which nobody reads does not count. */
function withIdleLimit(stream: ReadableStream<Uint8Array>, ms: number): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { promise: late, reject } = Promise.withResolvers<never>();
        const failure = () => new AppError("unavailable", "The object store stopped sending in the middle of a file.");
        const timer = setTimeout(() => reject(failure()), ms);
        try {
          const { done, value } = await Promise.race([reader.read(), late]);
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (cause) {
          void reader.cancel().catch(() => {});
          throw cause instanceof AppError
            ? cause
            : new AppError("unavailable", "The object store broke off in the middle of a file.", { cause });
        } finally {
          clearTimeout(timer);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

const textOf = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream).text();

/** `<Code>` of an error, e.g. `SignatureDoesNotMatch`; empty: it names none. */
function errorCode(text: string): string {
  const start = text.indexOf("<Code>");
  const end = text.indexOf("</Code>", start);
  return start < 0 || end < 0 ? "" : text.slice(start + 6, end);
}
