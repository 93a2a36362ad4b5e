// Side-call facts of a generateContent body; requests for text or JSON alone. Pure.

import type { Kind } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { type ChatCall, judgeSideCall } from "../../../gateway/side-calls/decide.ts";
import type { Demand } from "../../../gateway/side-calls/reply.ts";
import { localAnswer } from "../../../gateway/side-calls/reply-text.ts";
import { type Fields, fieldsOf, listOf, numberOf, textOf } from "../proto-json.ts";
import type { GenerateBody } from "../schema.ts";
import type { DecodedGenerate } from "./decode.ts";

export type SideFacts = {
  call: ChatCall;
  demand: Demand | null;
  /** Words alone are wanted: none of the modalities is an image or a video. */
  textOnly: boolean;
};

export function generateFacts({ generationConfig }: GenerateBody, decoded: DecodedGenerate, model: string, kind: Kind): SideFacts {
  const config = fieldsOf(generationConfig);
  const modalities = listOf(config.responseModalities).map((one) => String(one).toUpperCase());
  const media = modalities.some((one) => one === "IMAGE" || one === "VIDEO");
  const texts = decoded.turns
    .filter(({ role }) => role === "user")
    .map(({ parts }) => parts.flatMap((part) => (part.type === "text" ? [part.text] : [])));
  const said = texts.map((parts) => parts.join("\n"));
  const { aspectRatio, imageSize } = decoded.hints;
  return {
    call: {
      kind,
      system: decoded.options.system ?? "",
      text: said.at(-1) ?? "",
      earlier: said.slice(0, -1),
      messages: decoded.turns.length,
      hasAttachment: decoded.turns.at(-1)?.parts.some((part) => part.type === "reference") ?? false,
      maxTokens: numberOf(config.maxOutputTokens) ?? null,
      marker: null,
      hasImageOptions: media || [aspectRatio, imageSize].some((hint) => hint !== undefined && hint !== ""),
      model,
    },
    demand: demandOf(config),
    textOnly: modalities.includes("TEXT") && !media,
  };
}

/** What is said where words alone are wanted, whatever the key does with side calls: no image was asked for. */
export const textAnswer = (call: ChatCall): string => localAnswer(call, judgeSideCall({ ...call, hasImageOptions: false }));

function demandOf(config: Fields): Demand | null {
  const name = ["responseJsonSchema", "responseSchema"].find((one) => Object.keys(fieldsOf(config[one])).length > 0);
  if (name) return { field: `generationConfig.${name}`, schema: lowerTypes(config[name]) };
  return /json/i.test(textOf(config.responseMimeType) ?? "") ? { field: "generationConfig.responseMimeType" } : null;
}

const MAX_DEPTH = 24;

/** Google spells the types of a schema in capitals. */
function lowerTypes(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return {};
  if (Array.isArray(value)) return value.map((one) => lowerTypes(one, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      name === "type" && typeof field === "string" ? field.toLowerCase() : lowerTypes(field, depth + 1),
    ]),
  );
}
