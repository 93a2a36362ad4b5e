// Builds generateContent replies: images, thoughts, interim images, and every way of replying without an image.
import { type Fields, jsonReply, type Reply } from "../exchange.ts";
import type { FaultName } from "../fault-table.ts";
import { pixelsOf, type RenderedType, renderedImage } from "../media/images.ts";
import type { World } from "../world.ts";
import type { ContentRequest } from "./request.ts";
import { signPart } from "./strict.ts";

/** A reply before it takes its form: parts and how it ended. */
export type GenerateReply = {
  parts: Fields[];
  /** What stands in for `candidates[0]` besides its parts; null: there are no candidates. */
  ending: Fields | null;
  promptFeedback?: Fields;
  images: number;
  thoughtTokens: number;
};

const RATINGS = [
  "HARM_CATEGORY_SEXUALLY_EXPLICIT",
  "HARM_CATEGORY_HATE_SPEECH",
  "HARM_CATEGORY_HARASSMENT",
  "HARM_CATEGORY_DANGEROUS_CONTENT",
].map((category, index) => ({ category, probability: index === 0 ? "HIGH" : "NEGLIGIBLE", ...(index === 0 ? { blocked: true } : {}) }));

const FEEDBACK: Partial<Record<FaultName, Fields>> = {
  blocked: { blockReason: "PROHIBITED_CONTENT" },
  "blocked-safety": { blockReason: "SAFETY", safetyRatings: RATINGS },
  "blocked-blocklist": { blockReason: "BLOCKLIST" },
  "blocked-image": { blockReason: "IMAGE_SAFETY", blockReasonMessage: "The input image was blocked." },
  "blocked-other": { blockReason: "OTHER" },
  "blocked-strange": { blockReason: "AGE_GATE" },
};

const ENDINGS: Partial<Record<FaultName, Fields>> = {
  "image-safety": {
    finishReason: "IMAGE_SAFETY",
    finishMessage: "Unable to show the generated image. The image was filtered out because it violated Google's policies.",
  },
  "image-prohibited": { finishReason: "IMAGE_PROHIBITED_CONTENT", finishMessage: "The image was filtered out." },
  "image-recitation": { content: {}, finishReason: "IMAGE_RECITATION" },
  "image-other": { finishReason: "IMAGE_OTHER" },
  "no-image": { finishReason: "NO_IMAGE", finishMessage: "The model did not generate an image." },
  prohibited: { finishReason: "PROHIBITED_CONTENT" },
  safety: { finishReason: "SAFETY", safetyRatings: RATINGS },
  recitation: { finishReason: "RECITATION" },
  blocklist: { finishReason: "BLOCKLIST" },
  spii: { finishReason: "SPII" },
  "missing-signature": { finishReason: "MISSING_THOUGHT_SIGNATURE" },
  escalation: { finishReason: "ESCALATION" },
  "pup-limited": { finishReason: "PUP_LIMITED_DISABLED" },
  "model-armor": { finishReason: "MODEL_ARMOR" },
  "strange-reason": { finishReason: "IMAGE_WATERMARK_FAILED" },
  language: { finishReason: "LANGUAGE" },
  other: { finishReason: "OTHER" },
  "malformed-response": { finishReason: "MALFORMED_RESPONSE", finishMessage: "Malformed response." },
};

const STOP: Fields = { finishReason: "STOP" };

const GROUNDING: Fields = {
  webSearchQueries: ["fox in snow"],
  searchEntryPoint: { renderedContent: "<div>fox in snow</div>" },
  groundingChunks: [{ web: { uri: "https://example.com/fox", title: "example.com" } }],
};

/** Whether the upstream bills for a reply that this fault bends: it does unless nothing was made. */
export function isCharged(fault: FaultName | undefined): boolean {
  if (!fault) return true;
  return !(FEEDBACK[fault] || ENDINGS[fault] || fault === "empty" || fault === "max-tokens" || fault === "text");
}

/** Answers a checked request, bent by a content fault when there is one. */
export async function generateReply(request: ContentRequest, world: World, fault: FaultName | undefined): Promise<GenerateReply> {
  const nothing = { parts: [], images: 0, thoughtTokens: 0 };
  if (fault && FEEDBACK[fault]) return { ...nothing, ending: null, promptFeedback: FEEDBACK[fault] };
  if (fault && ENDINGS[fault]) return { ...nothing, ending: ENDINGS[fault] };
  if (fault === "empty") return { ...nothing, ending: null };
  if (fault === "max-tokens") return { ...nothing, parts: [{ text: "The image would show" }], ending: { finishReason: "MAX_TOKENS" } };
  if (fault === "text") {
    return { ...nothing, parts: [{ text: "I cannot draw that, but here is a description in words instead." }], ending: STOP };
  }
  if (!request.model.image || !request.wants.image)
    return { ...nothing, parts: [{ text: `Simulated answer to: ${request.prompt}` }], ending: STOP };
  return drawn(request, world, fault);
}

async function drawn(request: ContentRequest, world: World, fault: FaultName | undefined): Promise<GenerateReply> {
  const inline = await imageParts(request, world, fault);
  const parts: Fields[] = [];
  if (request.includeThoughts) parts.push({ text: "**Composing the scene**\n\nI place the light first, then the ridges.", thought: true });
  const interim = fault === "draft" || fault === "draft-late" || fault === "draft-only" || request.includeThoughts;
  if (interim) parts.push(fault === "draft-late" ? { ...inline.draft, thought: true } : { thought: true, ...inline.draft });
  if (request.wants.text && fault !== "draft-only") parts.push({ text: "Here is your image." });
  const finals = fault === "draft-only" ? [] : fault === "two-images" ? [inline.final, inline.draft] : [inline.final];
  for (const final of finals) parts.push({ ...final });
  if (finals.length > 0) parts.at(-1)!.thoughtSignature = signPart(request.prompt, world.seed, request.project);
  const thinks = request.model.image?.thinks === true;
  const grounding = request.searches ? { groundingMetadata: GROUNDING } : {};
  return {
    parts,
    ending: { ...STOP, ...grounding },
    images: finals.length,
    thoughtTokens: thinks ? 180 + (request.prompt.length % 60) : 0,
  };
}

/** What is no image, in the place of one. */
const NOT_IMAGES: Readonly<Record<string, Fields>> = {
  svg: { mimeType: "image/svg+xml", data: btoa('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>') },
  page: { mimeType: "image/png", data: btoa("<!doctype html><html><body>Sign in</body></html>") },
};

async function imageParts(request: ContentRequest, world: World, fault: FaultName | undefined): Promise<{ draft: Fields; final: Fields }> {
  const [width, height] = pixelsOf(request.aspect, request.size)!;
  const usual = request.model.image!.type;
  const type: RenderedType = fault === "png" ? "image/png" : fault === "jpeg" ? "image/jpeg" : usual;
  const seed = world.seed + (request.seed ?? world.variant(request.prompt));
  const inputs = request.inputs.map((input) => input.hash);
  const inline = async (ofSeed: number, [pixelsX, pixelsY]: [number, number]): Promise<Fields> => {
    if (fault && Object.hasOwn(NOT_IMAGES, fault)) return { inlineData: NOT_IMAGES[fault]! };
    const made = await renderedImage({ prompt: request.prompt, seed: ofSeed, width: pixelsX, height: pixelsY, type, inputs });
    return { inlineData: { mimeType: made.type, data: made.base64 } };
  };
  const needsDraft = request.includeThoughts || fault?.startsWith("draft") === true || fault === "two-images";
  return {
    final: await inline(seed, [width, height]),
    draft: needsDraft ? await inline(seed + 7919, pixelsOf(request.aspect, "1K")!) : {},
  };
}

function usageOf(request: ContentRequest, result: GenerateReply): Fields {
  const limits = request.model.image;
  const imageIn = request.inputs.length * (limits?.tokensPerInput ?? 258);
  const imageOut = result.images * (limits?.tokens(request.size) ?? 0);
  const textOut = result.parts.reduce(
    (sum, part) => sum + (typeof part.text === "string" && part.thought !== true ? Math.ceil(part.text.length / 4) : 0),
    0,
  );
  const prompt = request.textTokens + imageIn;
  const details = [
    { modality: "TEXT", tokenCount: request.textTokens },
    ...(imageIn > 0 ? [{ modality: "IMAGE", tokenCount: imageIn }] : []),
  ];
  return {
    promptTokenCount: prompt,
    ...(imageOut + textOut > 0 ? { candidatesTokenCount: imageOut + textOut } : {}),
    totalTokenCount: prompt + imageOut + textOut + result.thoughtTokens,
    promptTokensDetails: details,
    ...(imageOut > 0 ? { candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: imageOut }] } : {}),
    ...(result.thoughtTokens > 0 ? { thoughtsTokenCount: result.thoughtTokens } : {}),
    serviceTier: "standard",
  };
}

/** The reply in the form asked for: one object, an event stream, or a JSON array written piece by piece. */
export function contentReply(request: ContentRequest, result: GenerateReply, world: World, form: "object" | "sse" | "array"): Reply {
  const common = { usageMetadata: usageOf(request, result), modelVersion: request.model.id, responseId: world.id(22) };
  const feedback = result.promptFeedback ? { promptFeedback: result.promptFeedback } : {};
  const candidate = (parts: Fields[], ending: Fields): Fields => ({
    candidates: [{ ...(parts.length > 0 ? { content: { role: "model", parts } } : {}), ...ending, index: 0 }],
  });
  if (form === "object") {
    return jsonReply({ ...(result.ending ? candidate(result.parts, result.ending) : {}), ...feedback, ...common });
  }
  const last = result.ending ? candidate([{ text: "" }], result.ending) : {};
  const chunks: Fields[] = result.parts.map((part) => ({ ...candidate([part], {}), ...common }));
  chunks.push({ ...(result.parts.length > 0 ? last : result.ending ? candidate([], result.ending) : {}), ...feedback, ...common });
  if (form === "sse") {
    const headers = { "content-type": "text/event-stream" };
    return { status: 200, headers, body: chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`) };
  }
  const pieces = chunks.map((chunk, index) => (index === 0 ? "[" : ",\r\n") + JSON.stringify(chunk));
  return { status: 200, headers: { "content-type": "application/json; charset=UTF-8" }, body: [...pieces, "\r\n]"] };
}
