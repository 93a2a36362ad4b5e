// Chat completions and chunks, encoded from neutral results. Pure; media items are links or data URLs.
// Source: docs/wire/openai.md.

import type { Finish, GenerateEvent, Usage } from "../../../domain/generation.ts";
import type { VideoForm } from "../../../domain/key.ts";
import type { ModelEntry } from "../../../gateway/models/model-list.ts";

/** A finished image in the two ways a response can carry it. `link`: the address of the stored image, whatever the form. */
export type ShownImage = { form: "markdown" | "images"; url: string; link: string };

/** Fields that all chunks of one response share. */
export type Envelope = { id: string; created: number; model: string };

export const markdownImage = (url: string) => `![image](${url})`;

/** `finish_reason` by the neutral finish. */
export const FINISH_REASON = {
  stop: "stop",
  length: "length",
  policy_input: "content_filter",
  policy_output: "content_filter",
  no_image: "stop",
  malformed: "stop",
} as const satisfies Record<Finish, "stop" | "length" | "content_filter">;

/** Text of a refusal: the upstream's message, else our own. */
export function refusalText(done: Extract<GenerateEvent, { type: "done" }>): string {
  const stage = done.finish === "policy_input" ? "The prompt" : "The image";
  return done.message ?? `${stage} was refused by the model's content policy (${done.upstreamReason}).`;
}

export function encodeUsage(usage: Usage) {
  return {
    prompt_tokens: usage.inputText + usage.inputImage,
    completion_tokens: usage.outputText + usage.outputImage + usage.thoughts,
    total_tokens: usage.total,
    prompt_tokens_details: { cached_tokens: 0, text_tokens: usage.inputText, image_tokens: usage.inputImage },
    completion_tokens_details: { reasoning_tokens: usage.thoughts, text_tokens: usage.outputText, image_tokens: usage.outputImage },
  };
}

const imagePart = (url: string, index: number) => ({ type: "image_url" as const, index, image_url: { url } });

/**
 * Where the images are stored, as link reference definitions (CommonMark 0.31, 4.7): readers show nothing of them, and they come back with
 * the conversation also where a client stores the text alone. The title repeats the label: showdown (SillyTavern) shows the line of a
 * label that stands only once in a text, and SillyTavern itself takes double quotes for speech.
 */
export function imageDefinitions(images: readonly Pick<ShownImage, "link">[]): string {
  let text = "";
  for (let at = 0; at < images.length; at++) text += `${at > 0 ? "\n" : ""}[image-${at + 1}]: ${images[at]!.link} (image-${at + 1})`;
  return text;
}

/** Text first, then each image as a Markdown line of its own, then where they are stored. */
export function contentOf(text: string, images: readonly ShownImage[]): string {
  let content = text.trim();
  for (const { form, url } of images) if (form === "markdown") content = withParagraph(content, markdownImage(url));
  return images.length > 0 ? withParagraph(content, imageDefinitions(images)) : content;
}

const withParagraph = (content: string, paragraph: string) => (content === "" ? paragraph : `${content}\n\n${paragraph}`);

type CompletionMessage = {
  role: "assistant";
  content: string;
  refusal: null;
  reasoning_content?: string;
  images?: ReturnType<typeof imagePart>[];
};

function imageParts(images: readonly ShownImage[]): CompletionMessage["images"] {
  let parts: CompletionMessage["images"];
  for (const { form, url } of images) {
    if (form !== "images") continue;
    parts ??= [];
    parts.push(imagePart(url, parts.length));
  }
  return parts;
}

/** `chat.completion`. */
export function encodeCompletion(
  envelope: Envelope,
  response: { text: string; images: readonly ShownImage[]; notes?: string },
  { finish, usage }: { finish: Finish; usage: Usage },
) {
  // What is undefined is left out of the JSON.
  const message: CompletionMessage = {
    role: "assistant",
    content: contentOf(response.text, response.images),
    refusal: null,
    reasoning_content: response.notes || undefined,
    images: imageParts(response.images),
  };
  return {
    ...envelope,
    object: "chat.completion" as const,
    choices: [{ index: 0, message, finish_reason: FINISH_REASON[finish], logprobs: null }],
    usage: encodeUsage(usage),
  };
}

export type Delta = { role?: "assistant"; content?: string; reasoning_content?: string; images?: ReturnType<typeof imagePart>[] };

/** `chat.completion.chunk` with one delta. */
export function encodeChunk(envelope: Envelope, delta: Delta, finishReason: string | null = null) {
  return {
    ...envelope,
    object: "chat.completion.chunk" as const,
    choices: [{ index: 0, delta, finish_reason: finishReason, logprobs: null }],
  };
}

/** The delta that carries one image: whole, in one chunk. */
export function imageDelta(image: ShownImage, index: number): Delta {
  return image.form === "images"
    ? { images: [imagePart(image.url, index)] }
    : { content: `${index > 0 ? "\n\n" : ""}${markdownImage(image.url)}` };
}

/** The content that ends a streamed response with images: where they are stored, in a paragraph of its own. */
export const definitionsDelta = (images: readonly ShownImage[], hasText: boolean): string =>
  `${hasText || images.some(({ form }) => form === "markdown") ? "\n\n" : ""}${imageDefinitions(images)}`;

/** The last chunk before `[DONE]` when the client asked for usage. */
export function encodeUsageChunk(envelope: Envelope, usage: Usage) {
  return { ...envelope, object: "chat.completion.chunk" as const, choices: [], usage: encodeUsage(usage) };
}

/** The ways in which chat returns a video; see {@link videoText}. */
export const VIDEO_FORMS: readonly VideoForm[] = ["link", "html_block", "html_fence"];

/**
 * A finished video as text. `link` is a line that NextChat turns into a player; the three lines of `html_block` play in every version of
 * Open WebUI; `html_fence` is previewed by clients that run HTML (docs/wire/openai.md).
 */
export function videoText(url: string, form: VideoForm): string {
  if (form === "html_block") return `<video src="${url}" controls>\n${url}\n</video>`;
  if (form === "html_fence") return `\`\`\`html\n<video src="${url}" controls></video>\n\`\`\``;
  return `[▶ video (${url.slice(url.lastIndexOf(".") + 1)})](${url})`;
}

/** One entry of `GET /v1/models`. */
export function encodeModel(entry: ModelEntry) {
  return {
    id: entry.id,
    object: "model" as const,
    created: entry.created,
    owned_by: entry.ownedBy,
    name: entry.name,
    description: entry.description,
    modality: `text+image->${entry.kind}`,
    architecture: { input_modalities: ["text", "image"], output_modalities: [entry.kind] },
  };
}
