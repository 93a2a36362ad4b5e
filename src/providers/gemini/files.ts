// The Files API: inputs up in pieces, videos down as a stream, and the wait until a file is ready.
// Source: Gemini API reference, files and media.upload (resumable), read 2026-11-23.
import { sleep, systemClock } from "../../clock.ts";
import type { InputMedia, TempFile, TempFileWriter } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { readChunks, toNetworkError } from "../../http.ts";
import { damaged, readJson } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { toLookupError, withoutCost } from "./errors.ts";
import { isRecord, type JsonRecord, stringOf } from "./json.ts";
import type { GeminiOptions, GeminiRequest, Transport } from "./transport.ts";

/** Bytes of an upload that are held at a time; the protocol wants a multiple of 256 KiB. */
const PIECE = 4 * 1024 * 1024;
const MAX_ANSWER = 1024 * 1024;
const MAX_REDIRECTS = 5;
/** Milliseconds between two polls of a file that is being processed. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 5000;

/** The Files API of one upstream. It holds no state between calls. */
export class GeminiFiles {
  private readonly pause: NonNullable<GeminiOptions["pause"]>;

  constructor(
    options: Pick<GeminiOptions, "pause">,
    private readonly transport: Transport,
  ) {
    this.pause = options.pause ?? ((ms, signal) => sleep(systemClock, ms, signal));
  }

  /** The file once it is no longer being processed. */
  private async settled(id: string, token: ProviderToken, signal: AbortSignal): Promise<"ACTIVE" | "FAILED"> {
    for (let wait = FIRST_PAUSE; ; wait = Math.min(LONGEST_PAUSE, wait * 1.5)) {
      const response = await this.transport.lookUp("file", { to: `v1beta/files/${id}`, token, signal });
      const { state } = await readFile(response, signal);
      if (state === "ACTIVE" || state === "FAILED") return state;
      await this.pause(wait, signal).catch((error) => Promise.reject(toNetworkError(error, signal)));
    }
  }

  private async begin({ mime, data }: InputMedia, token: ProviderToken, signal: AbortSignal): Promise<string> {
    const response = await this.transport.ask({
      to: "upload/v1beta/files",
      body: JSON.stringify({ file: { mimeType: mime, sizeBytes: String(data.size) } }),
      headers: {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-length": String(data.size),
        "x-goog-upload-header-content-type": mime,
      },
      token,
      signal,
    });
    await response.body?.cancel();
    return uploadPathOf(response.headers.get("x-goog-upload-url") ?? "");
  }

  private async send(to: string, { data }: InputMedia, token: ProviderToken, signal: AbortSignal): Promise<JsonRecord> {
    for (let offset = 0; ; offset += PIECE) {
      const isLast = offset + PIECE >= data.size;
      const headers = {
        "content-type": "application/octet-stream",
        "x-goog-upload-command": isLast ? "upload, finalize" : "upload",
        "x-goog-upload-offset": String(offset),
      };
      const body = await data.slice(offset, offset + PIECE).bytes();
      const response = await this.transport.ask({ to, method: "POST", body, headers, keyless: true, token, signal });
      if (isLast) return readFile(response, signal);
      await response.body?.cancel();
    }
  }

  /** Follows redirects by hand: the key goes to the API's own origin only. */
  private async follow(to: string, token: ProviderToken, signal: AbortSignal): Promise<Response> {
    const api = this.transport.addressOf(token, "");
    let url = this.transport.addressOf(token, to);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      if (url.protocol !== "https:" && url.protocol !== api.protocol) break;
      const request: GeminiRequest = { to: url.href, token, signal };
      const response = await this.transport.exchange(request);
      if (response.status === 200) return response;
      const location = response.headers.get("location");
      if (response.status < 300 || response.status >= 400 || !location) {
        throw await this.transport.refusalOf(response, request, (status, body, now) => toLookupError("file", { status, body, now }));
      }
      await response.body?.cancel();
      url = new URL(location, url);
    }
    throw damaged("malformed", "The upstream's redirects to the video lead nowhere.");
  }

  /**
   * Uploads an input and waits until it may be used. Free.
   * @returns the file's `uri`, as a request names it
   * @throws {AppError} `upstream_invalid` when the upstream cannot read it
   */
  async upload(media: InputMedia, token: ProviderToken, { signal }: CallContext): Promise<string> {
    const file = await this.send(await this.begin(media, token, signal), media, token, signal);
    const uri = stringOf(file.uri);
    const id = uri && fileIdOf(uri);
    if (!uri || !id) throw damaged("malformed", "The upstream's answer does not name the uploaded file.");
    const state = file.state === "ACTIVE" ? "ACTIVE" : await this.settled(id, token, signal);
    if (state === "ACTIVE") return uri;
    throw new AppError("upstream_invalid", `The Gemini API cannot read an input of type ${media.mime}.`, {
      detail: { scope: "request", reason: "malformed" },
    });
  }

  /**
   * Streams a generated video to a temp file, when it is ready. Free, may be repeated.
   * @param uri as the interaction names it
   * @throws {AppError} `no_result` when the upstream lost it, `upstream_unavailable` for what is worth another try
   */
  async download(uri: string, token: ProviderToken, call: CallContext): Promise<TempFile> {
    const { signal } = call;
    const id = fileIdOf(uri);
    try {
      if (id && (await this.settled(id, token, signal)) === "FAILED") throw lost("The Gemini API could not finish the video's file.");
      return await save(await this.follow(id ? `v1beta/files/${id}:download?alt=media` : uri, token, signal), call);
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") throw lost("The Gemini API no longer stores the video.", error);
      throw withoutCost(error, signal);
    }
  }
}

/** A video that was made, paid, and cannot be had. */
export function lost(message: string, cause?: unknown): AppError {
  return new AppError("no_result", message, { charged: true, cause });
}

/** The id in a file's address, whatever host it names: a proxy before the API does not rewrite responses. */
function fileIdOf(uri: string): string | null {
  return /\/files\/([\w-]+)(?:[:?/]|$)/.exec(uri)?.[1] ?? null;
}

/** The address of an upload below our base. It is its own credential. */
function uploadPathOf(url: string): string {
  const at = url.indexOf("/upload/");
  if (at >= 0 && at + "/upload/".length < url.length) return url.slice(at + 1);
  throw damaged("malformed", "The upstream did not say where to upload.");
}

/** A file's description, wrapped (`{file}`) or not. */
async function readFile(response: Response, signal: AbortSignal): Promise<JsonRecord> {
  const body = await readJson(readChunks(response, signal), MAX_ANSWER).catch((error) => Promise.reject(withoutCost(error, signal)));
  const file = isRecord(body) && isRecord(body.file) ? body.file : body;
  if (isRecord(file)) return file;
  throw damaged("malformed", "The upstream's answer describes no file.");
}

/** Writes a response's bytes at the pace of the writer. `fetch` fails by itself when fewer come than were promised. */
async function save(response: Response, call: CallContext): Promise<TempFile> {
  const type = response.headers.get("content-type") ?? "";
  let writer: TempFileWriter | undefined;
  try {
    for await (const chunk of readChunks(response, call.signal)) {
      if (/^(text\/|application\/json)/.test(type)) throw damaged("malformed", "The upstream answered with words in place of the video.");
      writer ??= await call.openTempFile("video/mp4");
      await writer.write(chunk);
    }
    if (!writer) throw damaged("cut_off", "The upstream's answer holds no video.");
  } catch (error) {
    await writer?.discard();
    throw error;
  }
  return writer.close();
}
