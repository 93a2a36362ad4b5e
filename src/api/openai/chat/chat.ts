// POST /v1/chat/completions: images or a video from a conversation, streamed with progress or whole.

import { NO_USAGE } from "../../../domain/generation.ts";
import type { ImageForm } from "../../../domain/key.ts";
import { hearAll } from "../../../gateway/generation/event-log.ts";
import type { LocalReply } from "../../../gateway/side-calls/reply.ts";
import { takeSideCall } from "../../../gateway/side-calls/take-side-call.ts";
import { validator } from "../../body/body.ts";
import { sendEarly, sendsEarly } from "../../early-bytes.ts";
import { isJoined } from "../../generation-headers.ts";
import { COMMENT, frame, streamFrames, streamSource } from "../../sse.ts";
import { asDone } from "../../whole-response.ts";
import { type Api, type Call, modelOf, prepareImages, startPrepared } from "../call.ts";
import { ChatBody } from "../schema.ts";
import { ChatFrames } from "./chat-frames.ts";
import { ChatResponse, envelopeOf } from "./chat-response.ts";
import { type DecodedChat, decodeChat } from "./decode.ts";
import { encodeUsageChunk } from "./encode.ts";
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
    const preparing = prepareImages(api, call, decoded);
    const prepared = preparing instanceof Promise ? await preparing : preparing;
    const run = await startPrepared(api, call, decoded, prepared);
    if (!isJoined(run.headers)) side.started();
    response = new ChatResponse(api, call, run, form);
    response.leftOut = prepared.leftOut;
    if (decoded.stream) return streamChat(response, decoded.includeUsage, prepared.stop);
  }
  return sendsEarly(api) ? sendEarly(response) : response.end(asDone(await hearAll(response.run.events, response)));
}

const streamChat = (response: ChatResponse, includeUsage: boolean, stop: () => void): Response =>
  streamSource(new ChatFrames(response, includeUsage, stop), { clock: response.api.clock, headers: response.headers() });

/** The header's form, else the request's own, else the key's, else the setting. */
function formOf(api: Api, { request, key }: Call, decoded: DecodedChat): ImageForm {
  const header = request.headers.get("x-image-output");
  if (header === "markdown_url" || header === "markdown_data" || header === "images") return header;
  return decoded.form ?? key.imageForm ?? api.settings.current().chat.image_form;
}

/** A local reply as a completion, without an upstream call. */
function answerLocally(api: Api, { model, stream, includeUsage }: DecodedChat, reply: LocalReply): Response {
  const envelope = envelopeOf(api, model);
  if (!stream) return Response.json(encodeLocal(envelope, reply));
  const frames = (async function* () {
    for (const chunk of localChunks(envelope, reply)) yield frame(chunk);
    if (includeUsage) yield frame(encodeUsageChunk(envelope, NO_USAGE));
    yield frame("[DONE]");
  })();
  return streamFrames(frames, { clock: api.clock, heartbeat: COMMENT, onCancel: () => {} });
}
