// The official Gemini API as a provider: images by generateContent, keys checked by the list of models.
import { AppError } from "../../errors.ts";
import type { ImageRequest, ProviderEvent } from "../../gateway/types.ts";
import { readBody, readChunks, send, toNetworkError } from "../../http.ts";
import type { Log } from "../../log.ts";
import { cutMedia, type MediaDrafts, readMediaJson } from "../json-media.ts";
import { damaged, readEvents } from "../json-stream.ts";
import type { CallContext, Provider, ProviderToken, TokenFacts } from "../provider.ts";
import { type Answer, type AnswerImage, type AnswerItem, createAnswer } from "./answer.ts";
import { encodeBody, toGenerateContent } from "./convert.ts";
import { statusInside, toAppError } from "./errors.ts";
import { arrayOf, isRecord, stringOf } from "./json.ts";
import { familyOf, modelOf } from "./models.ts";

export type GeminiOptions = {
  /** Origin of the API without version, e.g. `https://generativelanguage.googleapis.com`. */
  baseUrl: string;
  /** Epoch ms. */
  now: () => number;
  log: Log;
};

const MEDIA_KEYS = ["data"];
const MAX_ERROR_BODY = 256 * 1024;
const MAX_LIST_BODY = 8 * 1024 * 1024;
const MAX_LIST_PAGES = 20;
/** Longest event of a stream without its long media; small ones stay in it. */
const MAX_EVENT = 4 * 1024 * 1024;

/** The `gemini` provider. It keeps nothing between calls. */
export function createGemini(options: GeminiOptions): Provider {
  const base = `${options.baseUrl.replace(/\/+$/, "")}/v1beta`;
  const { now, log } = options;

  /** Sends one call and returns its answer when it is a success. */
  const request = async (path: string, token: ProviderToken, signal: AbortSignal, body?: Uint8Array): Promise<Response> => {
    const headers = {
      "x-goog-api-key": usableKey(token.secret),
      accept: "*/*",
      // Pictures do not compress; what is not compressed need not be unpacked.
      "accept-encoding": "identity",
      ...(body ? { "content-type": "application/json" } : {}),
    };
    const response = await send({ method: body ? "POST" : "GET", url: `${base}/${path}`, headers, body, proxy: token.proxy, signal });
    if (response.status === 200) return response;
    const error = toAppError(response.status, await readErrorBody(response, signal), now());
    log.debug("gemini refused a call", { tokenId: token.id, status: response.status, kind: error.kind, detail: error.detail });
    throw error;
  };

  async function* generateImages(image: ImageRequest, token: ProviderToken, call: CallContext): AsyncGenerator<ProviderEvent> {
    const { id } = modelOf(image.family);
    let body: Uint8Array | undefined = await encodeBody(toGenerateContent(image));
    const path = image.includeThoughts ? `models/${id}:streamGenerateContent?alt=sse` : `models/${id}:generateContent`;
    usableKey(token.secret);
    if (call.signal.aborted) throw toNetworkError(call.signal.reason, call.signal);
    yield { type: "progress", stage: "generating" };
    yield { type: "submitted" };
    const response = await request(path, token, call.signal, body);
    // The inputs may be many megabytes, and the answer takes its time.
    body = undefined;
    try {
      yield* image.includeThoughts ? readStream(response, call, now) : readWhole(response, call, now);
    } catch (error) {
      throw afterAcceptance(error);
    }
  }

  return {
    name: "gemini",
    async check(token, call) {
      try {
        return await readFamilies((path) => request(path, token, call.signal), call.signal);
      } catch (error) {
        throw asCheckFailure(error);
      }
    },
    generateImages,
  };
}

async function* readWhole(response: Response, call: CallContext, now: () => number): AsyncGenerator<ProviderEvent> {
  const { body, media } = await readMediaJson(response, { keys: MEDIA_KEYS, openDraft: call.openDraft, signal: call.signal });
  try {
    const answer = createAnswer();
    yield* emit(readResponse(answer, body, now), media);
    yield* emitEnd(answer, media);
  } finally {
    await media.discard();
  }
}

async function* readStream(response: Response, call: CallContext, now: () => number): AsyncGenerator<ProviderEvent> {
  const media = cutMedia(readChunks(response, call.signal), { keys: MEDIA_KEYS, openDraft: call.openDraft });
  try {
    const answer = createAnswer();
    let events = 0;
    for await (const event of readEvents(media.skeleton, MAX_EVENT)) {
      events++;
      yield* emit(readResponse(answer, event, now), media);
    }
    // An answer of usage alone is empty, one that stops after its first part is cut.
    if (events === 0 || (answer.hasBegun() && !answer.isFinished()))
      throw damaged("cut_off", "The upstream's answer ends before its last event.");
    yield* emitEnd(answer, media);
  } finally {
    await media.discard();
  }
}

/** What a response object tells; an error object inside a 200 is a refusal as long as nothing else has come. */
function readResponse(answer: Answer, body: unknown, now: () => number): AnswerItem[] {
  const status = statusInside(body);
  if (status === null) return answer.read(body);
  if (!answer.hasBegun()) throw toAppError(status, body, now());
  throw damaged("cut_off", "The upstream failed in the middle of its answer.");
}

async function* emit(items: AnswerItem[], media: MediaDrafts): AsyncGenerator<ProviderEvent> {
  for (const item of items) yield item.type === "text" ? item : await toImageEvent(item, media);
}

async function* emitEnd(answer: Answer, media: MediaDrafts): AsyncGenerator<ProviderEvent> {
  const { image, finish } = answer.end();
  if (image) yield await toImageEvent(image, media);
  yield finish;
}

async function toImageEvent(image: AnswerImage, media: MediaDrafts): Promise<ProviderEvent> {
  const { value, mime, ...rest } = image;
  return { ...rest, draft: await media.take(value, mime) };
}

/** Once an answer has begun with 200 the work was done: what breaks afterwards may have been charged, and nobody may repeat it. */
function afterAcceptance(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const reason = error.detail?.reason;
  const broken = reason === "malformed" || reason === "cut_off";
  if (!broken && error.kind !== "upstream_unknown_outcome" && error.kind !== "network") return error;
  return new AppError("upstream_unknown_outcome", error.message, {
    cause: error,
    charged: true,
    detail: { scope: "upstream", reason: broken ? reason : "cut_off" },
    upstreamStatus: 200,
  });
}

/** The body of a refusal as JSON, or null when it is none or cannot be read: the status says enough. */
async function readErrorBody(response: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await readBody(response, MAX_ERROR_BODY, signal)).toString());
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

/** Our families among the models that a key may call. The list costs nothing; an answer means that the key is valid. */
async function readFamilies(get: (path: string) => Promise<Response>, signal: AbortSignal): Promise<TokenFacts> {
  const families = new Set<string>();
  let pageToken = "";
  for (let page = 0; page < MAX_LIST_PAGES; page++) {
    const query = new URLSearchParams({ pageSize: "1000", ...(pageToken ? { pageToken } : {}) });
    const list = parseList(await readBody(await get(`models?${query}`), MAX_LIST_BODY, signal));
    for (const model of list.models.filter(isRecord)) {
      const family = familyOf(stringOf(model.name) ?? "");
      if (family && arrayOf(model.supportedGenerationMethods).includes("generateContent")) families.add(family);
    }
    pageToken = list.nextPageToken;
    if (!pageToken) break;
  }
  return { families: [...families] };
}

function parseList(bytes: Uint8Array): { models: unknown[]; nextPageToken: string } {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    list = null;
  }
  // Proto JSON leaves an empty list out, but a page of something else is more likely than a key without any model.
  if (!isRecord(list) || !Array.isArray(list.models)) {
    throw new AppError("upstream_unavailable", "The Gemini API gave no list of models.", {
      detail: { scope: "upstream", reason: "malformed" },
    });
  }
  return { models: list.models, nextPageToken: stringOf(list.nextPageToken) ?? "" };
}

/** A list has no parameter and no model to be wrong about, and costs nothing: such a failure is the upstream's. */
function asCheckFailure(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  if (!["upstream_invalid", "upstream_model_denied", "upstream_unknown_outcome"].includes(error.kind)) return error;
  const { upstreamStatus } = error;
  return new AppError("upstream_unavailable", "The Gemini API gave no list of models.", { cause: error, upstreamStatus });
}

/** A key that can stand in a header; `fetch` would fail on others as if the network were broken. */
function usableKey(secret: string): string {
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new AppError("upstream_unauthorized", "This is not a key of the Gemini API.", {
    detail: { scope: "token", reason: "key_invalid" },
  });
}
