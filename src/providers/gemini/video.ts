// Videos of the Gemini API: inputs placed, one paid call that creates an interaction, free polls of it until its file can be fetched.

import type { Json, TempFile, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { toNetworkError } from "../../http.ts";
import { encodeBody } from "../encode-body.ts";
import { dropMedia, type MediaTempFiles, readMediaJson } from "../json-media.ts";
import { afterAcceptance, damaged } from "../json-stream.ts";
import { newsWord, noNews, type ReportNews, shapeOf } from "../news.ts";
import type { CallContext, Provider, ProviderModels, ProviderToken, VideoStatus } from "../provider.ts";
import { statusInside, toAppError, withoutCost } from "./errors.ts";
import { GeminiFiles, lost } from "./files.ts";
import type { GoogleApi } from "./google-api.ts";
import { type Block, interactionIdOf, type PositionedInputs, previousOf, toBlock, toInteraction } from "./interaction.ts";
import { findVideo, toVideoStatus } from "./interaction-status.ts";
import { isRecord, type JsonRecord, stringOf } from "./json.ts";
import { requireModel } from "./models.ts";
import { SilenceWatch } from "./silence.ts";
import type { GeminiOptions, Transport } from "./transport.ts";
import { INTERACTION_STATUSES } from "./vocabulary.ts";

type Videos = Pick<Provider, "startVideo" | "continueVideo" | "pollVideo" | "downloadVideo" | "cancelVideo">;

/**
 * Bytes of images that go inside the body; what is more goes through Files. The API takes about 100 MiB of base64, but a body is held
 * whole in memory until it is sent.
 */
const MAX_INLINE = 16 * 1024 * 1024;

/** The video half of a provider on one of Google's APIs. A handle is `{interactionId, createdAt}`, a result `{uri}` or `{interactionId, inline}`. */
export class GeminiVideos implements Videos {
  private readonly files: GeminiFiles;
  private readonly silence: SilenceWatch;
  private readonly models: ProviderModels;
  private readonly now: () => number;
  private readonly news: ReportNews;

  constructor(
    options: Omit<GeminiOptions, "baseUrl" | "log">,
    private readonly transport: Transport,
  ) {
    this.files = new GeminiFiles(options, transport);
    this.silence = new SilenceWatch(transport.endpoint.api.video.silenceMs);
    this.models = options.models;
    this.now = options.now;
    this.news = options.news ?? noNews;
  }

  private get api(): GoogleApi {
    return this.transport.endpoint.api;
  }

  private pathOf(token: ProviderToken, id: string): string {
    return this.transport.endpoint.pathOf(token, `interactions/${encodeURIComponent(id)}`);
  }

  /** An interaction without its long media, which whoever asked for them discards. An error object inside a 200 is a refusal. */
  private async readInteraction(
    response: Response,
    signal: AbortSignal,
    openTempFile: CallContext["openTempFile"],
  ): Promise<{ interaction: JsonRecord; media: MediaTempFiles }> {
    const { body, media } = await readMediaJson(response, { keys: ["data"], openTempFile, signal });
    try {
      const status = statusInside(body);
      if (status !== null) throw toAppError(status, body, this.now(), this.api);
      if (!isRecord(body)) throw damaged("malformed", "The upstream's answer is not an object.");
      return { interaction: body, media };
    } catch (error) {
      await media.discard();
      throw error;
    }
  }

  /** Reads an interaction; its bytes go to `openTempFile`. @throws {AppError} `not_found` for an unknown one */
  private async read(id: string, token: ProviderToken, { signal, remember }: CallContext, openTempFile = dropMedia) {
    const to = `${this.pathOf(token, id)}${this.api.video.pollQuery}`;
    const response = await this.transport.lookUp("interaction", { to, token, signal, remember });
    return this.readInteraction(response, signal, openTempFile).catch((error) => Promise.reject(withoutCost(error, signal)));
  }

  /** The interaction that a request continues, as far as this token can see it: the upstream stores it for days only. */
  private async knownPrevious(request: VideoRequest, token: ProviderToken, call: CallContext): Promise<string | null> {
    const id = previousOf(request);
    if (!id) return null;
    try {
      await this.read(id, token, call);
      return id;
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return null;
      throw error;
    }
  }

  private async place(request: VideoRequest, token: ProviderToken, call: CallContext): Promise<PositionedInputs> {
    const { hasFiles } = this.api.video;
    const images: Block[] = [];
    let inline = 0;
    for (const image of request.images) {
      const fits = !hasFiles || inline + image.data.size <= MAX_INLINE;
      if (fits) inline += image.data.size;
      images.push(toBlock("image", image, fits ? undefined : await this.files.upload(image, token, call)));
    }
    const previous = await this.knownPrevious(request, token, call);
    const video = previous ? undefined : request.source?.media;
    const videos = video ? [toBlock("video", video, hasFiles ? await this.files.upload(video, token, call) : undefined)] : [];
    return { images, videos, previous };
  }

  async startVideo(request: VideoRequest, token: ProviderToken, call: CallContext, onSubmit: () => Promise<void>) {
    const { signal, remember } = call;
    const { title } = this.api;
    const { hasFiles } = this.api.video;
    const { wire: model } = requireModel({ models: this.models, title }, "video", request.family);
    const to = this.transport.endpoint.pathOf(token, "interactions");
    await this.transport.prepare({ token, signal, remember });
    const body = await encodeBody(toInteraction(request, { model, hasFiles }, await this.place(request, token, call)));
    if (signal.aborted) throw toNetworkError(signal.reason, signal);
    await onSubmit();
    const response = await this.transport.open({ to, body, token, signal, remember });
    try {
      const { interaction } = await this.readInteraction(response, signal, dropMedia);
      const interactionId = stringOf(interaction.id);
      if (!interactionId) throw damaged("malformed", "The upstream's answer does not name the interaction.");
      return { operation: { interactionId, createdAt: this.now() } };
    } catch (error) {
      throw afterAcceptance(error);
    }
  }

  async continueVideo(): Promise<never> {
    throw new Error("videos of these models have one stage");
  }

  async pollVideo(operation: Json, token: ProviderToken, call: CallContext): Promise<VideoStatus> {
    const id = idOf(operation);
    try {
      const { interaction } = await this.read(id, token, call);
      const { status } = interaction;
      if (typeof status !== "string" || !INTERACTION_STATUSES.has(status))
        this.news({ provider: this.api.provider, kind: "job_status", word: newsWord(status), shape: shapeOf(interaction) });
      return this.silence.judge(id, toVideoStatus(interaction, id, this.now(), this.api), interaction.status, this.now());
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== "not_found") throw error;
      if (isFresh(operation, this.now())) return { state: "pending", progress: null };
      const message = `${this.api.title} does not know this video, or not any more.`;
      return { state: "failed", error: new AppError("upstream_unknown_outcome", message, { charged: true, cause: error }) };
    }
  }

  async downloadVideo(result: Json, token: ProviderToken, call: CallContext): Promise<TempFile> {
    const uri = isRecord(result) ? stringOf(result.uri) : undefined;
    if (uri) return this.files.download(uri, token, call);
    let media: MediaTempFiles | undefined;
    try {
      const found = await this.read(idOf(result), token, call, call.openTempFile);
      media = found.media;
      const video = findVideo(found.interaction);
      if (video && "data" in video) return await media.take(video.data, video.mime);
      throw lost(`${this.api.title} does not hold the video's bytes any more.`);
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") throw lost(`${this.api.title} no longer stores the video.`, error);
      throw error;
    } finally {
      await media?.discard();
    }
  }

  async cancelVideo(operation: Json, token: ProviderToken, { signal, remember }: CallContext): Promise<boolean> {
    try {
      const to = `${this.pathOf(token, idOf(operation))}/cancel`;
      const response = await this.transport.lookUp("interaction", { to, method: "POST", token, signal, remember });
      const { interaction } = await this.readInteraction(response, signal, dropMedia);
      return interaction.status === "cancelled";
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return false;
      throw withoutCost(error, signal);
    }
  }
}

/** The methods of a provider, apart from their owner. */
export const videoMethods = (videos: GeminiVideos): Videos => ({
  startVideo: (request, token, call, onSubmit) => videos.startVideo(request, token, call, onSubmit),
  continueVideo: () => videos.continueVideo(),
  pollVideo: (operation, token, call) => videos.pollVideo(operation, token, call),
  downloadVideo: (result, token, call) => videos.downloadVideo(result, token, call),
  cancelVideo: (operation, token, call) => videos.cancelVideo(operation, token, call),
});

function idOf(handle: Json): string {
  const id = interactionIdOf(handle);
  if (id) return id;
  throw new Error("not a handle of the Gemini API");
}

/** How long after its creation an interaction may be unknown to the upstream's own replicas. */
const FRESH_MS = 120_000;

function isFresh(handle: Json, now: number): boolean {
  const createdAt = isRecord(handle) ? handle.createdAt : undefined;
  return typeof createdAt === "number" && now - createdAt < FRESH_MS;
}
