// The simulated Interactions API: create, poll, cancel, delete; videos of Omni models, images of image models.

import { type Exchange, type Fields, type Incoming, jsonReply, Refusal, type Reply, type Route, textOf } from "../exchange.ts";
import { interactionError } from "../google-errors.ts";
import { type ClipAspect, clipBytes } from "../media/clips.ts";
import { pixelsOf, renderedImage } from "../media/images.ts";
import type { World } from "../world.ts";
import { gemini } from "./access.ts";
import { downloadUri, type GeminiFile, storeClip } from "./files.ts";
import { type InteractionRequest, invalidInteraction, readInteraction } from "./interaction-request.ts";
import { findModel, type GeminiModel, isRetired } from "./models.ts";

export type Interaction = {
  id: string;
  project: string;
  model: GeminiModel;
  request: InteractionRequest;
  created: number;
  /** Epoch ms of its end; Infinity: never. */
  doneAt: number;
  /** How it ends. */
  outcome: "completed" | "failed" | "incomplete";
  cancelledAt: number | null;
  /** What its output holds; none: it said something instead, or nothing. */
  file: GeminiFile | null;
  image: Fields | null;
  words: string;
  aspect: ClipAspect;
  /** Epoch ms until which it is complete and shows nothing; 0: it is shown at once. */
  silentUntil: number;
};

const PATH = /^\/gemini\/(?:v1|v1beta)\/interactions(?:\/([^/]+)(\/cancel)?)?$/;
const interactions = (world: World) => world.shelf<Interaction>("interactions");

export type InteractionCall = "interaction" | "interaction-get" | "interaction-cancel" | "interaction-delete";

/** The route of an Interactions request, or null. */
export function routeInteractions(incoming: Incoming): Route | null {
  const match = PATH.exec(incoming.path);
  if (!match) return null;
  const found = interactionCall(incoming, match[1] ?? "", match[2] !== undefined, knownModel);
  return found && gemini(incoming, `gemini.${found.call}`, found.run, found.model);
}

/** What a request asks of the interactions, wherever they lie; null: nothing known. */
export function interactionCall(
  incoming: Incoming,
  id: string,
  isCancel: boolean,
  findModel: (exchange: Exchange, id: string) => GeminiModel,
): { call: InteractionCall; run: Route["run"]; model?: string } | null {
  const { method } = incoming;
  if (id === "") {
    if (method !== "POST") return null;
    const model = textOf(incoming.json()?.model);
    return { call: "interaction", run: (exchange) => create(exchange, findModel(exchange, model)), model };
  }
  if (isCancel) return method === "POST" ? { call: "interaction-cancel", run: (exchange) => cancelInteraction(exchange, id) } : null;
  if (method === "GET") return { call: "interaction-get", run: (exchange) => poll(exchange, id) };
  if (method === "DELETE") return { call: "interaction-delete", run: (exchange) => remove(exchange, id) };
  return null;
}

async function create(exchange: Exchange, model: GeminiModel): Promise<Reply> {
  const { incoming, world } = exchange;
  const request = readInteraction(exchange, model);
  const source = request.previous === null ? null : own(exchange, request.previous);
  const nothing = saysNothing(exchange, request);
  exchange.accept(1, nothing === null);
  const interaction = await begin(exchange, { model, request, source, nothing });
  if (request.store) interactions(world).set(interaction.id, interaction);
  const waitMs = Math.max(0, interaction.doneAt - world.now());
  if (request.stream) return { ...eventStream(interaction, incoming.origin), pauseMs: waitMs };
  if (request.background) return jsonReply(view(interaction, incoming.origin, world.now()));
  return { ...jsonReply(view(interaction, incoming.origin, interaction.doneAt)), delayMs: waitMs };
}

function knownModel(exchange: Exchange, id: string): GeminiModel {
  if (id === "") throw invalidInteraction("model: a model is expected");
  const model = findModel(id, exchange.world);
  if (model && !exchange.world.plan.retiredModels(exchange.secret).includes(id)) return model;
  const gone = isRetired(id) || model;
  throw new Refusal(interactionError(404, "not_found", gone ? `The model ${id} is no longer available.` : `The model ${id} is not found.`));
}

/** Why nothing is made, or null when something is. Uploaded videos may not be edited from some places: keys that begin with `eea` are there. */
function saysNothing(
  { content, secret }: Exchange,
  request: InteractionRequest,
): { outcome: Interaction["outcome"]; words: string } | null {
  const fault = content?.fault;
  if (fault === "text") return { outcome: "completed", words: "I cannot make that video. Try to describe something else." };
  if (fault === "empty") return { outcome: "completed", words: "" };
  if (fault === "fail") return { outcome: "failed", words: "" };
  if (fault === "incomplete") return { outcome: "incomplete", words: "" };
  const changes = request.task === "edit" || request.task === "extend";
  return changes && secret.startsWith("eea") && request.videos.some((video) => !video.clip) ? { outcome: "completed", words: "" } : null;
}

type Beginning = {
  model: GeminiModel;
  request: InteractionRequest;
  source: Interaction | null;
  nothing: { outcome: Interaction["outcome"]; words: string } | null;
};

async function begin({ world, content, project }: Exchange, { model, request, source, nothing }: Beginning): Promise<Interaction> {
  const aspect = request.video.aspect ?? request.videos[0]?.clip?.aspect ?? source?.aspect ?? "16:9";
  const runMs = model.kind === "video" ? world.options.videoMs : world.options.latencyMs;
  const doneAt = content?.fault === "stuck" ? Number.POSITIVE_INFINITY : world.now() + runMs;
  const pick = Number(Bun.hash(request.prompt) % 997n) + (request.seed ?? 0);
  const clip = { project, aspect, pick: Math.abs(pick), doneAt, broken: content?.fault === "file-failed" };
  return {
    id: `v1_${world.id(40)}`,
    project,
    model,
    request,
    created: world.now(),
    doneAt,
    outcome: nothing?.outcome ?? "completed",
    cancelledAt: null,
    file: nothing === null && model.kind === "video" ? storeClip(world, clip) : null,
    image: nothing === null && model.image ? await drawing(world, model, request) : null,
    words: nothing?.words ?? (model.kind === "text" ? `Simulated answer to: ${request.prompt}` : ""),
    aspect,
    silentUntil: content?.fault === "no-output" ? doneAt + Number(content.argument || Number.POSITIVE_INFINITY) : 0,
  };
}

async function drawing(world: World, model: GeminiModel, request: InteractionRequest): Promise<Fields> {
  const [width, height] = pixelsOf(request.image.aspect, request.image.size)!;
  const seed = world.seed + (request.seed ?? world.variant(request.prompt));
  const inputs = request.images.map((input) => input.hash);
  const made = await renderedImage({ prompt: request.prompt, seed, width, height, type: model.image!.type, inputs });
  return { type: "image", mime_type: made.type, data: made.base64 };
}

/** @throws {Refusal} 400, not 404, for what is unknown or another project's */
function own({ project, world }: Exchange, id: string): Interaction {
  const interaction = interactions(world).get(id);
  if (!interaction || interaction.project !== project) throw invalidInteraction(`Invalid interaction name: ${id}`);
  return interaction;
}

function poll(exchange: Exchange, id: string): Reply {
  const interaction = own(exchange, id);
  const { incoming } = exchange;
  if (incoming.query.get("stream") === "true") {
    return { ...eventStream(interaction, incoming.origin), pauseMs: Math.max(0, interaction.doneAt - exchange.world.now()) };
  }
  const body = view(interaction, incoming.origin, exchange.world.now());
  if (exchange.content?.fault === "strange-status") body.status = "pondering";
  if (incoming.query.get("include_input") === "true") body.input = [{ type: "text", text: interaction.request.prompt }];
  return jsonReply(body);
}

function cancelInteraction(exchange: Exchange, id: string): Reply {
  const interaction = own(exchange, id);
  if (exchange.world.now() < interaction.doneAt) interaction.cancelledAt ??= exchange.world.now();
  return jsonReply(view(interaction, exchange.incoming.origin, exchange.world.now()));
}

function remove(exchange: Exchange, id: string): Reply {
  own(exchange, id);
  interactions(exchange.world).delete(id);
  return jsonReply({});
}

/** Of one that never ends. */
const LONGEST_MS = 86_400_000;

/** The interaction as it stands at a moment. */
function view(interaction: Interaction, origin: string, now: number): Fields {
  const done = now >= interaction.doneAt;
  const status = interaction.cancelledAt !== null ? "cancelled" : done ? interaction.outcome : "in_progress";
  const updated = Math.min(now, interaction.created + LONGEST_MS, interaction.cancelledAt ?? interaction.doneAt);
  return {
    id: interaction.id,
    object: "interaction",
    model: interaction.model.id,
    status,
    created: new Date(interaction.created).toISOString(),
    updated: new Date(updated).toISOString(),
    ...(status === "completed" ? outcomeOf(interaction, origin, now) : {}),
    ...(status === "failed" ? { errors: [{ code: "internal_error", message: "The generation failed." }] } : {}),
  };
}

function outcomeOf(interaction: Interaction, origin: string, now: number): Fields {
  const input = { type: "user_input", content: [{ type: "text", text: interaction.request.prompt }] };
  if (now < interaction.silentUntil) return { steps: [input] };
  return { steps: stepsOf(interaction, origin), usage: usageOf(interaction) };
}

function stepsOf(interaction: Interaction, origin: string): Fields[] {
  const content = outputOf(interaction, origin);
  const thought = {
    type: "thought",
    signature: Buffer.from(`thought of ${interaction.id}`).toString("base64"),
    summary: [{ type: "text", text: "Planning the shot." }],
  };
  return content.length === 0 ? [] : [thought, { type: "model_output", content }];
}

function outputOf(interaction: Interaction, origin: string): Fields[] {
  const { file, image, words, request } = interaction;
  const output: Fields[] = image ? [image] : [];
  if (file && request.video.delivery === "uri") output.push({ type: "video", mime_type: file.mime, uri: downloadUri(file, origin) });
  else if (file) {
    const bytes = clipBytes(file.clip!.aspect, file.clip!.pick, file.id);
    output.push({ type: "video", mime_type: file.mime, data: Buffer.from(bytes).toString("base64") });
  }
  if (words !== "") output.push({ type: "text", text: words });
  return output;
}

/** Output tokens of a second of video, by resolution: the published price of each over that of 720p. */
const TOKENS_PER_SECOND: Record<string, number> = { "360p": 1738, "720p": 5792, "1080p": 8688, "4k": 17_376 };

function usageOf({ request, file, image, words, model }: Interaction): Fields {
  const input = Math.ceil(request.prompt.length / 4) + request.images.length * 258;
  const output = file
    ? { modality: "video", tokens: Math.round(TOKENS_PER_SECOND[request.video.resolution]! * request.video.seconds) }
    : image
      ? { modality: "image", tokens: model.image!.tokens(request.image.size) }
      : { modality: "text", tokens: Math.ceil(words.length / 4) };
  return {
    total_input_tokens: input,
    total_output_tokens: output.tokens,
    total_thought_tokens: 0,
    total_tokens: input + output.tokens,
    input_tokens_by_modality: [{ modality: "text", tokens: input }],
    output_tokens_by_modality: [output],
  };
}

/** The same as server-sent events: the beginning at once, the rest when it is done. */
function eventStream(interaction: Interaction, origin: string): Reply {
  let sequence = 0;
  const event = (type: string, fields: Fields) =>
    `event: ${type}\ndata: ${JSON.stringify({ event_type: type, event_id: String(++sequence), ...fields })}\n\n`;
  const began = view(interaction, origin, interaction.created - 1);
  const ended = view(interaction, origin, interaction.doneAt);
  const steps = stepsOf(interaction, origin).flatMap((step, index) => [
    event("step.start", { index, step: { type: step.type } }),
    ...deltasOf(step).map((delta) => event("step.delta", { index, delta })),
    event("step.stop", { index }),
  ]);
  const first =
    event("interaction.created", { interaction: began }) +
    event("interaction.status_update", { interaction_id: interaction.id, status: "in_progress" });
  const last =
    ended.status === "completed"
      ? [...steps, event("interaction.completed", { interaction: ended })]
      : [event("error", { error: { code: "internal_error", message: "The generation failed." } })];
  return { status: 200, headers: { "content-type": "text/event-stream" }, body: [first, ...last, "event: done\ndata: [DONE]\n\n"] };
}

function deltasOf(step: Fields): Fields[] {
  if (step.type !== "thought") return (step.content as Fields[]).map((content) => ({ ...content }));
  return [
    { type: "thought_summary", content: (step.summary as Fields[])[0] },
    { type: "thought_signature", signature: step.signature },
  ];
}
