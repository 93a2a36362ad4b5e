// The bytes of a finished picture: from its signed link, else from Flow's media store, straight into a draft.
import { AppError } from "../../errors.ts";
import type { Draft } from "../../gateway/types.ts";
import { readChunks, send, toNetworkError } from "../../http.ts";
import { readMediaJson } from "../json-media.ts";
import { damaged } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { parseEncodedImage } from "./convert.ts";
import type { Sessions } from "./session.ts";
import { type FlowOptions, type Transport, USER_AGENT, withLimit } from "./transport.ts";

export type Results = {
  /**
   * Downloads a picture that was generated and paid. Tries the link twice, then the media store's bytes, then a fresh link.
   * @throws {AppError} `upstream_unknown_outcome`, charged, when every way failed; the signal's reason when it aborts
   */
  fetch(made: { mediaId?: string; url?: string }, token: ProviderToken, call: CallContext): Promise<Draft>;
  /** Decodes the picture out of a JSON answer while it streams. @throws {AppError} as `readMediaJson`, `malformed` when there is none */
  decode(response: Response, call: CallContext, signal: AbortSignal): Promise<Draft>;
};

const TRY_LIMIT_MS = 90_000;
const MAX_HOPS = 3;
const MAX_BYTES = 256 * 1024 * 1024;
/** Types of an answer that is the file itself. */
const FILE_TYPE = /^(image\/|application\/octet-stream|binary\/octet-stream)/;

type Way = { name: string; fetch(signal: AbortSignal): Promise<Draft> };

/** Ways from a generated picture to a draft. */
export function createResults(transport: Transport, sessions: Sessions, options: Pick<FlowOptions, "apiBaseUrl" | "log">): Results {
  /** Links come from outside: encrypted ones only, unless Flow itself is spoken to in clear, as a stand-in on this machine is. */
  const protocols = ["https:", new URL(options.apiBaseUrl).protocol];

  const fetchLink = async (link: string, token: ProviderToken, call: CallContext, signal: AbortSignal): Promise<Draft> => {
    let url = link;
    for (let hop = 0; hop <= MAX_HOPS; hop++) {
      if (!protocols.includes(URL.parse(url)?.protocol ?? "")) throw damaged("malformed", "Flow's link is of an unknown kind.");
      const response = await send({ url, headers: { "user-agent": USER_AGENT }, proxy: token.proxy, signal });
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || !location) return saveFile(response, call, signal);
      await response.body?.cancel();
      url = URL.parse(location, url)?.href ?? "";
    }
    throw damaged("malformed", "Flow's link leads in circles.");
  };

  const fetchFreshLink = async (mediaId: string, token: ProviderToken, call: CallContext, signal: AbortSignal): Promise<Draft> => {
    const query = new URLSearchParams({ name: mediaId, mediaUrlType: "MEDIA_URL_TYPE_FULL_MEDIA" });
    const path = `trpc/media.getMediaUrlRedirect?${query}`;
    const { cookie } = await sessions.current(token, call);
    const response = await transport.exchange({ operation: "media", path, auth: { cookie }, proxy: token.proxy, signal });
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (!location) throw damaged("malformed", "Flow's answer holds no link.");
    return fetchLink(URL.parse(location, response.url)?.href ?? "", token, call, signal);
  };

  const fetchBytes = (mediaId: string, token: ProviderToken, call: CallContext, signal: AbortSignal): Promise<Draft> =>
    sessions.use(token, call, async ({ accessToken }) => {
      const path = `media/${encodeURIComponent(mediaId)}`;
      const response = await transport.open({ operation: "media", path, auth: { accessToken }, proxy: token.proxy, signal });
      return decode(response, call, signal);
    });

  return {
    decode,
    async fetch({ mediaId, url }, token, call) {
      const link: Way[] = url ? [{ name: "link", fetch: (signal) => fetchLink(url, token, call, signal) }] : [];
      const store: Way[] = mediaId
        ? [
            { name: "bytes", fetch: (signal) => fetchBytes(mediaId, token, call, signal) },
            { name: "fresh link", fetch: (signal) => fetchFreshLink(mediaId, token, call, signal) },
          ]
        : [];
      let lastError: AppError | undefined;
      for (const way of [...link, ...link, ...store]) {
        using limit = withLimit(call.signal, TRY_LIMIT_MS);
        try {
          return await way.fetch(limit.signal);
        } catch (error) {
          if (call.signal.aborted) throw toNetworkError(error, call.signal);
          if (!(error instanceof AppError)) throw error;
          options.log.debug("flow did not hand over a picture", { way: way.name, kind: error.kind, status: error.upstreamStatus });
          lastError = error;
        }
      }
      throw new AppError("upstream_unknown_outcome", "Flow made the picture but did not hand it over.", {
        charged: true,
        cause: lastError,
      });
    },
  };
}

async function decode(response: Response, call: CallContext, signal: AbortSignal): Promise<Draft> {
  const { body, media } = await readMediaJson(response, { keys: ["encodedImage"], openDraft: (mime) => call.openDraft(mime), signal });
  try {
    const value = parseEncodedImage(body);
    if (!value) throw damaged("malformed", "Flow's answer holds no picture.");
    return await media.take(value, "image/jpeg");
  } finally {
    await media.discard();
  }
}

async function saveFile(response: Response, call: CallContext, signal: AbortSignal): Promise<Draft> {
  const mime = response.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "application/octet-stream";
  if (!response.ok || !FILE_TYPE.test(mime)) {
    await response.body?.cancel();
    throw new AppError("upstream_unavailable", "Flow's link does not lead to a picture.", { upstreamStatus: response.status });
  }
  const writer = await call.openDraft(mime);
  let bytes = 0;
  try {
    for await (const chunk of readChunks(response, signal)) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) throw damaged("malformed", "Flow's picture is too long.");
      await writer.write(chunk);
    }
    if (bytes === 0) throw damaged("malformed", "Flow's picture is empty.");
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return writer.close();
}
