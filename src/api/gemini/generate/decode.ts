// generateContent body decoder: a neutral conversation and its image options. Pure: URLs are not fetched.
// Source: docs/wire/gemini.md.

import type { ImageOptions, Kind, Thinking } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { AppError } from "../../../errors.ts";
import type { LeftOut } from "../../../gateway/generation/inputs/inputs.ts";
import { endWithUser, joinTurns, type UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import { mustBe } from "../../body/invalid.ts";
import { type CollectedHints, collectImageHints } from "../../image-config.ts";
import { lastTurnStart, saysSomething } from "../../last-turn.ts";
import { foldSeed } from "../../seed.ts";
import { fieldsOf, listOf, textOf } from "../proto-json.ts";
import { dataReference, uriReference } from "../references.ts";
import type { CountBody, GenerateBody } from "../schema.ts";

export type DecodedGenerate = {
  /** The last turn is the user's. */
  turns: UnresolvedTurn[];
  /** Inputs of earlier turns that cannot be understood: history is best effort, the last turn is exact. */
  leftOut: LeftOut[];
  hints: ImageHints;
  names: CollectedHints["names"];
  /** All but shape and size, and what `options.ts` reads. */
  options: ImageOptions;
};

type UnresolvedPart = UnresolvedTurn["parts"][number];

/** What a part may hold; whether the model takes a video is decided when its providers are known. */
const INPUTS = ["image", "video"] as const satisfies readonly Kind[];

const LEVELS: readonly string[] = ["minimal", "low", "medium", "high", "xhigh"] satisfies Thinking[];
const UNSPECIFIED = "thinking_level_unspecified";

/** @throws {AppError} `invalid_request` for a word that is no level */
export function thinkingOf(value: unknown, param: string): Thinking | undefined {
  const level = textOf(value)?.toLowerCase();
  if (value === undefined || value === null || value === "" || level === UNSPECIFIED) return undefined;
  if (level !== undefined && LEVELS.includes(level)) return level as Thinking;
  throw mustBe(param, "MINIMAL, LOW, MEDIUM, HIGH or XHIGH", value);
}

/** Names of the hints in errors. */
export const HINT_NAMES = {
  aspectRatio: "generationConfig.imageConfig.aspectRatio",
  imageSize: "generationConfig.imageConfig.imageSize",
  thinking: "generationConfig.thinkingConfig.thinkingLevel",
} as const;

/** @throws {AppError} `invalid_request` naming what cannot be understood */
export function decodeGenerate(body: GenerateBody): DecodedGenerate {
  const { instructions, turns: said, leftOut } = decodeContents(body.contents);
  const turns = endWithUser(said);
  if (turns.length === 0) {
    throw new AppError("invalid_request", "contents: the last content must be the user's and have text or an image.", {
      param: "contents",
    });
  }
  const config = fieldsOf(body.generationConfig);
  const thinking = fieldsOf(config.thinkingConfig);
  const modalities = listOf(config.responseModalities).map((one) => String(one).toLowerCase());
  return {
    turns,
    leftOut,
    ...collectImageHints(body),
    options: {
      system: [instructionOf(body.systemInstruction, "systemInstruction"), ...instructions].filter(Boolean).join("\n\n") || undefined,
      imageOnly: modalities.includes("image") && !modalities.includes("text"),
      includeThoughts: thinking.includeThoughts === true || thinking.includeThoughts === "true",
      thinking: thinkingOf(thinking.thinkingLevel, HINT_NAMES.thinking),
      seed: foldSeed(config.seed, "generationConfig.seed"),
    },
  };
}

/** What there is to count. @throws {AppError} as {@link decodeGenerate} */
export function decodeCount(body: CountBody): { texts: string[]; images: number } {
  const request = body.generateContentRequest ? fieldsOf(body.generateContentRequest) : body;
  const { instructions, turns } = decodeContents(request.contents ?? []);
  const parts = turns.flatMap((turn) => turn.parts);
  const said = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return {
    texts: [instructionOf(request.systemInstruction, "systemInstruction"), ...instructions, ...said],
    images: parts.filter((part) => part.type === "reference").length,
  };
}

/** An instruction as a text, a content (its role does not count), or a list of parts. @throws {AppError} for a text that is none */
export function instructionOf(value: unknown, param: string): string {
  if (typeof value === "string") return value.trim();
  const hasParts = isRecord(value) && "parts" in value;
  const parts = hasParts ? value.parts : value;
  const where = hasParts ? `${param}.parts` : param;
  return listOf(parts)
    .flatMap((part, at) => textOf(textIn(part, Array.isArray(parts) ? `${where}[${at}]` : where)) ?? [])
    .join("\n");
}

/** The text of a part, if it has one. @throws {AppError} `invalid_request` for anything else in its place */
function textIn(part: unknown, where: string): string | undefined {
  if (typeof part === "string") return part;
  if (!isRecord(part)) throw mustBe(where, "a text or an object", part);
  const { text } = part;
  if (text === undefined || text === null || typeof text === "string") return text ?? undefined;
  throw mustBe(`${where}.text`, "a text", text);
}

/** `instructions`: what contents of the role `system` say. Parts outside of a content are the user's. */
function decodeContents(contents: unknown): { instructions: string[]; turns: UnresolvedTurn[]; leftOut: LeftOut[] } {
  const instructions: string[] = [];
  const turns: UnresolvedTurn[] = [];
  const leftOut: LeftOut[] = [];
  const isList = Array.isArray(contents);
  const list = listOf(contents).map((content) => {
    const fields = isRecord(content) && "parts" in content ? content : { role: fieldsOf(content).role, parts: content };
    return { content, fields, role: roleOf(fields.role) };
  });
  const exactFrom = lastTurnStart(
    list.map(({ role }) => role),
    (index) => saysSomething(list[index]!.fields.parts),
  );
  for (const [index, { content, fields, role }] of list.entries()) {
    const where = isList ? `contents[${index}]` : "contents";
    if (role === "system") instructions.push(instructionOf(fields, where));
    if (role !== "user" && role !== "model") continue;
    const place = isRecord(content) && "parts" in content ? `${where}.parts` : where;
    const placeOf = (at: number) => (Array.isArray(fields.parts) ? `${where}.parts[${at}]` : place);
    const decode = index >= exactFrom ? decodePart : leniently(leftOut);
    const parts = listOf(fields.parts).flatMap((part, at) => decode(part, placeOf(at), role));
    turns.push({ role, parts });
  }
  return { instructions, turns: joinTurns(turns), leftOut };
}

/** As {@link decodePart}, for an earlier turn: what cannot be understood or, later on, read is left out with a note. */
const leniently =
  (leftOut: LeftOut[]): typeof decodePart =>
  (part, where, role) => {
    try {
      return decodePart(part, where, role).map((one) => (one.type === "reference" ? { ...one, lenient: { text: "" } } : one));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      leftOut.push({ param: error.param ?? where, reason: error.message });
      return [];
    }
  };

/** Null where nothing of it can be generated: results of functions and tools. */
function roleOf(role: unknown): "user" | "model" | "system" | null {
  const word = textOf(role)?.toLowerCase() ?? "user";
  if (word === "model" || word === "assistant") return "model";
  return word === "user" || word === "system" ? word : null;
}

/** Thoughts that a client hands back are passed over: interim images would be taken for images. So are parts of other kinds. */
function decodePart(part: unknown, where: string, role: "user" | "model"): UnresolvedPart[] {
  const { inlineData, fileData, thought, thoughtSignature } = fieldsOf(part);
  if (thought === true) return [];
  const text = textIn(part, where);
  const mark = typeof thoughtSignature === "string" && thoughtSignature !== "" ? { signature: thoughtSignature } : {};
  if (inlineData !== undefined) {
    if (!isRecord(inlineData)) throw mustBe(`${where}.inlineData`, "an object with mimeType and data", inlineData);
    const param = `${where}.inlineData.data`;
    const data = textOf(inlineData.data);
    if (!data) throw mustBe(param, "base64", inlineData.data);
    return [{ ...dataReference(data, inlineData.mimeType, param), kinds: INPUTS, ...mark }];
  }
  if (fileData !== undefined) {
    if (!isRecord(fileData)) throw mustBe(`${where}.fileData`, "an object with fileUri", fileData);
    const reference = uriReference(textOf(fileData.fileUri) ?? "", `${where}.fileData.fileUri`, role === "user");
    if (!reference) return [];
    const forUpstream = reference.forUpstream && { forUpstream: { mime: textOf(fileData.mimeType) ?? "" } };
    return [{ ...reference, kinds: INPUTS, ...forUpstream, ...mark }];
  }
  return text !== undefined && (text.trim() !== "" || mark.signature) ? [{ type: "text", text, ...mark }] : [];
}
