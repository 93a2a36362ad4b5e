// POST /v1/responses: the image_generation tool, as one response or as events.

import type { GenerateEvent, Json, Media } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { omit } from "../../../domain/omit.ts";
import type { StoredResponses } from "../../../gateway/generation/stored-responses.ts";
import { takeSideCall } from "../../../gateway/side-calls/take-side-call.ts";
import { validator } from "../../body/body.ts";
import { sendEarly } from "../../early-bytes.ts";
import { generationHeaders, leftOutHeaders } from "../../generation-headers.ts";
import { renderMade } from "../../image-output.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import { COMMENT, streamFrames } from "../../sse.ts";
import { readWhole } from "../../whole-response.ts";
import { type Api, answerId, type Call, prepareImages, startPrepared } from "../call.ts";
import { demandOf, responsesFacts } from "../chat/side-calls.ts";
import { errorBody, withoutImage } from "../errors.ts";
import { ResponsesBody } from "../schema.ts";
import { decodeResponse } from "./decode.ts";
import { callId, encodeCall, encodeMessage, encodeResponse, messageId, type OutputItem, type ResponseEnvelope } from "./encode.ts";
import { recallFor, type StoredAnswer, storedTurn, toRow, unreadTurn, withoutImages } from "./history.ts";
import { type LocalResponse, localFrames, localResponse } from "./local-reply.ts";
import { mayBeWords, type ResponseWork, responseFrames } from "./stream.ts";

const validate = validator(ResponsesBody);

type Own = Api & { responses: StoredResponses };

/** @throws {AppError} everything that is known before an upstream is called; without streaming also what the upstream says */
export async function responses(api: Own, call: Call): Promise<Response> {
  const begun = await begin(api, call);
  if (begun.local) return sendLocal(api, begun);
  const { work, headersNow, stop, delivered } = begun;
  if (!work.decoded.stream) {
    const whole = async () => jsonWithBytes(await wholeResponse(api, work), headersNow(), { delivered });
    return sendEarly({ api, startedAt: call.startedAt, headers: headersNow, errorBody, whole });
  }
  return streamFrames(responseFrames(api, work), {
    clock: api.clock,
    heartbeat: COMMENT,
    headers: headersNow(),
    onCancel: stop,
    onEnd: delivered,
  });
}

async function sendLocal(api: Api, { local, stream }: { local: LocalResponse; stream: boolean }): Promise<Response> {
  if (!stream) return Response.json(await localResponse(local));
  return streamFrames(localFrames(local), { clock: api.clock, heartbeat: COMMENT, onCancel: () => {} });
}

/** Reads the body, whose bytes count until the images in it are stored, and starts. */
async function begin(api: Own, call: Call) {
  using body = await api.bodies.json(call.request, validate);
  const decoded = decodeResponse(body.value, await recallFor(api.responses, call.key.id, body.value), api.catalogue());
  const received = withoutInput(body.value);
  const envelopeOf = (job?: Job): ResponseEnvelope => ({
    id: `resp_${answerId(job)}`,
    created: Math.floor((job?.createdAt ?? api.clock.now()) / 1000),
    body: received,
  });
  const isSilent = decoded.turns.length === 0;
  const facts = responsesFacts(body.value, decoded, api.catalogue().parseModel(decoded.model)?.kind ?? "image", call.request.headers);
  const side = decoded.forced && !isSilent ? null : takeSideCall(api, call.key, facts.call, demandOf(facts));
  if (side?.reply) {
    const keep = storing(api, call, received, { output: decoded.output, turns: decoded.turns.map(unreadTurn) });
    return { local: { envelope: envelopeOf(), reply: side.reply, keep }, stream: decoded.stream };
  }
  const route = "POST /v1/responses";
  const order = { ...decoded, n: 1, returnsBytes: true, route, imagesParam: "input", compared: comparedOf(received) };
  const prepared = await prepareImages(api, call, order);
  const run = await startPrepared(api, call, order, prepared);
  side?.started();
  const { leftOut, stop } = prepared;
  const keep = storing(api, call, received, { output: decoded.output, turns: prepared.generation.turns.map(storedTurn) });
  const work: ResponseWork = { envelope: envelopeOf(run.job), decoded, events: run.events, keep };
  // Of the end rather than the beginning: a retired model is known by then.
  const headersNow = () => ({ ...generationHeaders(run), ...leftOutHeaders(leftOut) });
  return { work, headersNow, stop, delivered: () => run.delivered?.() };
}

/** Without the input and masks, which are not returned and may be large. */
const withoutInput = ({ tools, ...rest }: ResponsesBody): ResponsesBody => ({
  ...rest,
  input: "",
  tools: tools?.map((tool) => omit(tool, ["input_image_mask"])),
});

/** Without the stream flags: a streamed request equals a whole one. */
const comparedOf = (body: ResponsesBody & { stream_options?: unknown }) => omit(body, ["stream", "stream_options"]) as Json;

/** Stores a response unless the client sets `store: false`. A failure is logged: the response is paid for and still sent. */
function storing(api: Own, { key }: Call, body: ResponsesBody, history: Pick<StoredAnswer, "output" | "turns">): ResponseWork["keep"] {
  return async (response, drawn) => {
    if (body.store === false) return;
    const pictures = Object.fromEntries([...drawn].map(([id, media]) => [id, media.id]));
    const row = toRow(key.id, api.clock.now(), { ...history, response: withoutImages(response), pictures });
    try {
      if (!(await api.responses.keep(row))) api.log.warn("Response not stored: too long", { responseId: response.id });
    } catch (error) {
      api.log.error("Response could not be stored", { responseId: response.id, error });
    }
  };
}

async function wholeResponse(api: Api, { envelope, decoded, events, keep }: ResponseWork) {
  const output: OutputItem[] = [];
  const drawn = new Map<string, Media>();
  let text = "";
  const addImage = async (event: Extract<GenerateEvent, { type: "image" }>) => {
    const image = await renderMade(api.media, api.log, event, decoded.output);
    const id = callId(envelope.id, drawn.size);
    drawn.set(id, event.media);
    output.push(encodeCall(id, image, image.blob, decoded.quality));
  };
  const done = await readWhole(events, {
    hear(event) {
      if (event.type === "text") text += event.text;
      else if (event.type === "image") return addImage(event);
    },
  });
  if (output.length === 0 && !mayBeWords(done, text, decoded)) throw withoutImage(done, text);
  if (text.trim()) output.push(encodeMessage(messageId(envelope.id), text));
  const response = encodeResponse(envelope, { status: "completed", usage: done.usage }, output);
  await keep(response, drawn);
  return response;
}
