// Tools generate_image and edit_image: one generation, its images as content.

import type { GenerateEvent, Media } from "../../domain/generation.ts";
import { noImageText } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { type LeftOut, resolveTurns } from "../../gateway/generation/inputs/inputs.ts";
import { readImageOptions } from "../../gateway/models/image-options.ts";
import { countOr } from "../body/invalid.ts";
import { foldSeed } from "../seed.ts";
import { startImages } from "../start-images.ts";
import { type Api, admitInputs, type Call, modelOf, referenceOf, repetitionOf, type ToolResult } from "./call.ts";
import { imageContent } from "./content.ts";
import { eventWords } from "./progress.ts";
import { type EditArguments, IMAGE_COUNT, type ImageArguments } from "./schema.ts";

export const generateImage = (api: Api, call: Call, given: ImageArguments) =>
  makeImages(api, call, "generate_image", { ...given, images: [] });
export const editImage = (api: Api, call: Call, given: EditArguments) => makeImages(api, call, "edit_image", given);

type Given = ImageArguments & { images: EditArguments["images"] };
type Done = Extract<GenerateEvent, { type: "done" }>;

/** @throws {AppError} what the arguments lack, what refuses the generation, and how it failed */
async function makeImages(api: Api, call: Call, tool: string, given: Given): Promise<ToolResult> {
  const { key, requestId, signal, startedAt } = call;
  const choice = modelOf(api, given.model, "image");
  const shape = readImageOptions({ aspectRatio: given.aspect_ratio, size: given.size }, { aspectRatio: "aspect_ratio", size: "size" });
  const named = typeof given.images === "string" ? [given.images] : given.images;
  const images = named.map((url, index) => referenceOf(url, `images[${index}]`));
  if (images.length > 0) admitInputs(api, call, "image", given);
  const leftOut: LeftOut[] = [];
  const turn = { role: "user" as const, parts: [{ type: "text" as const, text: given.prompt }, ...images] };
  const turns = await resolveTurns(api.inputs, [turn], { keyId: key.id, requestId, signal, leftOut });
  const options = { ...shape, seed: foldSeed(given.seed), imageOnly: true };
  const { idempotencyKey, insist } = repetitionOf(call, given);
  const n = countOr(1, given.n, "n", IMAGE_COUNT);
  const facts = { requestId, dialect: "mcp" as const, route: `POST /mcp ${tool}`, stream: false, key, signal, startedAt, insist };
  const run = await startImages(api, { choice, options, turns, n, imagesParam: "images", ...facts }, idempotencyKey);
  const made: Media[] = [];
  let text = "";
  let end: Done | null = null;
  for await (const event of run.events) {
    call.progress.say(eventWords(event, run.usualMs));
    if (event.type === "text") text += event.text;
    else if (event.type === "image") made.push(event.media);
    else if (event.type === "done") end = event;
  }
  if (!end) throw new Error("A generation ended without an end");
  if (run.delivered) call.onSent(() => run.delivered?.());
  if (made.length === 0) throw withoutImage(end, text);
  const successor = run.successorOf === null ? "" : `The model ${run.successorOf} is retired; ${run.family} took its place.`;
  return { content: await imageContent(api, call, made, [text.trim(), `Model: ${run.family}.`, successor, refusedAmong(end)]) };
}

function withoutImage(done: Done, text: string): AppError {
  const { finish, message, upstreamReason } = done;
  if (finish.startsWith("policy")) {
    const what = finish === "policy_input" ? "The prompt" : "The image";
    const reason = finish === "policy_input" ? ("policy_input" as const) : ("policy_output" as const);
    const words = message ?? `${what} was refused by the model's content policy (${upstreamReason}).`;
    return new AppError("content_policy", words, { detail: { scope: "request", reason } });
  }
  const reason = finish === "length" ? ("cut_off" as const) : ("text_only" as const);
  return new AppError("no_result", text.trim() || message || noImageText(upstreamReason), { detail: { scope: "request", reason } });
}

const refusedAmong = ({ refusals }: Done): string =>
  refusals?.length ? `${refusals.length} more were refused by the model's content policy (${refusals[0]!.upstreamReason}).` : "";
