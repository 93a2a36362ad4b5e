// Object store: an S3-compatible bucket by presigned requests: put a file, read by range, delete, list.

import { AppError } from "./errors.ts";
import { send, withoutEndSlashes } from "./http.ts";

export type ObjectStoreOptions = {
  /** `s3://bucket/prefix`; the prefix may be empty. */
  url: string;
  /** Of an S3-compatible store, e.g. `https://minio.local:9000`; empty: Amazon's of the region. */
  endpoint: string;
  region: string;
  accessKey: string;
  secretKey: string;
};

/** Bytes from `start` up to and without `end`. */
export type ByteRange = { start: number; end: number };

export type StoredObject = { name: string; bytes: number /** Epoch ms. */; at: number };

const LINK_SECONDS = 900;
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

  /** @throws {Error} when `url` is not `s3://bucket/prefix` */
  constructor({ url, endpoint, region, accessKey, secretKey }: ObjectStoreOptions) {
    const place = readObjectUrl(url);
    if (!place) throw new Error("The object store's URL must be s3://bucket/prefix");
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
   * @throws {AppError} `unavailable`
   */
  async put(name: string, body: Blob, mime: string): Promise<void> {
    const url = this.sign(name, { method: "PUT" });
    const ms = CALL_MS + (1000 * body.size) / LEAST_RATE;
    await this.call("PUT", url, { body, headers: { "content-type": mime }, ms });
  }

  /** Size of an object; null: there is none. @throws {AppError} `unavailable` */
  async size(name: string): Promise<number | null> {
    const response = await this.call("HEAD", this.sign(name, { method: "HEAD" }), { absent: true });
    return response && Number(response.headers.get("content-length"));
  }

  /** The bytes as they arrive; null: there is no such object. @throws {AppError} `unavailable` */
  async read(name: string, range: ByteRange | null = null): Promise<ReadableStream<Uint8Array> | null> {
    const headers = range ? { range: `bytes=${range.start}-${range.end - 1}` } : undefined;
    const response = await this.call("GET", this.sign(name, { method: "GET" }), { headers, absent: true });
    return response && (response.body ?? new Blob([]).stream());
  }

  /** A link to the bytes for whoever holds it, for a quarter of an hour. */
  link(name: string, as: { mime: string; disposition: string }): string {
    return this.sign(name, { method: "GET", type: as.mime, contentDisposition: as.disposition });
  }

  /** Also where there is none. @throws {AppError} `unavailable` */
  async delete(name: string): Promise<void> {
    await this.call("DELETE", this.sign(name, { method: "DELETE" }), { absent: true });
  }

  /** All objects below a prefix, page by page. @throws {AppError} `unavailable` */
  async *list(below = ""): AsyncGenerator<StoredObject[]> {
    let continuationToken: string | undefined;
    do {
      const page = await this.client.list({ prefix: this.prefix + below, continuationToken }).catch((cause) => {
        throw new AppError("unavailable", "The object store did not list its objects.", { cause });
      });
      yield (page.contents ?? []).map(({ key, size, lastModified }) => ({
        name: key.slice(this.prefix.length),
        bytes: size ?? 0,
        at: lastModified ? Date.parse(String(lastModified)) : 0,
      }));
      continuationToken = page.isTruncated ? page.nextContinuationToken : undefined;
    } while (continuationToken !== undefined);
  }

  private sign(name: string, options: Bun.S3FilePresignOptions): string {
    return this.client.presign(this.prefix + name, { expiresIn: LINK_SECONDS, ...options });
  }

  /** Null for an absent object where `absent` is allowed. The signed URL is a secret: it is in no message. */
  private async call(method: "GET" | "HEAD" | "PUT" | "DELETE", url: string, options: CallOptions): Promise<Response | null> {
    const { body, headers, absent, ms = CALL_MS } = options;
    const head = new AbortController();
    const timer = setTimeout(() => head.abort(new AppError("unavailable", "The object store did not answer in time.")), ms);
    try {
      const response = await send({ method, url, headers, body, proxy: null, signal: head.signal, decompress: false });
      if (response.ok) return response;
      const code = errorCode((await response.text()).slice(0, ERROR_CHARS));
      if (absent && response.status === 404 && code !== "NoSuchBucket") return null;
      throw new AppError("unavailable", `The object store refused ${method} with ${response.status}${code && ` (${code})`}.`);
    } catch (cause) {
      if (cause instanceof AppError && cause.kind === "unavailable") throw cause;
      throw new AppError("unavailable", "The object store could not be reached.", { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

type CallOptions = { body?: Blob; headers?: Record<string, string>; absent?: boolean; ms?: number };

/** `<Code>` of an error, e.g. `SignatureDoesNotMatch`; empty: it names none. */
function errorCode(text: string): string {
  const start = text.indexOf("<Code>");
  const end = text.indexOf("</Code>", start);
  return start < 0 || end < 0 ? "" : text.slice(start + 6, end);
}
