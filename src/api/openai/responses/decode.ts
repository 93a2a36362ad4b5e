// Responses body decoder: conversation and image options. Pure; earlier responses come from `Recall`.

import type { ImageOptions } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { AppError } from "../../../errors.ts";
import { endWithUser, type InputReference, joinTurns, type UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { Catalogue } from "../../../gateway/models/catalogue/catalogue.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import { countOr } from "../../body/invalid.ts";
import { type CollectedHints, collectImageHints, collectSeed } from "../../image-config.ts";
import type { ImageFormatOptions } from "../../image-output.ts";
import { lastTurnStart, saysSomething } from "../../last-turn.ts";
import { foldSeed } from "../../seed.ts";
import { instructionsOf, lastUserTurn, nothingSaid } from "../chat/decode.ts";
import { decodeMessage, type Message, type MessageContext } from "../chat/message.ts";
import { decodeOutput, MASK_INSTRUCTION, type Quality, qualityOf } from "../images/decode.ts";
import { referencesOf } from "../references.ts";
import { COMPRESSION, PARTIALS, type ResponsesBody } from "../schema.ts";

type Loose = Record<string, unknown>;

export type DecodedResponse = {
  /** The image model. */
  model: string;
  stream: boolean;
  turns: UnresolvedTurn[];
  hints: ImageHints;
  names?: CollectedHints["names"];
  /** All but shape and size. */
  options: ImageOptions;
  partials: number;
  output: ImageFormatOptions;
  quality: Quality | null;
  /** An image is required; text alone is a failure. */
  forced: boolean;
};

/** Earlier responses of the same key. */
export type Recall = {
  response(id: string): UnresolvedTurn[] | null;
  item(id: string): UnresolvedTurn["parts"][number] | null;
};

/** @throws {AppError} `invalid_request` naming the item, `not_found` for a model without the image tool */
export function decodeResponse(body: ResponsesBody, recall: Recall, catalogue: Catalogue): DecodedResponse {
  const tool = (body.tools ?? []).find((one) => one.type === "image_generation");
  const items = typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input;
  const turns = endWithUser(joinTurns([...earlierTurns(body, recall), ...decodeItems(items, recall)]));
  if (turns.length === 0 && roleOf(items.at(-1)!) === "user") throw nothingSaid("input");
  const last = lastUserTurn(turns);
  const mask = referencesOf(tool?.input_image_mask, "tools.input_image_mask").slice(0, 1);
  if (mask.length > 0) last?.parts.push({ type: "text", text: MASK_INSTRUCTION }, ...mask);
  const said = instructionsOf(
    items.map((item) => (isMessage(item) ? item : null)),
    "input",
  );
  const partials = body.stream ? countOr(0, tool?.partial_images, "tools.partial_images", PARTIALS) : 0;
  return {
    model: modelOf(body, tool, catalogue),
    stream: body.stream ?? false,
    turns,
    ...collectImageHints(body, { tools: tool }),
    options: {
      system: [body.instructions, said].filter(Boolean).join("\n\n") || undefined,
      seed: foldSeed(tool?.seed) ?? collectSeed(body),
      includeThoughts: partials > 0,
    },
    partials,
    output: decodeOutput(textIn(tool?.output_format), countOr(null, tool?.output_compression, "tools.output_compression", COMPRESSION)),
    quality: qualityOf(textIn(tool?.quality)),
    forced: isRecord(body.tool_choice) && body.tool_choice.type === "image_generation",
  };
}

/** An image model named outright goes before the tool's; any other model only calls the tool. */
function modelOf(body: ResponsesBody, tool: Loose | undefined, catalogue: Catalogue): string {
  if (!tool || catalogue.parseModel(body.model)) return body.model;
  return textIn(tool.model) ?? catalogue.defaultFamily("image");
}

function earlierTurns({ previous_response_id: id }: ResponsesBody, recall: Recall): UnresolvedTurn[] {
  if (!id) return [];
  const turns = recall.response(id);
  if (!turns) {
    throw new AppError("invalid_request", `Previous response with id '${id.slice(0, 80)}' not found.`, {
      param: "previous_response_id",
      reason: "previous_response_not_found",
    });
  }
  return turns;
}

const isMessage = (item: Loose): item is Loose & Message =>
  typeof item.role === "string" &&
  (item.type === undefined || item.type === "message") &&
  (item.content === undefined || item.content === null || typeof item.content === "string" || Array.isArray(item.content));

const roleOf = (item: Loose): string | null => {
  if (isMessage(item)) return item.role === "assistant" ? "model" : item.role;
  return item.type === "image_generation_call" || item.type === "item_reference" ? "model" : null;
};

/** The items as turns. Images of earlier responses that follow the user's last words are what these are about: they go before them. */
function decodeItems(items: readonly Loose[], recall: Recall): UnresolvedTurn[] {
  const roles = items.map(roleOf);
  const start = lastTurnStart(roles, (index) => saysSomething(items[index]!.content));
  const last = roles.lastIndexOf("user");
  const turns = items.map((item, index) => decodeItem(item, { name: `input[${index}]`, exact: index >= start }, recall));
  const isNamed = (index: number) => index > last && !isMessage(items[index]!);
  const named = last < 0 ? [] : turns.filter((_, index) => isNamed(index));
  const others = turns.map((turn, index) => (last >= 0 && isNamed(index) ? [] : turn));
  return [...others.slice(0, start), ...named, ...others.slice(start)].flat();
}

/** Items without meaning for an image model (reasoning, calls of other tools) are skipped. */
function decodeItem(item: Loose, place: MessageContext, recall: Recall): UnresolvedTurn[] {
  if (isMessage(item)) {
    const turn = decodeMessage(item, place);
    return turn ? [turn] : [];
  }
  if (item.type === "image_generation_call") return [{ role: "model", parts: earlierImage(item, place, recall) }];
  if (item.type !== "item_reference") return [];
  const part = recall.item(textIn(item.id) ?? "");
  return part ? [{ role: "model", parts: [part] }] : [];
}

/** An image of an earlier response: ours as it is stored, with the upstream's mark on it, else the bytes that the client has. */
function earlierImage(item: Loose, { name, exact }: MessageContext, recall: Recall): UnresolvedTurn["parts"] {
  const known = recall.item(textIn(item.id) ?? "");
  const result = textIn(item.result);
  const url = result?.startsWith("data:") ? result : result && `data:image/png;base64,${result}`;
  const lenient = exact ? undefined : { text: "" };
  if (known?.type === "reference") return [{ ...known, otherwise: url, lenient }];
  if (!url && item.status === "failed") return [];
  const param = `${name}.result`;
  if (!url && exact) throw new AppError("invalid_request", `${name}: this image is not known here; send its result.`, { param });
  return [{ type: "reference", url: url ?? "", param, trusted: true, lenient } satisfies InputReference];
}

const textIn = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
