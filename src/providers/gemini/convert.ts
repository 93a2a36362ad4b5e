// From our image request to the body of `generateContent`. Only what is named here is ever sent.
// Source: Gemini API reference, models.generateContent, read 2026-11-23.
import type { ImageRequest, Part, SearchOptions, Turn } from "../../domain/generation.ts";
import type { WireModel } from "../provider.ts";

/** A part on the wire. `data` is the bytes, which `encode-body.ts` writes as base64. */
export type WirePart =
  | { text: string; thoughtSignature?: string }
  | { inlineData: { mimeType: string; data: Blob }; thoughtSignature?: string }
  | { fileData: { fileUri: string; mimeType?: string }; thoughtSignature?: string };

export type GenerateContent = {
  contents: { role: "user" | "model"; parts: WirePart[] }[];
  systemInstruction?: { parts: WirePart[] };
  safetySettings?: { category: string; threshold: string }[];
  tools?: { googleSearch: { searchTypes?: { webSearch?: object; imageSearch?: object } } }[];
  generationConfig: {
    responseModalities: ("TEXT" | "IMAGE")[];
    seed?: number;
    temperature?: number;
    topP?: number;
    topK?: number;
    imageConfig?: { aspectRatio?: string; imageSize?: string; personGeneration?: string };
    thinkingConfig?: { thinkingLevel?: string; includeThoughts?: boolean };
  };
};

/**
 * The body of `models/{model}:generateContent` and `:streamGenerateContent` for one image.
 * The options are those that the catalogue lets this upstream take for the family. An image size that the model does not take is left out.
 */
export function toGenerateContent(request: ImageRequest, model: WireModel): GenerateContent {
  const { system, safety, search, imageOnly, seed, temperature, topP, topK } = request;
  // What is undefined is left out of the JSON.
  return {
    contents: toContents(request.turns),
    systemInstruction: system ? { parts: [{ text: system }] } : undefined,
    safetySettings: safety,
    tools: search && [{ googleSearch: toSearch(search) }],
    generationConfig: {
      responseModalities: imageOnly ? IMAGE_ONLY : TEXT_AND_IMAGE,
      seed,
      temperature,
      topP,
      topK,
      imageConfig: toImageConfig(request, model),
      thinkingConfig: toThinkingConfig(request, model),
    },
  };
}

const IMAGE_ONLY = ["IMAGE" as const];
const TEXT_AND_IMAGE = ["TEXT" as const, "IMAGE" as const];

function toContents(turns: readonly Turn[]): GenerateContent["contents"] {
  const contents: GenerateContent["contents"] = [];
  for (const turn of turns) {
    const content = toContent(turn);
    if (content.parts.length > 0) contents.push(content);
  }
  return contents;
}

function toContent(turn: Turn): { role: "user" | "model"; parts: WirePart[] } {
  const parts: WirePart[] = [];
  for (const part of turn.parts) if (part.type !== "text" || part.text || part.signature) parts.push(toPart(part));
  return { role: turn.role, parts };
}

function toPart(part: Part): WirePart {
  if (part.type === "text") return { text: part.text, thoughtSignature: part.signature || undefined };
  const { mime, data, signature, uri } = part.image;
  if (uri !== undefined) return { fileData: { fileUri: uri, ...(mime ? { mimeType: mime } : {}) } };
  return { inlineData: { mimeType: mime, data }, ...(signature ? { thoughtSignature: signature } : {}) };
}

function toImageConfig({ size, aspect, personGeneration }: ImageRequest, { sizes }: WireModel) {
  const imageSize = size && sizes.includes(size) ? size : undefined;
  if (!aspect && !imageSize && !personGeneration) return undefined;
  return { aspectRatio: aspect || undefined, imageSize, personGeneration: personGeneration || undefined };
}

/** Without types the model searches as it likes. */
function toSearch({ types }: SearchOptions) {
  if (!types) return {};
  const chosen = { ...(types.includes("web") ? { webSearch: {} } : {}), ...(types.includes("image") ? { imageSearch: {} } : {}) };
  return { searchTypes: chosen };
}

function toThinkingConfig(request: ImageRequest, model: WireModel) {
  const thinkingLevel = request.thinking && model.levels?.[request.thinking];
  const includeThoughts = request.includeThoughts === true && model.thinks;
  if (!thinkingLevel && !includeThoughts) return undefined;
  return { thinkingLevel: thinkingLevel || undefined, includeThoughts: includeThoughts || undefined };
}
