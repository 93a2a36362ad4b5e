// POST /v1/chat/completions: images or a video from a conversation, streamed with progress or whole.

import { NO_USAGE } from "../../../domain/generation.ts";
import type { ImageForm } from "../../../domain/key.ts";
import { AppError } from "../../../errors.ts";
import type { LocalReply } from "../../../gateway/side-calls/reply.ts";
import { takeSideCall } from "../../../gateway/side-calls/take-side-call.ts";
import { validator } from "../../body/body.ts";
import { sendEarly, sendsEarly } from "../../early-bytes.ts";
import { isJoined } from "../../generation-headers.ts";
import { framePieces } from "../../json-bytes.ts";
import { COMMENT, frame, streamFrames } from "../../sse.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, type Call, modelOf, startImages } from "../call.ts";
import { errorBody } from "../errors.ts";
import { ChatBody } from "../schema.ts";
import { ChatProgress } from "./chat-progress.ts";
import { assertShown, ChatResponse, envelopeOf } from "./chat-response.ts";
import { type DecodedChat, decodeChat } from "./decode.ts";
import {
  type Delta,
  definitionsDelta,
  type Envelope,
  encodeChunk,
  encodeUsageChunk,
  FINISH_REASON,
  imageDelta,
  refusalText,
  type ShownImage,
} from "./encode.ts";
import { encodeLocal, localChunks } from "./local-reply.ts";
import { chatCall } from "./side-calls.ts";
import { chatDemand } from "./side-demands.ts";
import { answerChatVideo, startChatVideo } from "./video.ts";

const validate = validator(ChatBody);

/** @throws {AppError} everything that is known before an upstream is called */
export async function chat(api: Api, call: Call): Promise<Response> {
  let response: ChatResponse;
  {
    // Released while the client waits.
    using body = await api.bodies.json(call.request, validate);
    const decoded = decodeChat(body.value);
    const kind = api.catalogue().parseModel(decoded.model)?.kind ?? "image";
    const said = chatCall(body.value, decoded, kind, call.request.headers);
    const side = takeSideCall(api, call.key, said, chatDemand(body.value));
    if (side.reply) return answerLocally(api, decoded, side.reply);

    const choice = modelOf(api.catalogue(), decoded.model);
    if (choice.kind === "video") {
      const video = await startChatVideo(api, call, { body: body.value, decoded, choice });
      if (!isJoined(video.headers)) side.started();
      // Not awaited: the body is released before.
      return answerChatVideo(api, call, envelopeOf(api, video.job.family, video.job), video);
    }
    const form = formOf(api, call, decoded);
    decoded.returnsBytes = form !== "markdown_url";
    const started = await startImages(api, call, decoded);
    if (!isJoined(started.run.headers)) side.started();
    response = new ChatResponse(api, call, started, form);
    if (decoded.stream) return streamChat({ response, decoded, stop: started.stop });
  }
  return sendsEarly(api) ? sendEarly(response) : response.end(await readWhole(response.run.events, response));
}

type ChatAnswer = { response: ChatResponse; decoded: DecodedChat; stop(): void };

/** The header's form, else the request's own, else the key's, else the setting. */
function formOf(api: Api, { request, key }: Call, decoded: DecodedChat): ImageForm {
  const header = request.headers.get("x-image-output");
  if (header === "markdown_url" || header === "markdown_data" || header === "images") return header;
  return decoded.form ?? key.imageForm ?? api.settings.current().chat.image_form;
}

/**
 * A streamed response. Heartbeats are progress in `reasoning_content` until content begins, then empty content: clients store reasoning
 * after content as a second thought.
 */
function streamChat({ response, decoded, stop }: ChatAnswer): Response {
  const { api, run, envelope } = response;
  const progress = new ChatProgress({
    now: api.clock.now,
    usualMs: run.usualMs ?? null,
    showToken: api.settings.current().chat.show_token,
  });
  const state = { hasContent: false };
  const heartbeat = () => frame(encodeChunk(envelope, state.hasContent ? { content: "" } : { reasoning_content: progress.beat() }));
  const frames = chatFrames(response, decoded.includeUsage, progress, state);
  return streamFrames(frames, { clock: api.clock, heartbeat, headers: response.headers(), onCancel: stop, onEnd: () => run.delivered?.() });
}

/**
 * The chunks of one streamed response. Text is held until the first image: text of a token that then failed is dropped.
 * A failure becomes an error event in the same envelope, and ends the stream.
 */
async function* chatFrames(
  response: ChatResponse,
  includeUsage: boolean,
  progress: ChatProgress,
  state: { hasContent: boolean },
): AsyncGenerator<string> {
  const { api, run, envelope, embedded, notes } = response;
  const longest = api.settings.current().chat.max_line_kb * 1024;
  yield chunkFrame(envelope, { role: "assistant", content: "" });
  if (notes) yield chunkFrame(envelope, { reasoning_content: notes });
  const shown: ShownImage[] = [];
  let held = "";
  let said = false;
  try {
    for await (const event of run.events) {
      const line = state.hasContent ? null : progress.lineOf(event);
      if (line !== null) yield chunkFrame(envelope, { reasoning_content: line });
      if (event.type === "token" && shown.length === 0) held = "";
      else if (event.type === "text") {
        said ||= state.hasContent;
        if (state.hasContent) yield chunkFrame(envelope, { content: event.text });
        else held += event.text;
      } else if (event.type === "image") {
        const showing = response.show(event, longest);
        const image = showing instanceof Promise ? await showing : showing;
        state.hasContent = true;
        if (held) yield chunkFrame(envelope, { content: image.form === "markdown" ? `${held}\n\n` : held });
        said ||= held !== "";
        held = "";
        const delta = imageDelta(image, shown.length);
        if (embedded.isEmpty) yield chunkFrame(envelope, delta);
        else yield* framePieces(encodeChunk(envelope, delta), embedded);
        shown.push(image);
      } else if (event.type === "done") {
        assertShown(api, event);
        const words = held || (state.hasContent ? "" : refusalText(event));
        state.hasContent = true;
        if (words) yield chunkFrame(envelope, { content: words });
        if (shown.length > 0) yield chunkFrame(envelope, { content: definitionsDelta(shown, said) });
        yield chunkFrame(envelope, {}, FINISH_REASON[event.finish]);
        if (includeUsage) yield frame(encodeUsageChunk(envelope, event.usage));
      }
    }
    yield frame("[DONE]");
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("Streamed response failed", { error });
    yield frame(errorBody(error));
  }
}

const chunkFrame = (envelope: Envelope, delta: Delta, finishReason: string | null = null): string =>
  frame(encodeChunk(envelope, delta, finishReason));

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
