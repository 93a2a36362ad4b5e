// Guarded fetch of a client-named URL: public addresses only, pinned, capped in size, time and pixels.
import { type Clock, systemClock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { readChunks, toNetworkError } from "../../http.ts";
import { inspectInput, inspectType, type MediaRules } from "./sniff.ts";
import { createGuardedSend, type GuardDependencies, parseGuardedUrl, type Refuse } from "./ssrf-guard.ts";

export type FetchedMedia = {
  bytes: Uint8Array;
  /** By magic bytes, whatever the server said. */
  mime: string;
};

export type MediaFetchOptions = {
  signal: AbortSignal;
  /** Field of the request that holds the URL, named in errors. */
  param?: string;
  /** Default: images only. */
  kinds?: readonly Kind[];
};

/**
 * Fetches what a client's URL names.
 * @throws {AppError} `invalid_request` that says what is wrong with the URL, never with its path, query or credentials;
 * the signal's own reason when it aborts
 */
export type MediaFetch = (url: string, options: MediaFetchOptions) => Promise<FetchedMedia>;

export type MediaFetchDependencies = GuardDependencies & {
  settings: () => Settings;
  clock?: Clock;
};

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Enough to know the type: a download that is not an image ends here. */
const SNIFF_BYTES = 512;
type Decompressor = "createGunzip" | "createInflate" | "createBrotliDecompress" | "createZstdDecompress";
/** By their names in `node:zlib`, loaded when first needed. Their streams pause without a reader: a decompression bomb is cut at the limit. */
const ENCODINGS: ReadonlyMap<string, Decompressor> = new Map([
  ["gzip", "createGunzip"],
  ["x-gzip", "createGunzip"],
  ["deflate", "createInflate"],
  ["br", "createBrotliDecompress"],
  ["zstd", "createZstdDecompress"],
]);
/** The server is asked not to compress; one that does so all the same is understood. */
const HEADERS = { accept: "image/*,video/*;q=0.8", "accept-encoding": "identity", "user-agent": "flow2api" };
const MEBIBYTE = 1024 * 1024;

/** One fetch under way. */
type Call = {
  signal: AbortSignal;
  limitMb: number;
  rules: MediaRules;
  refuse: Refuse;
};

/** A guarded fetch with its rules. */
export function createMediaFetch(deps: MediaFetchDependencies): MediaFetch {
  const { settings, clock = systemClock } = deps;
  const guardedSend = createGuardedSend(deps);

  /** The response after all redirects; every hop obeys all rules. */
  async function follow(start: string, call: Call): Promise<Response> {
    let url = parseGuardedUrl(start, undefined, call.refuse);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await guardedSend({ url, headers: HEADERS, decompress: false, signal: call.signal, refuse: call.refuse });
      if (response.ok) return response;
      response.body?.cancel().catch(() => {});
      const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
      if (location === null) throw call.refuse(`The URL's server answered with status ${response.status}.`);
      url = parseGuardedUrl(location, url, call.refuse);
    }
    throw call.refuse(`The URL redirects more than ${MAX_REDIRECTS} times.`);
  }

  return async (url, options) => {
    const { fetch_timeout, fetch_limit_mb, max_megapixels } = settings().media;
    const refuse = (message: string) => new AppError("invalid_request", message, { param: options.param });
    const deadline = new AbortController();
    const cancelTimer = clock.after(fetch_timeout * 1000, () => deadline.abort(refuse(`The URL took longer than ${fetch_timeout} s.`)));
    const signal = AbortSignal.any([options.signal, deadline.signal]);
    const rules = { maxMegapixels: max_megapixels, kinds: options.kinds, param: options.param };
    const call: Call = { signal, limitMb: fetch_limit_mb, rules, refuse };
    try {
      const bytes = await readLimited(await follow(url, call), call);
      return { bytes, mime: inspectInput(bytes, rules).type.mime };
    } catch (error) {
      if (signal.aborted) throw toNetworkError(signal.reason, signal);
      // What the transport says may hold the address with its query: the client sees less.
      if (error instanceof AppError && error.kind !== "invalid_request") throw refuse("The URL's server broke the connection off.");
      throw error;
    } finally {
      cancelTimer();
    }
  };
}

/** The whole body, unless it is too large or its first bytes show that it is not what is wanted. */
async function readLimited(response: Response, call: Call): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let isKnown = false;
  let bytes = 0;
  for await (const chunk of limited(decompressed(response, call), call)) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (isKnown || bytes < SNIFF_BYTES) continue;
    inspectType(Buffer.concat(chunks, bytes), call.rules);
    isKnown = true;
  }
  return Buffer.concat(chunks, bytes);
}

/** The body's bytes as they are meant, counted before decompression as well: an archive of nothing has no end either. */
async function* decompressed(response: Response, call: Call): AsyncGenerator<Uint8Array> {
  const body = limited(readChunks(response, call.signal), call);
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  if (encoding === "identity") return yield* body;
  const decompressor = ENCODINGS.get(encoding);
  if (!decompressor) throw call.refuse("The URL's server answers in an encoding that is not understood.");
  const zlib = process.getBuiltinModule("node:zlib");
  const { pipeline } = process.getBuiltinModule("node:stream");
  try {
    yield* pipeline(body, zlib[decompressor](), () => {});
  } catch (error) {
    if (error instanceof AppError || call.signal.aborted) throw error;
    throw call.refuse("The URL's data is damaged: it cannot be decompressed.");
  }
}

async function* limited(chunks: AsyncIterable<Uint8Array>, { limitMb, refuse }: Call): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > limitMb * MEBIBYTE) throw refuse(`The URL's data is larger than ${limitMb} MiB.`);
    yield chunk;
  }
}
