// The official Gemini API as a provider: images by generateContent, videos by Interactions, keys checked by the list of models.

import type { ImageFinish, ImageRequest, TempFile } from "../../domain/generation.ts";
import { AppError, type FailureReason } from "../../errors.ts";
import { readChunks, toNetworkError } from "../../http.ts";
import { encodeBody } from "../encode-body.ts";
import { HELD } from "../held-media.ts";
import { type MediaTempFiles, readMediaJson, replaceMedia, shortText } from "../json-media.ts";
import { afterAcceptance, damaged, parseJson, readEvents } from "../json-stream.ts";
import { newsWord, noNews, shapeOf } from "../news.ts";
import type { CallContext, ImageSink, Provider, ProviderModels, ProviderToken, WireModel } from "../provider.ts";
import { toGenerateContent } from "./convert.ts";
import { readRefusal, statusInside } from "./errors.ts";
import type { GoogleApi } from "./google-api.ts";
import { asCheckFailure, readFamilies } from "./model-list.ts";
import { requireModel } from "./models.ts";
import { type ResponseImage, type ResponseItem, ResponseReader, type UpdateFacts } from "./read-response.ts";
import { createTransport, type Endpoint, type GeminiOptions, type GenerateRequest, geminiEndpoint, type Transport } from "./transport.ts";
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
  const { provider, title } = transport.endpoint.api;
  const learn: UpdateFacts = (kind, word, body) => news({ provider, kind, word: newsWord(word), shape: shapeOf(body) });
  const api: ImageApi = { models, title, now, learn, transport, endpoint: transport.endpoint };
  return { generateImages: (image, token, call, sink) => new ImageCall(api, image, token, call).reportTo(sink) };
}

/** What all calls of an API have in common. */
type ImageApi = { models: ProviderModels; title: string; now: () => number; learn: UpdateFacts; transport: Transport; endpoint: Endpoint };

/** One call that makes an image: its request, and what becomes of its response. */
class ImageCall implements GenerateRequest {
  readonly to: string;
  body: Uint8Array | string = "";
  private readonly model: WireModel;
  private readonly result: ResponseReader;
  private sink!: ImageSink;
  /** How it ended, once everything was delivered. */
  private ended: ImageFinish | null = null;

  constructor(
    private readonly api: ImageApi,
    private readonly image: ImageRequest,
    readonly token: ProviderToken,
    private readonly call: CallContext,
  ) {
    this.model = requireModel(api, "image", image.family);
    this.to = api.endpoint.pathOf(token, methodOf(this.model, image.includeThoughts === true));
    this.result = new ResponseReader(api.learn);
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get remember(): CallContext["remember"] {
    return this.call.remember;
  }

  /** As {@link Provider.generateImages}. */
  reportTo(sink: ImageSink): Promise<ImageFinish> {
    this.sink = sink;
    return this.run();
  }

  private async run(): Promise<ImageFinish> {
    const { transport } = this.api;
    const content = toGenerateContent(this.image, this.model);
    this.body = holdsMedia(this.image) ? await encodeBody(content) : JSON.stringify(content);
    const ready = transport.prepare(this);
    const credentials = ready instanceof Promise ? await ready : ready;
    if (this.signal.aborted) throw toNetworkError(this.signal.reason, this.signal);
    this.sink.onStage("generating");
    const submitting = this.sink.onSubmit();
    if (submitting) await submitting;
    const { includeThoughts } = this.image;
    let response: Response | null = null;
    let text: string | null = null;
    try {
      response = await transport.generate(this, credentials);
      if (response.status !== 200) response = await transport.retryRefused(response, this, credentials);
      // The inputs may be many megabytes, and the response takes its time.
      this.body = "";
      if (!includeThoughts && this.call.hold) text = await shortText(response);
    } catch (error) {
      const failure = toNetworkError(error, this.signal);
      throw response?.status === 200 ? afterAcceptance(failure) : failure;
    }
    try {
      if (text !== null) await this.deliverAll(parseJson(text));
      else await (includeThoughts ? this.readStream(response) : this.readLong(response));
    } catch (error) {
      throw afterAcceptance(error);
    }
    return this.ended!;
  }

  /** A response that is whole in memory. */
  private deliverAll(body: unknown): void | Promise<void> {
    const items = this.read(body);
    return items.length === 0 ? this.deliverEnd(HELD) : this.deliverLater(items, HELD);
  }

  private async deliverLater(items: readonly ResponseItem[], media: MediaTempFiles): Promise<void> {
    await this.deliver(items, media);
    await this.deliverEnd(media);
  }

  private async readLong(response: Response): Promise<void> {
    const { openTempFile, signal, hold } = this.call;
    const { body, media } = await readMediaJson(response, { keys: MEDIA_KEYS, openTempFile, signal, hold });
    try {
      await this.deliverLater(this.read(body), media);
    } finally {
      await media.discard();
    }
  }

  private async readStream(response: Response): Promise<void> {
    const { openTempFile, signal } = this.call;
    const media = replaceMedia(readChunks(response, signal), { keys: MEDIA_KEYS, openTempFile });
    try {
      let events = 0;
      for await (const event of readEvents(media.skeleton, MAX_EVENT)) {
        events++;
        await this.deliver(this.read(event), media);
      }
      // A response of usage alone is empty, one that stops after its first part is cut.
      if (events === 0 || (this.result.hasBegun() && !this.result.isFinished()))
        throw damaged("cut_off", "The upstream's answer ends before its last event.");
      await this.deliverEnd(media);
    } finally {
      await media.discard();
    }
  }

  private async deliver(items: readonly ResponseItem[], media: MediaTempFiles): Promise<void> {
    for (const item of items) {
      if (item.type === "text") this.sink.onText(item.text, item.thought, item.signature);
      else await this.deliverImage(item, media);
    }
  }

  private deliverEnd(media: MediaTempFiles): void | Promise<void> {
    this.ended = this.finish();
    if (this.result.image) return this.deliverImage(this.result.image, media);
  }

  private deliverImage(image: ResponseImage, media: MediaTempFiles): void | Promise<void> {
    const taking = media.take(image.value, image.mime);
    return taking instanceof Promise ? this.deliverTaken(image, taking) : this.sink.onImage(taking, image.thought, image.signature);
  }

  private async deliverTaken({ thought, signature }: ResponseImage, taking: Promise<TempFile>): Promise<void> {
    await this.sink.onImage(await taking, thought, signature);
  }

  private finish(): ImageFinish {
    const finish = this.result.finish();
    const held = this.result.image ? undefined : accountReasonOf(finish.upstreamReason);
    if (held) throw accountHeld(held, finish, this.api.endpoint.api);
    return finish;
  }

  private read(body: unknown): readonly ResponseItem[] {
    return statusInside(body) === null ? this.result.read(body) : this.refuse(body);
  }

  /** An error object inside a 200 is a refusal as long as nothing else has come. */
  private refuse(body: unknown): never {
    const { endpoint, now, learn } = this.api;
    const { api, forget } = endpoint;
    const status = statusInside(body)!;
    const { error, unknown } = readRefusal(status, body, now(), api);
    for (const { kind, word } of unknown) learn(kind, word, body);
    const hasExpired = status === 401 && forget !== undefined;
    if (hasExpired) forget(this.token);
    // It was let in before it ended: the account is not at fault.
    if (!this.result.hasBegun()) throw hasExpired ? expired(api) : error;
    throw damaged("cut_off", "The upstream failed in the middle of its answer.");
  }
}

/** The same few texts for all calls. */
const methods = new WeakMap<WireModel, { stream: string; whole: string }>();

function methodOf(model: WireModel, isStream: boolean): string {
  let known = methods.get(model);
  if (!known) {
    const start = `models/${model.wire}:`;
    known = { stream: `${start}streamGenerateContent?alt=sse`, whole: `${start}generateContent` };
    methods.set(model, known);
  }
  return isStream ? known.stream : known.whole;
}

/** Whether a request has more than texts. */
function holdsMedia({ turns }: ImageRequest): boolean {
  for (const { parts } of turns) for (const { type } of parts) if (type !== "text") return true;
  return false;
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
