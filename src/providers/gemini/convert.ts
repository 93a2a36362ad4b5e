// From our image request to the body of `generateContent`. Only what is named here is ever sent.
// Source: Gemini API reference, models.generateContent, read 2026-11-23.
import type { ImageRequest, Part, SearchOptions, Turn } from "../../domain/generation.ts";
import { type GeminiModel, modelOf } from "./models.ts";

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
 * @throws {AppError} `upstream_model_denied` for a family that this upstream does not have
 */
export function toGenerateContent(request: ImageRequest): GenerateContent {
  const model = modelOf(request.family);
  const imageConfig = toImageConfig(request, model);
  const thinkingConfig = toThinkingConfig(request, model);
  return {
    contents: request.turns.map(toContent).filter((content) => content.parts.length > 0),
    ...(request.system ? { systemInstruction: { parts: [{ text: request.system }] } } : {}),
    ...(request.safety ? { safetySettings: request.safety } : {}),
    ...(request.search ? { tools: [{ googleSearch: toSearch(request.search) }] } : {}),
    generationConfig: {
      responseModalities: request.imageOnly ? ["IMAGE"] : ["TEXT", "IMAGE"],
      ...(request.seed === undefined ? {} : { seed: request.seed }),
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(request.topP === undefined ? {} : { topP: request.topP }),
      ...(request.topK === undefined ? {} : { topK: request.topK }),
      ...(imageConfig ? { imageConfig } : {}),
      ...(thinkingConfig ? { thinkingConfig } : {}),
    },
  };
}

function toContent(turn: Turn): { role: "user" | "model"; parts: WirePart[] } {
  return { role: turn.role, parts: turn.parts.filter((part) => part.type !== "text" || part.text || part.signature).map(toPart) };
}

function toPart(part: Part): WirePart {
  if (part.type === "text") return { text: part.text, ...(part.signature ? { thoughtSignature: part.signature } : {}) };
  const { mime, data, signature, uri } = part.image;
  if (uri !== undefined) return { fileData: { fileUri: uri, ...(mime ? { mimeType: mime } : {}) } };
  return { inlineData: { mimeType: mime, data }, ...(signature ? { thoughtSignature: signature } : {}) };
}

function toImageConfig(request: ImageRequest, model: GeminiModel) {
  const imageSize = request.size && model.sizes.includes(request.size) ? request.size : undefined;
  const personGeneration = request.personGeneration;
  if (!request.aspect && !imageSize && !personGeneration) return null;
  return {
    ...(request.aspect ? { aspectRatio: request.aspect } : {}),
    ...(imageSize ? { imageSize } : {}),
    ...(personGeneration ? { personGeneration } : {}),
  };
}

/** Without types the model searches as it likes. */
function toSearch({ types }: SearchOptions) {
  if (!types) return {};
  const chosen = { ...(types.includes("web") ? { webSearch: {} } : {}), ...(types.includes("image") ? { imageSearch: {} } : {}) };
  return { searchTypes: chosen };
}

function toThinkingConfig(request: ImageRequest, model: GeminiModel) {
  const thinkingLevel = request.thinking && model.thinking?.[request.thinking];
  const includeThoughts = request.includeThoughts === true && model.thinks;
  if (!thinkingLevel && !includeThoughts) return null;
  return { ...(thinkingLevel ? { thinkingLevel } : {}), ...(includeThoughts ? { includeThoughts } : {}) };
}
