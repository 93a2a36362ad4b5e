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
import { type GeminiOptions, type Transport, usableKey } from "./transport.ts";
import { INTERACTION_STATUSES } from "./vocabulary.ts";

type Videos = Pick<Provider, "startVideo" | "continueVideo" | "pollVideo" | "downloadVideo" | "cancelVideo">;

/**
 * Bytes of images that go inside the body; what is more goes through Files. The API takes about 100 MiB of base64, but a body is held
 * whole in memory until it is sent.
 */
const MAX_INLINE = 16 * 1024 * 1024;

/** The video half of the `gemini` provider. A handle is `{interactionId, createdAt}`, a result `{uri}` or `{interactionId, inline}`. */
export function createVideos(options: GeminiOptions, transport: Transport): Videos {
  const { models, now, news = noNews } = options;
  const files = createFiles(options, transport);

  /** Looks at an interaction; its bytes go to `openDraft`. @throws {AppError} `not_found` for an unknown one */
  const look = async (id: string, token: ProviderToken, signal: AbortSignal, openTempFile: CallContext["openTempFile"] = dropMedia) => {
    const response = await transport.lookUp("interaction", { to: pathOf(id), token, signal });
    return readInteraction(response, signal, openTempFile, now).catch((error) => Promise.reject(withoutCost(error, signal)));
  };

  /** The interaction that a request continues, as far as this token can see it: the upstream keeps it for days only. */
  const knownPrevious = async (request: VideoRequest, token: ProviderToken, signal: AbortSignal): Promise<string | null> => {
    const id = previousOf(request);
    if (!id) return null;
    try {
      await look(id, token, signal);
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
      const fits = inline + image.data.size <= MAX_INLINE;
      if (fits) inline += image.data.size;
      images.push(toBlock("image", image, fits ? undefined : await files.upload(image, token, call)));
    }
    const previous = await knownPrevious(request, token, call.signal);
    const video = previous ? undefined : request.source?.media;
    const videos = video ? [toBlock("video", video, await files.upload(video, token, call))] : [];
    return { images, videos, previous };
  };

  return {
    async startVideo(request, token, call, onSubmit) {
      const { signal } = call;
      const { wire } = requireModel(models, "video", request.family);
      usableKey(token.secret);
      const body = await encodeBody(toInteraction(request, wire, await place(request, token, call)));
      if (signal.aborted) throw toNetworkError(signal.reason, signal);
      await onSubmit();
      const response = await transport.open({ to: "v1beta/interactions", body, token, signal });
      try {
        const { interaction } = await readInteraction(response, signal, dropMedia, now);
        const interactionId = stringOf(interaction.id);
        if (!interactionId) throw damaged("malformed", "The upstream's answer does not name the interaction.");
        return { operation: { interactionId, createdAt: now() } };
      } catch (error) {
        throw afterAcceptance(error);
      }
    },

    async continueVideo() {
      throw new Error("videos of the Gemini API have one stage");
    },

    async pollVideo(operation, token, { signal }) {
      const id = idOf(operation);
      try {
        const { interaction } = await look(id, token, signal);
        const { status } = interaction;
        if (typeof status !== "string" || !INTERACTION_STATUSES.has(status))
          news({ provider: "gemini", kind: "job_status", word: newsWord(status), shape: shapeOf(interaction) });
        return toVideoStatus(interaction, id, now());
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== "not_found") throw error;
        if (isFresh(operation, now())) return { state: "pending", progress: null };
        const message = "The Gemini API does not know this video, or not any more.";
        return { state: "failed", error: new AppError("upstream_unknown_outcome", message, { charged: true, cause: error }) };
      }
    },

    async downloadVideo(result, token, call) {
      const uri = isRecord(result) ? stringOf(result.uri) : undefined;
      if (uri) return files.download(uri, token, call);
      let media: MediaTempFiles | undefined;
      try {
        const found = await look(idOf(result), token, call.signal, call.openTempFile);
        media = found.media;
        const video = findVideo(found.interaction);
        if (video && "data" in video) return await media.take(video.data, video.mime);
        throw lost("The Gemini API does not hold the video's bytes any more.");
      } catch (error) {
        if (error instanceof AppError && error.kind === "not_found") throw lost("The Gemini API does not keep the video any more.", error);
        throw error;
      } finally {
        await media?.discard();
      }
    },

    async cancelVideo(operation, token, { signal }) {
      try {
        const to = `${pathOf(idOf(operation))}/cancel`;
        const response = await transport.lookUp("interaction", { to, method: "POST", token, signal });
        const { interaction } = await readInteraction(response, signal, dropMedia, now);
        return interaction.status === "cancelled";
      } catch (error) {
        if (error instanceof AppError && error.kind === "not_found") return false;
        throw withoutCost(error, signal);
      }
    },
  };
}

const pathOf = (interactionId: string) => `v1beta/interactions/${encodeURIComponent(interactionId)}`;

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

/** An interaction without its long media, which whoever asked for them discards. An error object inside a 200 is a refusal. */
async function readInteraction(
  response: Response,
  signal: AbortSignal,
  openTempFile: CallContext["openTempFile"],
  now: () => number,
): Promise<{ interaction: JsonRecord; media: MediaTempFiles }> {
  const { body, media } = await readMediaJson(response, { keys: ["data"], openTempFile, signal });
  try {
    const status = statusInside(body);
    if (status !== null) throw toAppError(status, body, now());
    if (!isRecord(body)) throw damaged("malformed", "The upstream's answer is not an object.");
    return { interaction: body, media };
  } catch (error) {
    await media.discard();
    throw error;
  }
}
