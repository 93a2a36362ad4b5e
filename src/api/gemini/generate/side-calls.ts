// Side-call facts of a generateContent body; requests for text or JSON alone. Pure.

import type { Kind } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { type ChatCall, judgeSideCall } from "../../../gateway/side-calls/decide.ts";
import type { Demand } from "../../../gateway/side-calls/reply.ts";
import { localAnswer } from "../../../gateway/side-calls/reply-text.ts";
import { type Fields, fieldsOf, numberOf, textOf } from "../proto-json.ts";
import type { GenerateBody } from "../schema.ts";
import { type DecodedGenerate, hasModality } from "./decode.ts";

export type SideFacts = {
  call: ChatCall;
  demand: Demand | null;
  /** Words alone are wanted: none of the modalities is an image or a video. */
  textOnly: boolean;
};

export function generateFacts({ generationConfig }: GenerateBody, decoded: DecodedGenerate, model: string, kind: Kind): SideFacts {
  const config = fieldsOf(generationConfig);
  const wantsMedia = hasModality(config, "image") || hasModality(config, "video");
  const { turns, options, hints } = decoded;
  const said: string[] = [];
  for (const { role, parts } of turns) if (role === "user") said.push(textOfParts(parts));
  const call: ChatCall = {
    kind,
    system: options.system ?? "",
    text: said.pop() ?? "",
    earlier: said,
    messages: turns.length,
    hasAttachment: turns.at(-1)?.parts.some(isReference) ?? false,
    maxTokens: numberOf(config.maxOutputTokens) ?? null,
    marker: null,
    hasImageOptions: wantsMedia || says(hints.aspectRatio) || says(hints.imageSize),
    model,
  };
  return { call, demand: demandOf(config), textOnly: !wantsMedia && hasModality(config, "text") };
}

const isReference = ({ type }: { type: string }) => type === "reference";
const says = (hint: unknown): boolean => hint !== undefined && hint !== "";

function textOfParts(parts: DecodedGenerate["turns"][number]["parts"]): string {
  const [only] = parts;
  if (parts.length === 1 && only?.type === "text") return only.text;
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/** What is said where words alone are wanted, whatever the key does with side calls: no image was asked for. */
export const textAnswer = (call: ChatCall): string => localAnswer(call, judgeSideCall({ ...call, hasImageOptions: false }));

function demandOf(config: Fields): Demand | null {
  for (const name of SCHEMA_FIELDS) {
    const schema = config[name];
    if (isRecord(schema) && Object.keys(schema).length > 0) return { field: `generationConfig.${name}`, schema: lowerTypes(schema) };
  }
  return JSON_TYPE.test(textOf(config.responseMimeType) ?? "") ? { field: "generationConfig.responseMimeType" } : null;
}

const SCHEMA_FIELDS = ["responseJsonSchema", "responseSchema"] as const;
const JSON_TYPE = /json/i;

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
