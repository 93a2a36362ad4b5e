// The files of finished media: by their links, which are followed without any credential, or as base64 in a response; straight into a temp file.

import type { TempFile } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { readChunks, send, toNetworkError } from "../../http.ts";
import { readMediaJson } from "../json-media.ts";
import { damaged } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { parseEncodedImage } from "./convert.ts";
import type { Sessions } from "./session.ts";
import { type FlowOptions, type Transport, USER_AGENT, withLimit } from "./transport.ts";
import { parseEncodedVideo } from "./video-convert.ts";

/** What a file is expected to be. */
export type FileKind = {
  /** As messages call it. */
  word: "image" | "video";
  /** Types of a response that is the file itself. */
  types: RegExp;
  maxBytes: number;
  /** Field of a JSON response that holds it as base64, and where the field may stand. */
  field: string;
  find(body: unknown): string | undefined;
  /** What the base64 is taken for. */
  mime: string;
};

export const IMAGE_FILE: FileKind = {
  word: "image",
  types: /^(image\/|(application|binary)\/octet-stream)/,
  maxBytes: 256 * 1024 ** 2,
  field: "encodedImage",
  find: parseEncodedImage,
  mime: "image/jpeg",
};
export const VIDEO_FILE: FileKind = {
  word: "video",
  types: /^(video\/|(application|binary)\/octet-stream)/,
  maxBytes: 4 * 1024 ** 3,
  field: "encodedVideo",
  find: parseEncodedVideo,
  mime: "video/mp4",
};

/** One way to the bytes of a finished file. */
export type Way = { name: string; fetch(call: CallContext): Promise<TempFile> };

export type Files = {
  /** @throws {AppError} `upstream_unavailable` for anything but the file, else as `send` */
  fetchLink(link: string, kind: FileKind, token: ProviderToken, call: CallContext): Promise<TempFile>;
  /** By a link that Flow gives for the media id. @throws {AppError} as `fetchLink` */
  fetchFresh(mediaId: string, kind: FileKind, token: ProviderToken, call: CallContext): Promise<TempFile>;
  /** As base64 out of Flow's media store. @throws {AppError} as `decodeFile`, and as `Transport.open` */
  fetchBytes(mediaId: string, kind: FileKind, token: ProviderToken, call: CallContext): Promise<TempFile>;
  /**
   * Goes the ways in order, each within `limitMs`, until one leads to the file.
   * @throws {AppError} the last way's failure; the signal's reason when it aborts
   */
  tryWays(ways: readonly Way[], kind: FileKind, limitMs: number, call: CallContext): Promise<TempFile>;
};

const MAX_HOPS = 3;

export function createFiles(transport: Transport, sessions: Sessions, options: Pick<FlowOptions, "apiBaseUrl" | "log">): Files {
  /** Links come from outside: encrypted ones only, unless Flow itself is spoken to in clear, as a stand-in on this machine is. */
  const protocols = ["https:", new URL(options.apiBaseUrl).protocol];

  const fetchLink: Files["fetchLink"] = async (link, kind, token, call) => {
    let url = link;
    for (let hop = 0; hop <= MAX_HOPS; hop++) {
      if (!protocols.includes(URL.parse(url)?.protocol ?? "")) throw damaged("malformed", "Flow's link is of an unknown kind.");
      const response = await send({ url, headers: { "user-agent": USER_AGENT }, proxy: token.proxy, signal: call.signal });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || !location) return saveFile(response, kind, call);
      await response.body?.cancel();
      url = URL.parse(location, url)?.href ?? "";
    }
    throw damaged("malformed", "Flow's link leads in circles.");
  };

  return {
    fetchLink,
    async fetchFresh(mediaId, kind, token, call) {
      const query = new URLSearchParams({ name: mediaId, mediaUrlType: "MEDIA_URL_TYPE_FULL_MEDIA" });
      const path = `trpc/media.getMediaUrlRedirect?${query}`;
      const { cookie } = await sessions.current(token, call);
      const response = await transport.exchange({ operation: "media", path, auth: { cookie }, proxy: token.proxy, signal: call.signal });
      await response.body?.cancel();
      const location = response.headers.get("location");
      if (!location) throw damaged("malformed", "Flow's answer holds no link.");
      return fetchLink(URL.parse(location, response.url)?.href ?? "", kind, token, call);
    },
    fetchBytes: (mediaId, kind, token, call) =>
      sessions.use(token, call, async ({ accessToken }) => {
        const path = `media/${encodeURIComponent(mediaId)}`;
        const response = await transport.open({ operation: "media", path, auth: { accessToken }, proxy: token.proxy, signal: call.signal });
        return decodeFile(response, kind, call);
      }),
    async tryWays(ways, kind, limitMs, call) {
      let lastError = new AppError("upstream_unavailable", `Flow names no way to its ${kind.word}.`);
      for (const way of ways) {
        using limit = withLimit(call.signal, limitMs);
        try {
          return await way.fetch({ ...call, signal: limit.signal });
        } catch (error) {
          if (call.signal.aborted) throw toNetworkError(error, call.signal);
          if (!(error instanceof AppError)) throw error;
          options.log.debug(`flow did not hand over a ${kind.word}`, { way: way.name, kind: error.kind, status: error.upstreamStatus });
          lastError = error;
        }
      }
      throw lastError;
    },
  };
}

/** Decodes the file out of a JSON response while it streams. @throws {AppError} as `readMediaJson`, `malformed` when there is none */
export async function decodeFile(response: Response, kind: FileKind, call: CallContext): Promise<TempFile> {
  const { body, media } = await readMediaJson(response, {
    keys: [kind.field],
    openTempFile: (mime) => call.openTempFile(mime),
    signal: call.signal,
    hold: call.hold,
  });
  try {
    const value = kind.find(body);
    if (!value) throw damaged("malformed", `Flow's answer holds no ${kind.word}.`);
    return await media.take(value, kind.mime);
  } finally {
    await media.discard();
  }
}

async function saveFile(response: Response, kind: FileKind, call: CallContext): Promise<TempFile> {
  const mime = response.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "application/octet-stream";
  if (!response.ok || !kind.types.test(mime)) {
    await response.body?.cancel();
    throw new AppError("upstream_unavailable", `Flow's link does not lead to a ${kind.word}.`, { upstreamStatus: response.status });
  }
  const writer = await call.openTempFile(mime);
  let bytes = 0;
  try {
    for await (const chunk of readChunks(response, call.signal)) {
      bytes += chunk.byteLength;
      if (bytes > kind.maxBytes) throw damaged("malformed", `Flow's ${kind.word} is too long.`);
      await writer.write(chunk);
    }
    if (bytes === 0) throw damaged("malformed", `Flow's ${kind.word} is empty.`);
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return writer.close();
}
