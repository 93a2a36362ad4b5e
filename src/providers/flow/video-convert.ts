// Bodies of Flow's video calls and what their responses hold. Pure. Source: reference of the Flow wire, 3.7 to 3.9, read 2026-11-23.
import type { Tier, VideoAspect } from "../../domain/generation.ts";
import { TOOL } from "./convert.ts";
import type { FlowVideo, Piece } from "./handle.ts";
import { at, listAt, textAt } from "./json.ts";
import { PAYGATE_TIERS, VIDEO_ASPECTS } from "./models.ts";

export type VideoInput = {
  sessionId: string;
  projectId: string;
  batchId: string;
  plan: Tier | undefined;
  /** 1 to 99,999. */
  seed: number;
  videoModelKey: string;
  aspect: VideoAspect;
  /** Null: an upscale takes no words. */
  prompt: string | null;
  /** What the mode wants besides: frames, references, a video, its `metadata`. */
  extras: object;
};

/** `video:batchAsyncGenerateVideo…` for one video. The field for a verification token is left out: there is none. */
export function videoBody(input: VideoInput): object {
  const { sessionId, projectId, batchId, plan, seed, videoModelKey, prompt } = input;
  return {
    mediaGenerationContext: { batchId, audioFailurePreference: "BLOCK_SILENCED_VIDEOS" },
    clientContext: { sessionId, projectId, tool: TOOL, ...(plan === undefined ? {} : { userPaygateTier: PAYGATE_TIERS[plan] }) },
    requests: [
      {
        aspectRatio: VIDEO_ASPECTS[input.aspect],
        seed,
        ...(prompt === null ? {} : { textInput: { structuredPrompt: { parts: [{ text: prompt }] } } }),
        videoModelKey,
        metadata: {},
        ...input.extras,
      },
    ],
    useV2ModelConfig: true,
  };
}

/** `video:batchCheckAsyncVideoGenerationStatus`, in the form that the submission was answered in. */
export function statusBody({ form, name, sceneId, projectId }: FlowVideo): object {
  if (form === "media") return { media: [{ name, projectId }] };
  return { operations: [{ operation: { name }, sceneId, status: `${WORDS}ACTIVE` }] };
}

/** `:runVideoFxConcatenation`: an extension begins with the last second of what it extends, which is left out of it. */
export function concatenationBody(pieces: readonly Piece[]): object {
  return {
    inputVideos: pieces.map(({ name, seconds }, index) => ({
      mediaGenerationId: name,
      lengthNanos: seconds * 1000,
      startTimeOffset: index === 0 ? "0s" : "1s",
      endTimeOffset: `${seconds}s`,
    })),
  };
}

/** How a submitted video is asked for, from either form of reply; null when the reply names none. */
export function parseSubmitted(body: unknown): Pick<FlowVideo, "form" | "name" | "sceneId"> | null {
  const media = textAt(body, "media", 0, "name") ?? textAt(body, "workflows", 0, "metadata", "primaryMediaId");
  if (media) return { form: "media", name: media, sceneId: "" };
  const name = textAt(body, "operations", 0, "operation", "name");
  return name ? { form: "operation", name, sceneId: textAt(body, "operations", 0, "sceneId") ?? "" } : null;
}

/** The name of a concatenation that was submitted. */
export function parseConcatenation(body: unknown): string | undefined {
  return textAt(body, "operation", "operation", "name");
}

export type VideoState = {
  state: "pending" | "done" | "failed";
  /** Flow's own word without its prefix; undefined when none was reported. */
  word: string | undefined;
  /** `{code, message}` of a failure, as far as reported. */
  error: unknown;
  /** Media id of the finished video, where it differs from the name it was asked by. */
  mediaId?: string;
  /** A link to it, which only the older form reports. */
  url?: string;
};

const WORDS = "MEDIA_GENERATION_STATUS_";

/** How far the video of this name is, from either form of reply; null when the reply does not speak of it. */
export function parseStatus(body: unknown, name: string): VideoState | null {
  const media = listAt(body, "media").find((one) => textAt(one, "name") === name);
  if (media) {
    const status = at(media, "mediaMetadata", "mediaStatus") ?? at(media, "mediaStatus");
    const word = textAt(status, "mediaGenerationStatus") ?? textAt(status, "status") ?? textAt(media, "status");
    return { ...stateOf(word), error: at(status, "error") };
  }
  const entry = listAt(body, "operations").find((one) => textAt(one, "operation", "name") === name);
  if (!entry) return null;
  const metadata = at(entry, "operation", "metadata");
  const video = at(metadata, "video");
  const mediaId = textAt(entry, "mediaGenerationId") ?? textAt(video, "mediaGenerationId") ?? textAt(metadata, "name");
  const url = textAt(video, "fifeUrl");
  return {
    ...stateOf(textAt(entry, "status")),
    error: at(entry, "operation", "error") ?? at(entry, "error"),
    ...(mediaId ? { mediaId } : {}),
    ...(url ? { url } : {}),
  };
}

/** `:runVideoFxCheckConcatenationStatus` */
export function parseConcatenationStatus(body: unknown): VideoState {
  return { ...stateOf(textAt(body, "status")), error: at(body, "error"), url: textAt(body, "outputUri") };
}

/** A word that nobody has seen yet is no end. */
function stateOf(status: string | undefined): Pick<VideoState, "state" | "word"> {
  // Anything else in its place may be an echo, and the word goes into the log.
  const word = status && /^[A-Z_]{1,80}$/.test(status) ? status.replace(WORDS, "") : undefined;
  if (word === "SUCCESSFUL") return { state: "done", word };
  return { state: word === "FAILED" || word?.startsWith("ERROR") ? "failed" : "pending", word };
}

/** The base64 of a video: in `media/{id}`, and in the status of a concatenation. */
export function parseEncodedVideo(body: unknown): string | undefined {
  return textAt(body, "video", "encodedVideo") ?? textAt(body, "encodedVideo");
}
