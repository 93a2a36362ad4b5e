// Videos of the Gemini API: inputs placed, one paid call that creates an interaction, free looks at it until its file can be fetched.

import type { Json, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { toNetworkError } from "../../http.ts";
import { encodeBody } from "../encode-body.ts";
import { dropMedia, type MediaTempFiles, readMediaJson } from "../json-media.ts";
import { afterAcceptance, damaged } from "../json-stream.ts";
import { newsWord, noNews, shapeOf } from "../news.ts";
import type { CallContext, Provider, ProviderToken } from "../provider.ts";
import { statusInside, toAppError, withoutCost } from "./errors.ts";
import { createFiles, lost } from "./files.ts";
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
export function createVideos(options: Omit<GeminiOptions, "baseUrl" | "log">, transport: Transport): Videos {
  const { models, now, news = noNews } = options;
  const { endpoint } = transport;
  const { api } = endpoint;
  const { title, provider } = api;
  const { hasFiles, pollQuery } = api.video;
  const silence = new SilenceWatch(api.video.silenceMs);
  const files = createFiles(options, transport);

  const pathOf = (token: ProviderToken, id: string) => endpoint.pathOf(token, `interactions/${encodeURIComponent(id)}`);

  /** An interaction without its long media, which whoever asked for them discards. An error object inside a 200 is a refusal. */
  const readInteraction = async (
    response: Response,
    signal: AbortSignal,
    openTempFile: CallContext["openTempFile"],
  ): Promise<{ interaction: JsonRecord; media: MediaTempFiles }> => {
    const { body, media } = await readMediaJson(response, { keys: ["data"], openTempFile, signal });
    try {
      const status = statusInside(body);
      if (status !== null) throw toAppError(status, body, now(), api);
      if (!isRecord(body)) throw damaged("malformed", "The upstream's answer is not an object.");
      return { interaction: body, media };
    } catch (error) {
      await media.discard();
      throw error;
    }
  };

  /** Looks at an interaction; its bytes go to `openDraft`. @throws {AppError} `not_found` for an unknown one */
  const look = async (id: string, token: ProviderToken, { signal, remember }: CallContext, openTempFile = dropMedia) => {
    const to = `${pathOf(token, id)}${pollQuery}`;
    const response = await transport.lookUp("interaction", { to, token, signal, remember });
    return readInteraction(response, signal, openTempFile).catch((error) => Promise.reject(withoutCost(error, signal)));
  };

  /** The interaction that a request continues, as far as this token can see it: the upstream keeps it for days only. */
  const knownPrevious = async (request: VideoRequest, token: ProviderToken, call: CallContext): Promise<string | null> => {
    const id = previousOf(request);
    if (!id) return null;
    try {
      await look(id, token, call);
      return id;
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return null;
      throw error;
    }
  };

  const place = async (request: VideoRequest, token: ProviderToken, call: CallContext): Promise<PositionedInputs> => {
    const images: Block[] = [];
    let inline = 0;
    for (const image of request.images) {
      const fits = !hasFiles || inline + image.data.size <= MAX_INLINE;
      if (fits) inline += image.data.size;
      images.push(toBlock("image", image, fits ? undefined : await files.upload(image, token, call)));
    }
    const previous = await knownPrevious(request, token, call);
    const video = previous ? undefined : request.source?.media;
    const videos = video ? [toBlock("video", video, hasFiles ? await files.upload(video, token, call) : undefined)] : [];
    return { images, videos, previous };
  };

  return {
    async startVideo(request, token, call, onSubmit) {
      const { signal, remember } = call;
      const { wire: model } = requireModel({ models, title }, "video", request.family);
      const to = endpoint.pathOf(token, "interactions");
      await transport.prepare({ token, signal, remember });
      const body = await encodeBody(toInteraction(request, { model, hasFiles }, await place(request, token, call)));
      if (signal.aborted) throw toNetworkError(signal.reason, signal);
      await onSubmit();
      const response = await transport.open({ to, body, token, signal, remember });
      try {
        const { interaction } = await readInteraction(response, signal, dropMedia);
        const interactionId = stringOf(interaction.id);
        if (!interactionId) throw damaged("malformed", "The upstream's answer does not name the interaction.");
        return { operation: { interactionId, createdAt: now() } };
      } catch (error) {
        throw afterAcceptance(error);
      }
    },

    async continueVideo() {
      throw new Error("videos of these models have one stage");
    },

    async pollVideo(operation, token, call) {
      const id = idOf(operation);
      try {
        const { interaction } = await look(id, token, call);
        const { status } = interaction;
        if (typeof status !== "string" || !INTERACTION_STATUSES.has(status))
          news({ provider, kind: "job_status", word: newsWord(status), shape: shapeOf(interaction) });
        return silence.judge(id, toVideoStatus(interaction, id, now(), api), interaction.status, now());
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== "not_found") throw error;
        if (isFresh(operation, now())) return { state: "pending", progress: null };
        const message = `${title} does not know this video, or not any more.`;
        return { state: "failed", error: new AppError("upstream_unknown_outcome", message, { charged: true, cause: error }) };
      }
    },

    async downloadVideo(result, token, call) {
      const uri = isRecord(result) ? stringOf(result.uri) : undefined;
      if (uri) return files.download(uri, token, call);
      let media: MediaTempFiles | undefined;
      try {
        const found = await look(idOf(result), token, call, call.openTempFile);
        media = found.media;
        const video = findVideo(found.interaction);
        if (video && "data" in video) return await media.take(video.data, video.mime);
        throw lost(`${title} does not hold the video's bytes any more.`);
      } catch (error) {
        if (error instanceof AppError && error.kind === "not_found") throw lost(`${title} does not keep the video any more.`, error);
        throw error;
      } finally {
        await media?.discard();
      }
    },

    async cancelVideo(operation, token, { signal, remember }) {
      try {
        const to = `${pathOf(token, idOf(operation))}/cancel`;
        const response = await transport.lookUp("interaction", { to, method: "POST", token, signal, remember });
        const { interaction } = await readInteraction(response, signal, dropMedia);
        return interaction.status === "cancelled";
      } catch (error) {
        if (error instanceof AppError && error.kind === "not_found") return false;
        throw withoutCost(error, signal);
      }
    },
  };
}

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
