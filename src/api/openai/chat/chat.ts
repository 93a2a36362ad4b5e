// POST /v1/chat/completions: images or a video from a conversation, streamed with progress or whole.

import type { GenerateEvent } from "../../../domain/generation.ts";
import { NO_USAGE } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import type { ImageForm } from "../../../domain/key.ts";
import { AppError } from "../../../errors.ts";
import type { Run } from "../../../gateway/generation/contract.ts";
import type { LocalReply } from "../../../gateway/side-calls/reply.ts";
import { takeSideCall } from "../../../gateway/side-calls/take-side-call.ts";
import { validator } from "../../body/body.ts";
import { sendEarly } from "../../early-bytes.ts";
import { generationHeaders, isJoined, leftOutHeaders, leftOutLines } from "../../generation-headers.ts";
import { type Base64Placeholders, createBase64Placeholders, framePieces, jsonWithBytes } from "../../json-bytes.ts";
import { mediaDataUrl, mediaUrl } from "../../links.ts";
import { COMMENT, frame, streamFrames } from "../../sse.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, answerId, type Call, modelOf, startImages } from "../call.ts";
import { type Done, errorBody, refusalOf } from "../errors.ts";
import { ChatBody } from "../schema.ts";
import { ChatProgress } from "./chat-progress.ts";
import { type DecodedChat, decodeChat } from "./decode.ts";
import {
  definitionsDelta,
  type Envelope,
  encodeChunk,
  encodeCompletion,
  encodeUsageChunk,
  FINISH_REASON,
  imageDelta,
  refusalText,
  type ShownImage,
} from "./encode.ts";
import { encodeLocal, localChunks } from "./local-reply.ts";
import { chatFacts, demandOf } from "./side-calls.ts";
import { answerChatVideo, startChatVideo } from "./video.ts";

const validate = validator(ChatBody);

type Show = (made: Extract<GenerateEvent, { type: "image" }>) => ShownImage | Promise<ShownImage>;

/** @throws {AppError} everything that is known before an upstream is called */
export async function chat(api: Api, call: Call): Promise<Response> {
  using body = await api.bodies.json(call.request, validate);
  const decoded = decodeChat(body.value);
  const kind = api.catalogue().parseModel(decoded.model)?.kind ?? "image";
  const facts = chatFacts(body.value, decoded, kind, call.request.headers);
  const side = takeSideCall(api, call.key, facts.call, demandOf(facts));
  if (side.reply) return answerLocally(api, decoded, side.reply);

  const choice = modelOf(api.catalogue(), decoded.model);
  if (choice.kind === "video") {
    const video = await startChatVideo(api, call, { body: body.value, decoded, choice });
    if (!isJoined(video.headers)) side.started();
    // Not awaited: the body is released while the client waits.
    return answerChatVideo(api, call, envelopeOf(api, video.job.family, video.job), video);
  }
  const form = formOf(api, call, decoded);
  const compared = { form: decoded.form };
  const order = { ...decoded, route: "POST /v1/chat/completions", returnsBytes: form !== "markdown_url", compared };
  const { run, leftOut, job, stop } = await startImages(api, call, order);
  if (!isJoined(run.headers)) side.started();
  // Of the end rather than the beginning: a retired model is known by then.
  const headersNow = () => ({ ...generationHeaders(run), ...leftOutHeaders(leftOut) });
  const notes = leftOutLines(leftOut);
  const envelope = envelopeOf(api, run.family, job);
  const embedded = createBase64Placeholders();
  const show = shower(api, call, { requested: form, stream: decoded.stream, embedded });
  if (!decoded.stream) {
    const whole = async () => {
      const response = await completion(api, run.events, { envelope, show, notes });
      response.model = run.family;
      return jsonWithBytes(response, { headers: headersNow(), onSent: run.delivered }, embedded);
    };
    return sendEarly({ api, startedAt: call.startedAt, headers: headersNow, errorBody }, whole);
  }
  return streamChat({ api, run, envelope, show, embedded, notes, includeUsage: decoded.includeUsage, headers: headersNow(), stop });
}

const envelopeOf = (api: Api, model: string, job: Job | null): Envelope => ({
  id: `chatcmpl-${answerId(job)}`,
  created: Math.floor((job?.createdAt ?? api.clock.now()) / 1000),
  model,
});

/** The header's form, else the request's own, else the key's, else the setting. */
function formOf(api: Api, { request, key }: Call, decoded: DecodedChat): ImageForm {
  const header = request.headers.get("x-image-output");
  if (header === "markdown_url" || header === "markdown_data" || header === "images") return header;
  return decoded.form ?? key.imageForm ?? api.settings.current().chat.image_form;
}

/** Upper bound for the JSON and SSE around a data URL, in bytes. */
const LINE_OVERHEAD = 512;

type Showing = { requested: ImageForm; stream: boolean; embedded: Base64Placeholders };

function shower(api: Api, { origin }: Call, { requested, stream, embedded }: Showing): Show {
  const longest = stream ? api.settings.current().chat.max_line_kb * 1024 : 0;
  return (made) => {
    const { media } = made;
    const isTooLong = longest > 0 && Math.ceil(media.bytes / 3) * 4 + LINE_OVERHEAD > longest;
    const link = mediaUrl(origin, media);
    if (isTooLong || requested === "markdown_url") return { form: "markdown", url: link, link };
    const form = requested === "images" ? "images" : "markdown";
    return mediaDataUrl(api.media, made, embedded).then((url) => ({ form, url, link }));
  };
}

/** @throws {AppError} `content_policy` when refusals are set to be errors */
function assertShown(api: Api, done: Done): void {
  if (done.finish.startsWith("policy") && api.settings.current().generation.refusal === "error") throw refusalOf(done);
}

async function completion(
  api: Api,
  events: AsyncIterable<GenerateEvent>,
  { envelope, show, notes }: Pick<ChatStream, "envelope" | "show" | "notes">,
) {
  const images: ShownImage[] = [];
  let text = "";
  const done = await readWhole(events, (event) => {
    if (event.type === "text") text += event.text;
    else if (event.type === "image") {
      const image = show(event);
      if (!(image instanceof Promise)) images.push(image);
      else return image.then((shown) => void images.push(shown));
    }
  });
  assertShown(api, done);
  const said = text || images.length > 0 ? text : refusalText(done);
  return encodeCompletion(envelope, { text: said, images, reasoning: notes, finish: done.finish, usage: done.usage });
}

type ChatStream = {
  api: Api;
  run: Run;
  envelope: Envelope;
  show: Show;
  embedded: Base64Placeholders;
  /** What was left out of the history, in words. */
  notes: string;
  includeUsage: boolean;
  headers: Record<string, string>;
  stop(): void;
};

/**
 * A streamed response. Heartbeats are progress in `reasoning_content` until content begins, then empty content: clients store reasoning
 * after content as a second thought.
 */
function streamChat(work: ChatStream): Response {
  const { api, run, envelope, headers, stop } = work;
  const progress = new ChatProgress({
    now: api.clock.now,
    usualMs: run.usualMs ?? null,
    showToken: api.settings.current().chat.show_token,
  });
  const state = { hasContent: false };
  const heartbeat = () => frame(encodeChunk(envelope, state.hasContent ? { content: "" } : { reasoning_content: progress.beat() }));
  return streamFrames(chatFrames(work, progress, state), { clock: api.clock, heartbeat, headers, onCancel: stop, onEnd: run.delivered });
}

/**
 * The chunks of one streamed response. Text is held until the first image: text of a token that then failed is dropped.
 * A failure becomes an error event in the same envelope, and ends the stream.
 */
async function* chatFrames(
  { api, run, envelope, show, embedded, notes, includeUsage }: ChatStream,
  progress: ChatProgress,
  state: { hasContent: boolean },
): AsyncGenerator<string> {
  const chunk = (...args: Parameters<typeof encodeChunk> extends [Envelope, ...infer Rest] ? Rest : never) =>
    frame(encodeChunk(envelope, ...args));
  yield chunk({ role: "assistant", content: "" });
  if (notes) yield chunk({ reasoning_content: notes });
  const shown: ShownImage[] = [];
  let held = "";
  let said = false;
  try {
    for await (const event of run.events) {
      const line = state.hasContent ? null : progress.lineOf(event);
      if (line !== null) yield chunk({ reasoning_content: line });
      if (event.type === "token" && shown.length === 0) held = "";
      else if (event.type === "text") {
        said ||= state.hasContent;
        if (state.hasContent) yield chunk({ content: event.text });
        else held += event.text;
      } else if (event.type === "image") {
        const image = await show(event);
        state.hasContent = true;
        if (held) yield chunk({ content: image.form === "markdown" ? `${held}\n\n` : held });
        said ||= held !== "";
        held = "";
        yield* framePieces(encodeChunk(envelope, imageDelta(image, shown.length)), embedded);
        shown.push(image);
      } else if (event.type === "done") {
        assertShown(api, event);
        const words = held || (state.hasContent ? "" : refusalText(event));
        state.hasContent = true;
        if (words) yield chunk({ content: words });
        if (shown.length > 0) yield chunk({ content: definitionsDelta(shown, said) });
        yield chunk({}, FINISH_REASON[event.finish]);
        if (includeUsage) yield frame(encodeUsageChunk(envelope, event.usage));
      }
    }
    yield frame("[DONE]");
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("Streamed response failed", { error });
    yield frame(errorBody(error));
  }
}

/** A local reply as a completion, without an upstream call. */
function answerLocally(api: Api, { model, stream, includeUsage }: DecodedChat, reply: LocalReply): Response {
  const envelope = envelopeOf(api, model, null);
  if (!stream) return Response.json(encodeLocal(envelope, reply));
  const frames = (async function* () {
    for (const chunk of localChunks(envelope, reply)) yield frame(chunk);
    if (includeUsage) yield frame(encodeUsageChunk(envelope, NO_USAGE));
    yield frame("[DONE]");
  })();
  return streamFrames(frames, { clock: api.clock, heartbeat: COMMENT, onCancel: () => {} });
}
