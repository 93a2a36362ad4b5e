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
import { type Fields, fieldsOf, listOf, textOf } from "../proto-json.ts";
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
  return {
    turns,
    leftOut,
    ...collectImageHints(body),
    options: {
      system: systemOf(body.systemInstruction, instructions),
      imageOnly: hasModality(config, "image") && !hasModality(config, "text"),
      includeThoughts: thinking.includeThoughts === true || thinking.includeThoughts === "true",
      thinking: thinkingOf(thinking.thinkingLevel, HINT_NAMES.thinking),
      seed: foldSeed(config.seed, "generationConfig.seed"),
    },
  };
}

/** Whether `responseModalities` names it; in lower case. */
export function hasModality({ responseModalities }: Fields, name: string): boolean {
  for (const one of listOf(responseModalities)) if (String(one).toLowerCase() === name) return true;
  return false;
}

function systemOf(instruction: unknown, others: readonly string[]): string | undefined {
  const own = instructionOf(instruction, "systemInstruction");
  if (others.length === 0) return own || undefined;
  return [own, ...others].filter(Boolean).join("\n\n") || undefined;
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
  if (value === undefined) return "";
  const parts = hasParts(value) ? value.parts : value;
  const where = hasParts(value) ? `${param}.parts` : param;
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
function decodeContents(contents: unknown): Decoded {
  const list = listOf(contents);
  const decoded: Decoded = { instructions: [], turns: [], leftOut: [] };
  const exactFrom = list.length === 1 ? 0 : firstExact(list);
  for (let index = 0; index < list.length; index++) {
    const content = list[index];
    const plain = plainTurn(content);
    if (plain) decoded.turns.push(plain);
    else
      decodeContent(content, { where: Array.isArray(contents) ? `contents[${index}]` : "contents", isExact: index >= exactFrom }, decoded);
  }
  if (decoded.turns.length > 1 || decoded.turns[0]?.parts.length === 0) decoded.turns = joinTurns(decoded.turns);
  return decoded;
}

type Decoded = { instructions: string[]; turns: UnresolvedTurn[]; leftOut: LeftOut[] };

/** Index of the first content of the user's last turn. */
function firstExact(list: readonly unknown[]): number {
  const roles = list.map((content) => roleOf(fieldsOf(content).role));
  return lastTurnStart(roles, (index) => saysSomething(hasParts(list[index]) ? list[index].parts : list[index]));
}

const hasParts = (content: unknown): content is Fields => isRecord(content) && "parts" in content;

/** The turn of a content whose parts are texts and nothing else; null: it has to be decoded. */
function plainTurn(content: unknown): UnresolvedTurn | null {
  if (!isRecord(content) || !Array.isArray(content.parts)) return null;
  const role = roleOf(content.role);
  if (role !== "user" && role !== "model") return null;
  const parts: UnresolvedPart[] = [];
  for (const part of content.parts) {
    const text = plainText(part);
    if (text === null) return null;
    if (text.trim() !== "") parts.push({ type: "text", text });
  }
  return { role, parts };
}

/** The text of a part that has no other field; null: it is no such part. */
function plainText(part: unknown): string | null {
  if (!isRecord(part) || typeof part.text !== "string") return null;
  for (const name in part) if (name !== "text") return null;
  return part.text;
}

/** In any form that clients send. `isExact`: what is attached has to be readable; else it is left out with a note. */
function decodeContent(content: unknown, { where, isExact }: { where: string; isExact: boolean }, decoded: Decoded): void {
  const { role, parts } = hasParts(content) ? content : { role: fieldsOf(content).role, parts: content };
  const speaker = roleOf(role);
  if (speaker === "system") decoded.instructions.push(instructionOf({ parts }, where));
  if (speaker !== "user" && speaker !== "model") return;
  const place = hasParts(content) ? `${where}.parts` : where;
  const placeOf = (at: number) => (Array.isArray(parts) ? `${where}.parts[${at}]` : place);
  const decode = isExact ? decodePart : leniently(decoded.leftOut);
  decoded.turns.push({ role: speaker, parts: listOf(parts).flatMap((part, at) => decode(part, placeOf(at), speaker)) });
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
