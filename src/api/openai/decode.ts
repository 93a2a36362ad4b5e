// Chat bodies become a neutral conversation. Pure: URLs are named, not read.

import type { ImageForm } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { type DraftTurn, type InputReference, ownMediaId } from "../../gateway/inputs.ts";
import { markdownImages } from "./chat/markdown-images.ts";
import { fileReference, isObject } from "./references.ts";
import type { ChatBody } from "./schema.ts";

/** Parameters for images as the client wrote them; `gateway/image-parameters.ts` reads them. */
export type ImageHints = { size?: unknown; quality?: unknown; aspectRatio?: unknown; imageSize?: unknown };

export type DecodedChat = {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  n: number;
  system?: string;
  /** The last turn is the user's. */
  turns: DraftTurn[];
  hints: ImageHints;
  /** The form of images that the request asks for; null: the key's or the setting's. */
  form: ImageForm | null;
  imageOnly: boolean;
  seed?: number;
};

type Message = ChatBody["messages"][number];
type DraftPart = DraftTurn["parts"][number];
type Loose = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === "string";

/** @throws {AppError} `invalid_request` naming the message or part that cannot be understood */
export function decodeChat(body: ChatBody): DecodedChat {
  const system = instructionsOf(body.messages);
  const turns = joinTurns(body.messages.flatMap((message, index) => decodeMessage(message, `messages[${index}]`)));
  if (body.image) lastUserTurn(turns)?.parts.push(reference(body.image, "image"));
  if (turns.at(-1)?.role !== "user") {
    throw new AppError("invalid_request", "The last message must be the user's and have text or a picture.", {
      param: "messages",
      reason: "invalid_value",
    });
  }
  const modalities = (body.modalities ?? []).map((one) => one.toLowerCase());
  return {
    model: body.model,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    n: body.n ?? 1,
    system,
    turns,
    hints: imageHints(body),
    form: modalities.includes("image") || body.image_config ? "images" : null,
    imageOnly: modalities.length > 0 && !modalities.includes("text"),
    seed: body.seed ?? undefined,
  };
}

const isInstruction = (message: Message) => message.role === "system" || message.role === "developer";

/** What system and developer messages say, or undefined. */
export function instructionsOf(messages: Message[]): string | undefined {
  const said = messages.flatMap((message) => (isInstruction(message) ? [textOf(message)] : []));
  return said.filter(Boolean).join("\n\n") || undefined;
}

export const lastUserTurn = (turns: DraftTurn[]) => turns.findLast((turn) => turn.role === "user");

/** The turn of a user's or assistant's message that says or shows something; `name` is where it stands in the body. */
export function decodeMessage(message: Message, name: string): DraftTurn[] {
  if (message.role !== "user" && message.role !== "assistant") return [];
  const trusted = message.role === "user";
  const where = `${name}.content`;
  const content = message.content ?? [];
  const parts = isText(content)
    ? decodeText(content, where, trusted)
    : content.flatMap((part, at) => decodePart(part, `${where}[${at}]`, trusted));
  const images = (message.images ?? []).flatMap((part, at) => decodePart(part, `${name}.images[${at}]`, trusted));
  const all = [...parts, ...images].filter((part) => part.type === "reference" || part.text.trim() !== "");
  return all.length === 0 ? [] : [{ role: trusted ? "user" : "model", parts: all }];
}

/** Neighbouring messages of one role are one turn: upstreams want roles to alternate. */
export function joinTurns(turns: DraftTurn[]): DraftTurn[] {
  const joined: DraftTurn[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last?.role === turn.role) last.parts.push(...turn.parts);
    else joined.push(turn);
  }
  return joined;
}

function textOf(message: Message): string {
  const content = message.content ?? "";
  if (isText(content)) return content.trim();
  return content
    .flatMap((part) => (isObject(part) && isText(part.text) ? [part.text] : []))
    .join("\n")
    .trim();
}

/** One content part in any of the forms that clients send; parts that are no text and no picture are passed over. */
function decodePart(part: unknown, where: string, trusted: boolean): DraftPart[] {
  if (isText(part)) return decodeText(part, where, trusted);
  if (!isObject(part))
    throw new AppError("invalid_request", `${where}: expected an object with "type".`, { param: where, reason: "invalid_value" });
  if (isText(part.text)) return decodeText(part.text, `${where}.text`, trusted);
  const fileId = fileIdIn(part);
  if (isText(fileId)) return trusted ? [fileReference(fileId, `${where}.file_id`)] : [];
  const url = imageUrlOf(part);
  if (url === null) return [];
  if (!isText(url) || url === "") {
    throw new AppError("invalid_request", `${where}: expected a URL or data URL of a picture.`, {
      param: `${where}.image_url`,
      reason: "invalid_value",
    });
  }
  return !trusted && !isReadable(url) ? [] : [reference(url.trim(), `${where}.image_url`, trusted)];
}

/** The id of an uploaded file in a `file`, `input_file`, `input_image` or `image_url` part. */
function fileIdIn(part: Loose): unknown {
  const holder = [part, part.file, part.image_url].find((one) => isObject(one) && isText(one.file_id));
  return isObject(holder) ? holder.file_id : null;
}

function imageUrlOf(part: Loose): unknown {
  if (part.type === "file" && isObject(part.file)) return part.file.file_data ?? null;
  if (part.type === "input_file") return part.file_data ?? part.file_url ?? null;
  if (part.type !== "image_url" && part.type !== "input_image") return null;
  return isObject(part.image_url) ? part.image_url.url : part.image_url;
}

const reference = (url: string, param: string, trusted = true): InputReference => ({ type: "reference", url, param, trusted });

/** What may be read although the user did not name it: our own media and bytes that are already here. */
const isReadable = (url: string) => url.startsWith("data:image/") || ownMediaId(url) !== null;

/** Text with its pictures taken out: only those that are ours or inline, links of strangers stay text. */
function decodeText(text: string, where: string, trusted: boolean): DraftPart[] {
  if (!text.includes("](")) return [{ type: "text", text }];
  const parts: DraftPart[] = [];
  let from = 0;
  for (const { url, start, end } of markdownImages(text)) {
    if (!isReadable(url)) continue;
    parts.push({ type: "text", text: text.slice(from, start) }, reference(url, where, trusted));
    from = end;
  }
  return [...parts, { type: "text", text: text.slice(from) }];
}

/** Hints from every place that clients put them; the OpenRouter form first, then our own fields, then Google's inside. */
function imageHints(body: ChatBody): ImageHints {
  const nested = [body.generationConfig, isObject(body.extra_body) ? body.extra_body.generationConfig : null];
  const google = nested.filter(isObject).flatMap((config) => [config.imageConfig, config.image_config, config].filter(isObject));
  const pick = (...names: string[]) =>
    google.flatMap((config) => names.map((name) => config[name])).find((value) => value !== undefined && value !== null);
  return {
    size: body.size ?? pick("size"),
    quality: body.quality ?? pick("quality", "imageQuality", "image_quality"),
    aspectRatio: body.image_config?.aspect_ratio ?? body.aspect_ratio ?? pick("aspectRatio", "aspect_ratio", "aspect"),
    imageSize: body.image_config?.image_size ?? body.image_size ?? pick("imageSize", "image_size", "resolution"),
  };
}
