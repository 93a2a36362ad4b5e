// :predict, Imagen's method, served by current image models.
// Source: docs/wire/gemini.md.

import { type GenerateEvent, noImageText } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { AppError } from "../../../errors.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { readImageOptions } from "../../../gateway/models/image-options.ts";
import { mustBe, wholeNumber } from "../../body/invalid.ts";
import { sendEarly } from "../../early-bytes.ts";
import { generationHeaders } from "../../generation-headers.ts";
import { collectImageHints } from "../../image-config.ts";
import { type ImageFormatOptions, renderMade } from "../../image-output.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import type { MadeImage } from "../../links.ts";
import { withNegativePrompt } from "../../negative-prompt.ts";
import { foldSeed } from "../../seed.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, admittedModel, type Call } from "../call.ts";
import { errorBody } from "../errors.ts";
import { imagenSafety, outputOf, unmadeOutput, unread } from "../options.ts";
import { type Fields, fieldsOf, listOf, textOf } from "../proto-json.ts";
import { mediaReference, readTurns } from "../references.ts";
import { generationOf, startRun } from "../run.ts";
import { PredictBody, tolerant } from "../schema.ts";
import { exactAspect } from "../video-options.ts";
import type { Done } from "./encode.ts";

/** Fields of `parameters` that are read; every other one is reported as ignored. */
const READ = [
  ...["sampleCount", "aspectRatio", "sampleImageSize", "imageSize", "negativePrompt", "seed", "outputOptions", "outputMimeType"],
  ...["includeRaiReason", "safetySetting", "safetyFilterLevel"],
];
const MAX_SAMPLES = 8;
const HINT_NAMES = { aspectRatio: "parameters.aspectRatio", imageSize: "parameters.sampleImageSize" } as const;

/** A body of `:predict` or `:predictLongRunning`, either spelling. */
export const validatePredict = tolerant(PredictBody);

/**
 * The one instance of a body, and its prompt with what is not wanted.
 * @throws {AppError} `invalid_request`
 */
export function readInstance({ instances, parameters }: PredictBody): { instance: Fields; parameters: Fields; prompt: string } {
  const list = listOf(instances);
  const [first] = list;
  if (list.length !== 1 || !isRecord(first)) throw mustBe("instances", "a list of exactly one object", instances);
  const prompt = textOf(first.prompt);
  if (!prompt) throw mustBe("instances[0].prompt", "a text", first.prompt);
  const fields = fieldsOf(parameters);
  return { instance: first, parameters: fields, prompt: withNegativePrompt(prompt, textOf(fields.negativePrompt)) };
}

/** @throws {AppError} also when every image was refused: clients of this method read the first prediction unasked */
export async function predict(api: Api, call: Call, model: string): Promise<Response> {
  const { run, output, includeReasons, ignored } = await start(api, call, model);
  const headers = () => generationHeaders(run, ignored);
  const whole = async () => {
    const { made, refusals } = await collect(run.events);
    const predictions = await Promise.all(made.map((one) => encodePrediction(api, one, output)));
    const filtered = includeReasons ? refusals.map((reason) => ({ raiFilteredReason: reason })) : [];
    return jsonWithBytes({ predictions: [...predictions, ...filtered] }, headers(), run);
  };
  return sendEarly({ api, startedAt: call.startedAt, headers, errorBody, whole });
}

async function start(api: Api, call: Call, model: string) {
  const choice = admittedModel(api, call, model, "image");
  // The body's bytes count until its images are stored.
  using body = await api.bodies.json(call.request, validatePredict);
  const { instance, parameters, prompt } = readInstance(body.value);
  const { hints, names } = collectImageHints(body.value, { parameters });
  const hintNames = { ...HINT_NAMES, ...names };
  const aspectRatio = exactAspect(hints.aspectRatio, hintNames.aspectRatio);
  const setting = parameters.safetySetting ?? parameters.safetyFilterLevel;
  const safety = textOf(setting) ? imagenSafety(setting) : undefined;
  const parts = [{ type: "text" as const, text: prompt }, ...imagesOf(instance)];
  const { generation } = generationOf(call, {
    route: "POST /v1beta/models:predict",
    choice,
    stream: false,
    options: {
      ...readImageOptions({ ...hints, aspectRatio }, hintNames),
      seed: foldSeed(parameters.seed, "parameters.seed"),
      imageOnly: true,
      safety: safety ?? undefined,
    },
    turns: await readTurns(api, call, [{ role: "user", parts }]),
    imagesParam: "instances",
    n: countOf(parameters),
    shapeParams: { aspect: HINT_NAMES.aspectRatio, size: HINT_NAMES.imageSize },
  });
  const run = await startRun(api, call, generation);
  const ignored = [
    ...unread(parameters, READ, "parameters."),
    ...(safety === null ? ["parameters.safetySetting"] : []),
    ...unmadeOutput(parameters, fieldsOf(parameters.outputOptions), "parameters."),
  ];
  return { run, output: imageOutput(parameters), includeReasons: parameters.includeRaiReason === true, ignored };
}

/** Images to start from: `image`, and the `referenceImages` of Imagen's editing. */
function imagesOf({ image, referenceImages }: Fields): InputReference[] {
  const first = isRecord(image) ? [mediaReference(image, "instances[0].image")] : [];
  const others = listOf(referenceImages).map((one, index) => {
    const fields = fieldsOf(one);
    return mediaReference(fieldsOf(fields.referenceImage ?? fields.image), `instances[0].referenceImages[${index}]`);
  });
  return [...first, ...others];
}

const countOf = ({ sampleCount }: Fields): number =>
  sampleCount === undefined ? 1 : wholeNumber(sampleCount, "parameters.sampleCount", { min: 1, max: MAX_SAMPLES });

const imageOutput = (parameters: Fields): ImageFormatOptions =>
  outputOf(parameters, fieldsOf(parameters.outputOptions)) ?? { format: null, compression: null };

async function collect(events: AsyncIterable<GenerateEvent>): Promise<{ made: MadeImage[]; refusals: string[] }> {
  const made: MadeImage[] = [];
  let text = "";
  const done = await readWhole(events, {
    hear(event) {
      if (event.type === "text") text += event.text;
      else if (event.type === "image") made.push({ media: event.media, base64: event.base64 });
    },
  });
  if (made.length === 0) throw withoutImage(done, text);
  return { made, refusals: (done.refusals ?? []).map((refusal) => refusal.message ?? `Filtered: ${refusal.upstreamReason}.`) };
}

function withoutImage({ finish, upstreamReason, message }: Done, text: string): AppError {
  const said = message || text.trim();
  if (finish === "policy_input" || finish === "policy_output") {
    const detail = { scope: "request" as const, reason: finish };
    return new AppError("content_policy", `All images were filtered (${upstreamReason}).${said ? ` ${said}` : ""}`, { detail });
  }
  return new AppError("no_result", said || noImageText(upstreamReason), {
    detail: { scope: "request", reason: "text_only" },
  });
}

async function encodePrediction(api: Api, made: MadeImage, output: ImageFormatOptions) {
  const { blob, format } = await renderMade(api.media, api.log, made, output);
  return { mimeType: `image/${format}`, bytesBase64Encoded: blob };
}
