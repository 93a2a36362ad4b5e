// generateContent and streamGenerateContent: a conversation becomes pictures, in one answer or a part at a time.

import { AppError } from "../../errors.ts";
import { imageWish } from "../../gateway/image-parameters.ts";
import type { MediaStore } from "../../gateway/media.ts";
import type { GenerateEvent, Media, Turn } from "../../gateway/types.ts";
import { newId } from "../../ids.ts";
import { generationHeaders } from "../generation-headers.ts";
import { jsonWithBytes } from "../json-bytes.ts";
import { mediaUrl } from "../links.ts";
import { streamFrames } from "../sse.ts";
import { type Api, type Call, modelOf } from "./call.ts";
import { decodeCount, decodeGenerate, HINT_NAMES } from "./decode.ts";
import { type End, type Envelope, encodeResponse, endOf, endOfFailure, modalities, type WirePart } from "./encode.ts";
import { errorBody } from "./errors.ts";
import { readTurns } from "./references.ts";
import { type Started, startImages, startVideo } from "./run.ts";
import { CountBody, GenerateBody, tolerant } from "./schema.ts";
import { type Framing, framingOf } from "./stream.ts";
import { aspectOf } from "./video-options.ts";

const validate = tolerant(GenerateBody);
const validateCount = tolerant(CountBody);

/** @throws {AppError} everything that is known before an upstream is called; refusals are answers */
export async function generateContent(api: Api, call: Call, model: string): Promise<Response> {
  const { run } = await start(api, call, model, "generateContent");
  const envelope = { model: run.family, responseId: newId() };
  return jsonWithBytes(await wholeResponse(api, call, run.events, envelope), { headers: generationHeaders(run) });
}

/** As server-sent events with `alt=sse`, else as a JSON array that is written while it grows. */
export async function streamGenerateContent(api: Api, call: Call, model: string): Promise<Response> {
  const framing = framingOf(call.request);
  const { run, stop } = await start(api, call, model, "streamGenerateContent");
  const frames = responseFrames(api, call, run.events, { model: run.family, responseId: newId() }, framing);
  return streamFrames(frames, {
    clock: api.clock,
    heartbeat: framing.heartbeat,
    headers: { ...generationHeaders(run), ...framing.headers },
    onCancel: stop,
  });
}

/** A video model is understood here as well, as the Python original did: the answer holds the video's address. */
async function start(api: Api, call: Call, model: string, method: "generateContent" | "streamGenerateContent"): Promise<Started> {
  const choice = modelOf(model);
  const route = `POST /v1beta/models:${method}`;
  // The body's bytes count until its pictures are stored.
  using body = await api.bodies.json(call.request, validate);
  const { hints, system, imageOnly, includeThoughts, thinking, seed, ...decoded } = decodeGenerate(body.value);
  const turns = await readTurns(api, call, decoded.turns);
  if (choice.kind === "video")
    return startVideo(api, call, { route, choice, seed, aspect: aspectOf(hints.aspectRatio), ...videoOf(turns, system) });
  const wish = imageWish(hints, HINT_NAMES);
  const work = { route, choice, wish, turns, system, imageOnly, includeThoughts, thinking, seed, n: 1, picturesParam: "contents" };
  return startImages(api, call, { ...work, stream: method === "streamGenerateContent" });
}

/** Models of videos know no conversation: the last turn counts, instructions come before it. */
function videoOf(turns: Turn[], system: string | undefined) {
  const parts = turns.at(-1)?.parts ?? [];
  const said = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  return {
    prompt: [system, said].filter(Boolean).join("\n\n"),
    images: parts.flatMap((part) => (part.type === "image" ? [part.image] : [])),
  };
}

/** What of a generation is a part of its answer. Drafts and thoughts are told only when they were asked for. */
async function partOf({ media: store }: Api, { origin }: Call, event: GenerateEvent): Promise<WirePart | null> {
  if (event.type === "text" || event.type === "thought") {
    return { text: event.text, ...(event.type === "thought" ? { thought: true } : {}), ...mark(event) };
  }
  if (event.type !== "image" && event.type !== "draft") return null;
  if (event.media.kind === "video") return { fileData: { mimeType: event.media.mime, fileUri: mediaUrl(origin, event.media) } };
  const inlineData = { mimeType: event.media.mime, data: await bytesOf(store, event.media) };
  return { inlineData, ...(event.type === "draft" ? { thought: true } : {}), ...mark(event) };
}

const mark = ({ signature }: { signature?: string }) => (signature ? { thoughtSignature: signature } : {});

/** The bytes of a result, read when they are written. */
export async function bytesOf(store: Pick<MediaStore, "open">, { id }: Pick<Media, "id">): Promise<Blob> {
  const found = await store.open(id);
  if (!found) throw new Error("A stored result has no file");
  return found.blob;
}

async function wholeResponse(api: Api, call: Call, events: AsyncIterable<GenerateEvent>, envelope: Envelope) {
  let parts: WirePart[] = [];
  try {
    for await (const event of events) {
      // What an earlier token said before it failed is no part of the answer.
      if (event.type === "token") parts = [];
      const part = await partOf(api, call, event);
      if (part) parts.push(part);
      if (event.type === "done") return encodeResponse(envelope, parts, endOf(event));
    }
  } catch (error) {
    const end = endOfFailure(error);
    if (!end) throw error;
    return encodeResponse(envelope, parts, end);
  }
  throw new Error("A generation ended without an end");
}

/** One object for each part, then one with the end. A failure is an object with `error`, and ends it. */
async function* responseFrames(
  api: Api,
  call: Call,
  events: AsyncIterable<GenerateEvent>,
  envelope: Envelope,
  framing: Framing,
): AsyncGenerator<string> {
  yield framing.start();
  const last = (end: End) =>
    framing.frame(encodeResponse(envelope, "blockReason" in end || end.finishReason !== "STOP" ? [] : [{ text: "" }], end));
  try {
    for await (const event of events) {
      const part = await partOf(api, call, event);
      if (part) yield* framing.frame(encodeResponse(envelope, [part], null));
      if (event.type === "done") yield* last(endOf(event));
    }
  } catch (error) {
    const end = endOfFailure(error);
    if (!(error instanceof AppError)) api.log.error("A streamed answer failed", { error });
    yield* end ? last(end) : framing.frame(errorBody(error));
  }
  yield* framing.end();
}

/** Tokens of a picture: 560 where the model is Gemini 3 Pro Image, else 258 (pricing pages, read 2026-11-23). */
const PRO_IMAGE_TOKENS = 560;
const IMAGE_TOKENS = 258;
const CHARACTERS_PER_TOKEN = 4;

/** countTokens: an estimate that costs nothing; no upstream is asked and no picture is read. */
export async function countTokens(api: Api, call: Call, model: string): Promise<Response> {
  const choice = modelOf(model);
  using body = await api.bodies.json(call.request, validateCount);
  const { texts, images } = decodeCount(body.value);
  const text = texts.reduce((sum, one) => sum + Math.ceil(one.length / CHARACTERS_PER_TOKEN), 0);
  const each = choice.families[0] === "gemini-3-pro-image" ? PRO_IMAGE_TOKENS : IMAGE_TOKENS;
  return Response.json({ totalTokens: text + images * each, promptTokensDetails: modalities(text, images * each) });
}
