// The official Gemini API as a provider: images by generateContent, videos by Interactions, keys checked by the list of models.

import type { ImageFinish, ImageRequest } from "../../domain/generation.ts";
import { AppError, type FailureReason } from "../../errors.ts";
import { readChunks, toNetworkError } from "../../http.ts";
import { jsonOf } from "../encode-body.ts";
import { type MediaTempFiles, readMediaJson, replaceMedia } from "../json-media.ts";
import { afterAcceptance, damaged, readEvents } from "../json-stream.ts";
import { newsWord, noNews, shapeOf } from "../news.ts";
import type { CallContext, ImageSink, Provider, ProviderToken } from "../provider.ts";
import { toGenerateContent } from "./convert.ts";
import { readRefusal, statusInside } from "./errors.ts";
import type { GoogleApi } from "./google-api.ts";
import { asCheckFailure, readFamilies } from "./model-list.ts";
import { requireModel } from "./models.ts";
import { type ResponseImage, type ResponseItem, ResponseReader, type UpdateFacts } from "./read-response.ts";
import { createTransport, type Endpoint, type GeminiOptions, geminiEndpoint, type Transport } from "./transport.ts";
import { GeminiVideos, videoMethods } from "./video.ts";
import { accountReasonOf } from "./vocabulary.ts";

const MEDIA_KEYS = ["data"];
/** Longest event of a stream without its long media; small ones stay in it. */
const MAX_EVENT = 4 * 1024 * 1024;

/** The `gemini` provider. It holds no state between calls. */
export function createGemini(options: GeminiOptions): Provider {
  const { models, news = noNews } = options;
  const learn: UpdateFacts = (kind, word, body) => news({ provider: "gemini", kind, word: newsWord(word), shape: shapeOf(body) });
  const transport = createTransport(options, geminiEndpoint(options.baseUrl));
  return {
    name: "gemini",
    async check(token, { signal }) {
      try {
        return await readFamilies((to) => transport.open({ to, token, signal }), signal, { models, learn });
      } catch (error) {
        throw asCheckFailure(error, transport.endpoint.api);
      }
    },
    ...createImages(options, transport),
    ...videoMethods(new GeminiVideos(options, transport)),
  };
}

type ImageOptions = Pick<GeminiOptions, "now" | "news" | "models">;

/** The image half of a provider on one of Google's APIs. It holds no state between calls. */
export function createImages({ models, now, news = noNews }: ImageOptions, transport: Transport): Pick<Provider, "generateImages"> {
  const { endpoint } = transport;
  const { provider, title } = endpoint.api;
  const learn: UpdateFacts = (kind, word, body) => news({ provider, kind, word: newsWord(word), shape: shapeOf(body) });

  async function generateImages(image: ImageRequest, token: ProviderToken, call: CallContext, sink: ImageSink): Promise<ImageFinish> {
    const model = requireModel({ models, title }, "image", image.family);
    const { signal, remember } = call;
    const verb = image.includeThoughts ? "streamGenerateContent?alt=sse" : "generateContent";
    const to = endpoint.pathOf(token, `models/${model.wire}:${verb}`);
    const encoded = jsonOf(toGenerateContent(image, model));
    let body: Uint8Array | string | undefined = encoded instanceof Promise ? await encoded : encoded;
    const preparing = transport.prepare({ token, signal, remember });
    if (preparing) await preparing;
    if (signal.aborted) throw toNetworkError(signal.reason, signal);
    sink.onStage("generating");
    const submitting = sink.onSubmit();
    if (submitting) await submitting;
    const response = await transport.generate({ to, body, token, signal, remember });
    // The inputs may be many megabytes, and the response takes its time.
    body = undefined;
    const reading: Reading = { response, call, sink, token, endpoint, now, learn };
    try {
      return await (image.includeThoughts ? readStream(reading) : readWhole(reading));
    } catch (error) {
      throw afterAcceptance(error);
    }
  }

  return { generateImages };
}

/** A 200 under way, and where it goes. */
type Reading = Answering & { response: Response; call: CallContext; sink: ImageSink };

/** What a response is read with, and whose it is. */
type Answering = { token: ProviderToken; endpoint: Endpoint; now: () => number; learn: UpdateFacts };

async function readWhole(reading: Reading): Promise<ImageFinish> {
  const { response, call, sink } = reading;
  const { body, media } = await readMediaJson(response, {
    keys: MEDIA_KEYS,
    openTempFile: call.openTempFile,
    signal: call.signal,
    hold: call.hold,
  });
  try {
    const result = new ResponseReader(reading.learn);
    const items = readResponse(result, body, reading);
    if (items.length > 0) await deliver(items, media, sink);
    return await deliverEnd(result, media, reading);
  } finally {
    await media.discard();
  }
}

async function readStream(reading: Reading): Promise<ImageFinish> {
  const { response, call, sink } = reading;
  const media = replaceMedia(readChunks(response, call.signal), { keys: MEDIA_KEYS, openTempFile: call.openTempFile });
  try {
    const result = new ResponseReader(reading.learn);
    let events = 0;
    for await (const event of readEvents(media.skeleton, MAX_EVENT)) {
      events++;
      await deliver(readResponse(result, event, reading), media, sink);
    }
    // A response of usage alone is empty, one that stops after its first part is cut.
    if (events === 0 || (result.hasBegun() && !result.isFinished()))
      throw damaged("cut_off", "The upstream's answer ends before its last event.");
    return await deliverEnd(result, media, reading);
  } finally {
    await media.discard();
  }
}

/** What a response object reports; an error object inside a 200 is a refusal as long as nothing else has come. */
function readResponse(result: ResponseReader, body: unknown, { token, endpoint, now, learn }: Answering): ResponseItem[] {
  const status = statusInside(body);
  if (status === null) return result.read(body);
  const { api, forget } = endpoint;
  const { error, unknown } = readRefusal(status, body, now(), api);
  for (const { kind, word } of unknown) learn(kind, word, body);
  const hasExpired = status === 401 && forget !== undefined;
  if (hasExpired) forget(token);
  // It was let in before it ended: the account is not at fault.
  if (!result.hasBegun()) throw hasExpired ? expired(api) : error;
  throw damaged("cut_off", "The upstream failed in the middle of its answer.");
}

const expired = ({ title }: GoogleApi): AppError =>
  new AppError("upstream_unavailable", `${title} did not begin before the access token ended.`, {
    detail: { scope: "upstream", reason: "internal" },
    upstreamStatus: 401,
  });

/** A refusal that speaks of the token's account, though it comes with 200: nothing was made, another token may serve. */
function accountHeld(reason: FailureReason, { upstreamReason, message, usage }: ImageFinish, { title }: GoogleApi): AppError {
  return new AppError("upstream_unauthorized", message ?? `${title} has limited the account behind this server.`, {
    detail: { scope: "token", reason, upstreamReason },
    upstreamStatus: 200,
    ...(usage ? { usage } : {}),
  });
}

async function deliver(items: ResponseItem[], media: MediaTempFiles, sink: ImageSink): Promise<void> {
  for (const item of items) {
    if (item.type === "text") sink.onText(item.text, item.thought, item.signature);
    else await deliverImage(item, media, sink);
  }
}

async function deliverEnd(result: ResponseReader, media: MediaTempFiles, { sink, endpoint }: Reading): Promise<ImageFinish> {
  const { image, finish } = result.end();
  const held = image ? undefined : accountReasonOf(finish.upstreamReason);
  if (held) throw accountHeld(held, finish, endpoint.api);
  if (image) await deliverImage(image, media, sink);
  return finish;
}

async function deliverImage({ value, mime, thought, signature }: ResponseImage, media: MediaTempFiles, sink: ImageSink): Promise<void> {
  await sink.onImage(await media.take(value, mime), thought, signature);
}
