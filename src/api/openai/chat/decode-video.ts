// Chat body of a video model: prompt, options, input images and source video. Pure.

import type { VideoMode } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { AppError } from "../../../errors.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { ModelChoice } from "../../../gateway/models/parse-model.ts";
import type { ChatBody } from "../schema.ts";
import { collectShape, type DecodedVideo, type SourceReference, sourceOf, videoShape } from "../videos/decode.ts";
import type { DecodedChat } from "./decode.ts";

const IMAGE_MODES: readonly VideoMode[] = ["first_frame", "frames", "references"];
const VIDEO_MODES: readonly VideoMode[] = ["edit", "extend", "upscale"];

/**
 * The prompt is the text of the last turn. Images are the last turn's, else those of the latest turn that has some, when the model id
 * takes any. A video is the last message's, else, for ids that only go on from one, the latest of ours that the conversation links.
 * @throws {AppError} `invalid_request` naming the field
 */
export function decodeChatVideo(body: ChatBody, decoded: DecodedChat, choice: ModelChoice): DecodedVideo {
  if (decoded.n > 1) throw new AppError("invalid_request", "n: a video model makes one video a request.", { param: "n" });
  const last = decoded.turns.at(-1)!;
  const prompt = last.parts.flatMap((part) => (part.type === "text" ? [part.text.trim()] : []));
  const source = videoOf(body, choice);
  const { shape, size } = videoShape(collectShape(body));
  if (prompt.join("") === "") {
    throw new AppError("invalid_request", "The last message must say what the video shows.", {
      param: "messages",
      reason: "invalid_value",
    });
  }
  return {
    model: decoded.model,
    prompt: prompt.filter(Boolean).join("\n"),
    shape,
    size,
    seed: decoded.options.seed,
    images: imagesOf(decoded, choice, source),
    source,
    webhookUrl: body.webhook_url || undefined,
  };
}

function imagesOf({ turns }: DecodedChat, { params }: ModelChoice, source: SourceReference | null): InputReference[] {
  const shown = turns.map(({ parts }) => parts.filter((part) => part.type === "reference"));
  const mine = shown.at(-1)!;
  const takesEarlier = source === null && (params.modes?.some((mode) => IMAGE_MODES.includes(mode)) ?? true);
  return mine.length > 0 || !takesEarlier ? mine : (shown.findLast((images) => images.length > 0) ?? []);
}

const OWN_VIDEO = /(?:https?:\/\/[^\s/?#()[\]<>"]+)?\/media\/[a-z2-7]{26}\.(?:mp4|webm|mov)/g;

function videoOf({ messages }: ChatBody, { params }: ModelChoice): SourceReference | null {
  const index = messages.findLastIndex(({ role }) => role === "user");
  const content = messages[index]?.content;
  for (const [at, part] of (Array.isArray(content) ? content : []).entries()) {
    if (isRecord(part) && part.type === "video_url") return sourceOf(part.video_url, `messages[${index}].content[${at}].video_url`);
  }
  if (!params.modes?.every((mode) => VIDEO_MODES.includes(mode))) return null;
  const links = messages.flatMap((message) => JSON.stringify(message.content ?? "").match(OWN_VIDEO) ?? []);
  const url = links.at(-1);
  return url === undefined ? null : { type: "reference", url, param: "messages", trusted: true };
}
