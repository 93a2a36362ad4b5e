// generateContent, streamGenerateContent and countTokens: images or a video from a conversation.

import { type GenerateEvent, NO_USAGE, type Turn } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { Run } from "../../../gateway/generation/contract.ts";
import type { LeftOut } from "../../../gateway/generation/inputs/inputs.ts";
import { readImageOptions } from "../../../gateway/models/image-options.ts";
import type { ModelChoice } from "../../../gateway/models/parse-model.ts";
import { takeSideCall } from "../../../gateway/side-calls/take-side-call.ts";
import { newId } from "../../../ids.ts";
import { sendEarly } from "../../early-bytes.ts";
import { generationHeaders, leftOutHeaders } from "../../generation-headers.ts";
import { type ImageFormatOptions, renderMade } from "../../image-output.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import { mediaUrl } from "../../links.ts";
import { streamFrames } from "../../sse.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, admittedModel, type Call } from "../call.ts";
import { errorBody } from "../errors.ts";
import { decodeOptions } from "../options.ts";
import { readTurns } from "../references.ts";
import { leftByJob, type Started, startImages, startVideo } from "../run.ts";
import { GenerateBody, tolerant } from "../schema.ts";
import { aspectOf, exactAspect } from "../video-options.ts";
import { decodeGenerate, HINT_NAMES } from "./decode.ts";
import { type End, type Envelope, encodeResponse, endOf, endOfFailure, type WirePart } from "./encode.ts";
import { generateFacts, textAnswer } from "./side-calls.ts";
import { type Framing, framingOf } from "./stream.ts";

const validate = tolerant(GenerateBody);
type Method = "generateContent" | "streamGenerateContent";

/** What is answered: a generation, or words that cost nothing. */
type Begun = Started & { output: ImageFormatOptions | null; ignored: string[]; leftOut: LeftOut[] };

/** @throws {AppError} everything that is known before an upstream is called; refusals are responses */
export async function generateContent(api: Api, call: Call, model: string): Promise<Response> {
  const { run, output, ignored, leftOut } = await start(api, call, model, "generateContent");
  const envelope = { model: run.family, responseId: newId() };
  const headers = () => headersOf(run, ignored, leftOut);
  const whole = async () =>
    jsonWithBytes(await wholeResponse({ api, call, output }, run.events, envelope), {
      headers: headers(),
      onSent: () => run.delivered?.(),
    });
  return sendEarly({ api, startedAt: call.startedAt, headers, errorBody, whole });
}

/** As server-sent events with `alt=sse`, else as a JSON array that is written while it grows. */
export async function streamGenerateContent(api: Api, call: Call, model: string): Promise<Response> {
  const framing = framingOf(call.request);
  const { run, stop, output, ignored, leftOut } = await start(api, call, model, "streamGenerateContent");
  const frames = responseFrames({ api, call, output }, run.events, { model: run.family, responseId: newId() }, framing);
  return streamFrames(frames, {
    clock: api.clock,
    heartbeat: framing.heartbeat,
    headers: { ...headersOf(run, ignored, leftOut), ...framing.headers },
    onCancel: stop,
    onEnd: () => run.delivered?.(),
  });
}

const headersOf = (run: Run, ignored: string[], leftOut: LeftOut[]) => ({ ...generationHeaders(run, ignored), ...leftOutHeaders(leftOut) });

/** A video model is understood here as well, as python-flow2api did: the response holds the video's address. */
async function start(api: Api, call: Call, model: string, method: Method): Promise<Begun> {
  const choice = admittedModel(api, call, model);
  const route = `POST /v1beta/models:${method}`;
  // The body's bytes count until its images are stored.
  using body = await api.bodies.json(call.request, validate);
  const whole = decodeGenerate(body.value);
  const { hints, names, leftOut, ...decoded } = whole;
  const { options, output, ignored } = decodeOptions(body.value, choice.kind);
  const facts = generateFacts(body.value, whole, choice.requested, choice.kind);
  if (facts.textOnly && !facts.demand) return { ...saying(textAnswer(facts.call), choice), output, ignored, leftOut };
  const side = takeSideCall(api, call.key, facts.call, facts.demand);
  if (side.reply) return { ...saying(side.reply.text ?? "", choice), output, ignored, leftOut };
  if (choice.kind === "image") exactAspect(hints.aspectRatio, HINT_NAMES.aspectRatio);
  const aspect = choice.kind === "video" ? aspectOf(hints.aspectRatio, HINT_NAMES.aspectRatio) : undefined;
  const turns = await readTurns(api, call, decoded.turns, leftOut);
  if (choice.kind === "video") {
    const { seed, system } = decoded.options;
    const started = await startVideo(api, call, { route, choice, options: { seed, aspect }, ...videoOf(turns, system) });
    side.started();
    return { ...started, output: null, ignored: [...ignored, ...leftByJob(api, choice, options)], leftOut };
  }
  const shapeParams = { aspect: HINT_NAMES.aspectRatio, size: HINT_NAMES.imageSize, thinking: HINT_NAMES.thinking };
  const started = await startImages(api, call, {
    route,
    stream: method === "streamGenerateContent",
    choice,
    options: { ...decoded.options, ...options, ...readImageOptions(hints, { ...HINT_NAMES, ...names }) },
    turns,
    shapeParams,
    n: 1,
    imagesParam: "contents",
  });
  side.started();
  return { ...started, output, ignored, leftOut };
}

/** A generation that is over: it says one thing. */
function saying(text: string, { families }: ModelChoice): Started {
  async function* events(): AsyncGenerator<GenerateEvent> {
    yield { type: "text", text };
    yield { type: "done", finish: "stop", upstreamReason: "STOP", usage: NO_USAGE, provider: "" };
  }
  return { run: { family: families[0], successorOf: null, headers: {}, events: events() }, stop() {} };
}

/** Models of videos know no conversation: the last turn counts, instructions come before it. */
function videoOf(turns: Turn[], system: string | undefined) {
  const parts = turns.at(-1)?.parts ?? [];
  const said = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  const inputs = parts.flatMap((part) => (part.type === "image" ? [part.image] : []));
  const videos = inputs.filter(({ mime, uri }) => uri !== undefined || mime.startsWith("video/"));
  if (videos.length > 1 || videos.some(({ uri }) => uri !== undefined)) {
    throw new AppError("invalid_request", "contents: a video model takes one video, by its bytes or as a file.", { param: "contents" });
  }
  return {
    prompt: [system, said].filter(Boolean).join("\n\n"),
    images: inputs.filter((input) => !videos.includes(input)),
    source: videos[0] && { media: videos[0] },
  };
}

/** The response under way: where its results are read, and how they are encoded. */
type Writing = { api: Api; call: Call; output: ImageFormatOptions | null };

type PartEvent = Extract<GenerateEvent, { type: "text" | "thought" | "image" | "draft" }>;

const hasPart = (event: GenerateEvent): event is PartEvent =>
  event.type === "text" || event.type === "image" || event.type === "thought" || event.type === "draft";

/** What of a generation is a part of its response. Interim images and thoughts are returned only when they were asked for. */
async function partOf({ api, call: { calledOrigin }, output }: Writing, event: PartEvent): Promise<WirePart> {
  if (event.type === "text" || event.type === "thought") {
    return { text: event.text, ...(event.type === "thought" ? { thought: true } : {}), ...mark(event) };
  }
  if (event.media.kind === "video") return { fileData: { mimeType: event.media.mime, fileUri: mediaUrl(calledOrigin, event.media) } };
  const { format, blob: data } = await renderMade(api.media, api.log, event, output);
  const inlineData = { mimeType: output ? `image/${format}` : event.media.mime, data };
  return { inlineData, ...(event.type === "draft" ? { thought: true } : {}), ...mark(event) };
}

const mark = ({ signature }: { signature?: string }) => (signature ? { thoughtSignature: signature } : {});

async function wholeResponse(writing: Writing, events: AsyncIterable<GenerateEvent>, envelope: Envelope) {
  let parts: WirePart[] = [];
  try {
    const done = await readWhole(events, {
      hear(event) {
        // What an earlier token said before it failed is no part of the response.
        if (event.type === "token") parts = [];
        else if (hasPart(event)) return partOf(writing, event).then((part) => void parts.push(part));
      },
    });
    return encodeResponse(envelope, parts, endOf(done));
  } catch (error) {
    const end = endOfFailure(error);
    if (!end) throw error;
    return encodeResponse(envelope, parts, end);
  }
}

/** One object for each part, then one with the end. A failure is an object with `error`, and ends it. */
async function* responseFrames(
  writing: Writing,
  events: AsyncIterable<GenerateEvent>,
  envelope: Envelope,
  framing: Framing,
): AsyncGenerator<string> {
  yield framing.start();
  const last = (end: End) =>
    framing.frame(encodeResponse(envelope, "blockReason" in end || end.finishReason !== "STOP" ? [] : [{ text: "" }], end));
  try {
    for await (const event of events) {
      if (hasPart(event)) yield* framing.frame(encodeResponse(envelope, [await partOf(writing, event)], null));
      if (event.type === "done") yield* last(endOf(event));
    }
  } catch (error) {
    const end = endOfFailure(error);
    if (!(error instanceof AppError)) writing.api.log.error("Streamed response failed", { error });
    yield* end ? last(end) : framing.frame(errorBody(error));
  }
  yield* framing.end();
}
