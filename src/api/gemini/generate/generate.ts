// generateContent and streamGenerateContent: images or a video from a conversation.

import { type GenerateEvent, type ImageOptions, NO_USAGE, type Turn } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { NO_OPTIONS, readImageOptions } from "../../../gateway/models/image-options.ts";
import type { ModelChoice } from "../../../gateway/models/parse-model.ts";
import { takeSideCall } from "../../../gateway/side-calls/take-side-call.ts";
import { sendEarly } from "../../early-bytes.ts";
import { streamSource } from "../../sse.ts";
import { type Api, admittedModel, type Call } from "../call.ts";
import { type DecodedOptions, decodeOptions } from "../options.ts";
import { readTurns } from "../references.ts";
import { generationOf, leftByJob, type Started, startRun, startVideo } from "../run.ts";
import { GenerateBody, tolerant } from "../schema.ts";
import { aspectOf, exactAspect } from "../video-options.ts";
import { type Begun, ContentFrames, ContentResponse } from "./content-response.ts";
import { type DecodedGenerate, decodeGenerate, HINT_NAMES } from "./decode.ts";
import { generateFacts, textAnswer } from "./side-calls.ts";
import { framingOf } from "./stream.ts";

const validate = tolerant(GenerateBody);

/** @throws {AppError} everything that is known before an upstream is called; refusals are responses */
export async function generateContent(api: Api, call: Call, model: string): Promise<Response> {
  return sendEarly(new ContentResponse(api, call, await begin(api, call, model, false)));
}

/** As server-sent events with `alt=sse`, else as a JSON array that is written while it grows. */
export async function streamGenerateContent(api: Api, call: Call, model: string): Promise<Response> {
  const framing = framingOf(call.request);
  const response = new ContentResponse(api, call, await begin(api, call, model, true));
  const headers = { ...response.headers(), ...framing.headers };
  return streamSource(new ContentFrames(response, framing), { clock: api.clock, headers });
}

/** A video model is understood here as well, as python-flow2api did: the response holds the video's address. */
async function begin(api: Api, call: Call, model: string, stream: boolean): Promise<Begun> {
  const choice = admittedModel(api, call, model);
  // The body's bytes count until its images are stored.
  using body = await api.bodies.json(call.request, validate);
  const decoded = decodeGenerate(body.value);
  const { leftOut } = decoded;
  const options = decodeOptions(body.value, choice.kind);
  const { output, ignored } = options;
  const facts = generateFacts(body.value, decoded, choice.requested, choice.kind);
  if (facts.textOnly && !facts.demand) return { ...saying(textAnswer(facts.call), choice), output, ignored, leftOut };
  const side = takeSideCall(api, call.key, facts.call, facts.demand);
  if (side.reply) return { ...saying(side.reply.text ?? "", choice), output, ignored, leftOut };
  if (choice.kind === "video") return beginVideo(api, call, { decoded, options, choice, stream, started: () => side.started() });
  exactAspect(decoded.hints.aspectRatio, HINT_NAMES.aspectRatio);
  const reading = readTurns(api, call, decoded.turns, leftOut);
  const { generation, stop } = generationOf(call, {
    route: routeOf(stream),
    stream,
    choice,
    options: imageOptionsOf(decoded, options),
    turns: reading instanceof Promise ? await reading : reading,
    shapeParams: SHAPE_PARAMS,
    n: 1,
    imagesParam: "contents",
  });
  const run = await startRun(api, call, generation);
  side.started();
  return { run, stop, output, ignored, leftOut };
}

const SHAPE_PARAMS = { aspect: HINT_NAMES.aspectRatio, size: HINT_NAMES.imageSize, thinking: HINT_NAMES.thinking };
const routeOf = (stream: boolean) => (stream ? "POST /v1beta/models:streamGenerateContent" : "POST /v1beta/models:generateContent");

function imageOptionsOf({ options, hints, names }: DecodedGenerate, decoded: DecodedOptions): ImageOptions {
  const shape = readImageOptions(hints, { ...HINT_NAMES, ...names });
  return shape === NO_OPTIONS && !decoded.options ? options : { ...options, ...decoded.options, ...shape };
}

type VideoOrder = { decoded: DecodedGenerate; options: DecodedOptions; choice: ModelChoice; stream: boolean; started(): void };

async function beginVideo(api: Api, call: Call, { decoded, options, choice, stream, started }: VideoOrder): Promise<Begun> {
  const { leftOut, hints } = decoded;
  const { seed, system } = decoded.options;
  const aspect = aspectOf(hints.aspectRatio, HINT_NAMES.aspectRatio);
  const turns = await readTurns(api, call, decoded.turns, leftOut);
  const video = await startVideo(api, call, { route: routeOf(stream), choice, options: { seed, aspect }, ...videoOf(turns, system) });
  started();
  const ignored = [...options.ignored, ...leftByJob(api, choice, options.options)];
  return { ...video, output: null, ignored, leftOut };
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
