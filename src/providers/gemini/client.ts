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
import { asCheckFailure, readFamilies } from "./model-list.ts";
import { requireModel } from "./models.ts";
import { type ResponseImage, type ResponseItem, ResponseReader, type UpdateFacts } from "./read-response.ts";
import { createTransport, type GeminiOptions, usableKey } from "./transport.ts";
import { GeminiVideos } from "./video.ts";
import { accountReasonOf } from "./vocabulary.ts";

const MEDIA_KEYS = ["data"];
/** Longest event of a stream without its long media; small ones stay in it. */
const MAX_EVENT = 4 * 1024 * 1024;

/** The `gemini` provider. It holds no state between calls. */
export function createGemini(options: GeminiOptions): Provider {
  const { now, news = noNews } = options;
  const learn: UpdateFacts = (kind, word, body) => news({ provider: "gemini", kind, word: newsWord(word), shape: shapeOf(body) });
  const transport = createTransport(options);
  const videos = new GeminiVideos(options, transport);

  async function generateImages(image: ImageRequest, token: ProviderToken, call: CallContext, sink: ImageSink): Promise<ImageFinish> {
    const model = requireModel(options.models, "image", image.family);
    const { signal } = call;
    const encoded = jsonOf(toGenerateContent(image, model));
    let body: Uint8Array | string | undefined = encoded instanceof Promise ? await encoded : encoded;
    const to = `v1beta/models/${model.wire}:${image.includeThoughts ? "streamGenerateContent?alt=sse" : "generateContent"}`;
    usableKey(token.secret);
    if (signal.aborted) throw toNetworkError(signal.reason, signal);
    sink.onStage("generating");
    const submitting = sink.onSubmit();
    if (submitting) await submitting;
    const response = await transport.generate({ to, body, token, signal });
    // The inputs may be many megabytes, and the answer takes its time.
    body = undefined;
    const reading: Reading = { response, call, sink, now, learn };
    try {
      return await (image.includeThoughts ? readStream(reading) : readWhole(reading));
    } catch (error) {
      throw afterAcceptance(error);
    }
  }

  return {
    name: "gemini",
    async check(token, { signal }) {
      try {
        return await readFamilies((to) => transport.open({ to, token, signal }), signal, { models: options.models, learn });
      } catch (error) {
        throw asCheckFailure(error);
      }
    },
    generateImages,
    startVideo: (request, token, call, onSubmit) => videos.startVideo(request, token, call, onSubmit),
    continueVideo: () => videos.continueVideo(),
    pollVideo: (operation, token, call) => videos.pollVideo(operation, token, call),
    downloadVideo: (result, token, call) => videos.downloadVideo(result, token, call),
    cancelVideo: (operation, token, call) => videos.cancelVideo(operation, token, call),
  };
}

/** A 200 under way, and where it goes. */
type Reading = { response: Response; call: CallContext; sink: ImageSink; now: () => number; learn: UpdateFacts };

async function readWhole({ response, call, sink, now, learn }: Reading): Promise<ImageFinish> {
  const { body, media } = await readMediaJson(response, {
    keys: MEDIA_KEYS,
    openTempFile: call.openTempFile,
    signal: call.signal,
    hold: call.hold,
  });
  try {
    const answer = new ResponseReader(learn);
    const items = readResponse(answer, body, now, learn);
    if (items.length > 0) await deliver(items, media, sink);
    return await deliverEnd(answer, media, sink);
  } finally {
    await media.discard();
  }
}

async function readStream({ response, call, sink, now, learn }: Reading): Promise<ImageFinish> {
  const media = replaceMedia(readChunks(response, call.signal), { keys: MEDIA_KEYS, openTempFile: call.openTempFile });
  try {
    const answer = new ResponseReader(learn);
    let events = 0;
    for await (const event of readEvents(media.skeleton, MAX_EVENT)) {
      events++;
      await deliver(readResponse(answer, event, now, learn), media, sink);
    }
    // An answer of usage alone is empty, one that stops after its first part is cut.
    if (events === 0 || (answer.hasBegun() && !answer.isFinished()))
      throw damaged("cut_off", "The upstream's answer ends before its last event.");
    return await deliverEnd(answer, media, sink);
  } finally {
    await media.discard();
  }
}

/** What a response object reports; an error object inside a 200 is a refusal as long as nothing else has come. */
function readResponse(answer: ResponseReader, body: unknown, now: () => number, learn: UpdateFacts): ResponseItem[] {
  const status = statusInside(body);
  if (status === null) return answer.read(body);
  const { error, unknown } = readRefusal(status, body, now());
  for (const { kind, word } of unknown) learn(kind, word, body);
  if (!answer.hasBegun()) throw error;
  throw damaged("cut_off", "The upstream failed in the middle of its answer.");
}

/** A refusal that speaks of the token's account, though it comes with 200: nothing was made, another token may serve. */
function accountHeld(reason: FailureReason, { upstreamReason, message, usage }: ImageFinish): AppError {
  return new AppError("upstream_unauthorized", message ?? "The Gemini API has limited the account behind this server.", {
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

async function deliverEnd(answer: ResponseReader, media: MediaTempFiles, sink: ImageSink): Promise<ImageFinish> {
  const { image, finish } = answer.end();
  const held = image ? undefined : accountReasonOf(finish.upstreamReason);
  if (held) throw accountHeld(held, finish);
  if (image) await deliverImage(image, media, sink);
  return finish;
}

async function deliverImage({ value, mime, thought, signature }: ResponseImage, media: MediaTempFiles, sink: ImageSink): Promise<void> {
  await sink.onImage(await media.take(value, mime), thought, signature);
}
