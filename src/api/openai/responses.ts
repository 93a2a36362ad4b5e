// POST /v1/responses: a conversation whose image_generation tool is this gateway, as one answer or as events.

import type { DraftTurn } from "../../gateway/inputs.ts";
import { type GenerateEvent, type Media, NO_USAGE, type Turn } from "../../gateway/types.ts";
import { newId } from "../../ids.ts";
import { validator } from "../body.ts";
import { generationHeaders } from "../generation-headers.ts";
import { renderPicture } from "../image-output.ts";
import { jsonWithBytes } from "../json-bytes.ts";
import { COMMENT, streamFrames } from "../sse.ts";
import { auxiliaryAnswer } from "./auxiliary.ts";
import { type Api, type Call, startImages, wantsLocal } from "./call.ts";
import { withoutPicture } from "./outcome.ts";
import { decodeResponse } from "./responses-decode.ts";
import { encodeCall, encodeMessage, encodeResponse, type OutputItem } from "./responses-encode.ts";
import type { ResponseHistory } from "./responses-history.ts";
import { mayBeWords, type ResponseWork, responseFrames } from "./responses-stream.ts";
import { ResponsesBody } from "./schema.ts";

const validate = validator(ResponsesBody);

/** @throws {AppError} everything that is known before an upstream is called; without streaming also what the upstream says */
export async function responses(api: Api & { history: ResponseHistory }, call: Call): Promise<Response> {
  const { work, headers, stop } = await begin(api, call);
  if (!work.decoded.stream) return jsonWithBytes(await wholeResponse(api, work), { headers });
  return streamFrames(responseFrames(api, work), { clock: api.clock, heartbeat: COMMENT, headers, onCancel: stop });
}

/** Reads the body, whose bytes count until the pictures in it are stored, and starts. */
async function begin(api: Api & { history: ResponseHistory }, call: Call) {
  const { history } = api;
  const keyId = call.key.id;
  using body = await api.bodies.json(call.request, validate);
  const decoded = decodeResponse(body.value, {
    response: (id) => history.recall(keyId, id),
    item: (id) => history.recallItem(keyId, id),
  });
  const envelope = { id: `resp_${newId()}`, created: Math.floor(api.clock.now() / 1000), body: withoutInput(body.value) };
  const remember = (turns: DraftTurn[]): ResponseWork["remember"] => {
    if (body.value.store === false) return () => {};
    return (drawn, said) => {
      const items = new Map([...mapValues(said, textPart), ...mapValues(drawn, mediaPart)]);
      history.remember(keyId, envelope.id, [...turns, { role: "model", parts: [...items.values()] }], items);
    };
  };
  const words = !decoded.forced && wantsLocal(api, call) ? auxiliaryAnswer(decoded) : null;
  if (words !== null) {
    const work: ResponseWork = { envelope, decoded, events: said(words), local: true, remember: remember(decoded.turns) };
    return { work, headers: {}, stop: () => {} };
  }
  const order = { ...decoded, n: 1, includeThoughts: decoded.partials > 0, route: "POST /v1/responses", picturesParam: "input" };
  const { run, turns, stop } = await startImages(api, call, order);
  const work: ResponseWork = { envelope, decoded, events: run.events, local: false, remember: remember(turns.map(toDraft)) };
  return { work, headers: generationHeaders(run), stop };
}

/** The input is not told back, and may be large. */
const withoutInput = ({ input: _, ...rest }: ResponsesBody): ResponsesBody => ({ ...rest, input: "" });

const mapValues = <A, B>(map: ReadonlyMap<string, A>, change: (value: A) => B) =>
  new Map([...map].map(([key, value]) => [key, change(value)]));

type Part = DraftTurn["parts"][number];
const textPart = (text: string): Part => ({ type: "text", text });
/** Passed over when the medium is gone by then. */
const mediaPart = ({ id }: { id: string }): Part => ({ type: "reference", url: `/media/${id}.png`, param: "input", trusted: false });

/** A conversation as it is remembered: pictures by their media. */
const toDraft = ({ role, parts }: Turn): DraftTurn => ({
  role,
  parts: parts.map((part) => (part.type === "text" ? textPart(part.text) : mediaPart({ id: part.image.mediaId! }))),
});

async function* said(text: string): AsyncGenerator<GenerateEvent> {
  yield { type: "text", text };
  yield { type: "done", finish: "stop", upstreamReason: "", usage: NO_USAGE, provider: "" };
}

async function wholeResponse(api: Api, { envelope, decoded, events, remember }: ResponseWork) {
  const output: OutputItem[] = [];
  const drawn = new Map<string, Media>();
  const words = new Map<string, string>();
  let text = "";
  for await (const event of events) {
    if (event.type === "text") text += event.text;
    else if (event.type === "image") {
      const picture = await renderPicture(api.media, api.log, event.media, decoded.output);
      const id = `ig_${newId()}`;
      drawn.set(id, event.media);
      output.push(encodeCall(id, picture, picture.blob, decoded.quality));
    } else if (event.type === "done") {
      if (output.length === 0 && !mayBeWords(event, text, decoded)) throw withoutPicture(event, text);
      if (text.trim()) {
        const id = `msg_${newId()}`;
        words.set(id, text);
        output.push(encodeMessage(id, text));
      }
      remember(drawn, words);
      return encodeResponse(envelope, { status: "completed", usage: event.usage }, output);
    }
  }
  throw new Error("A generation ended without an end");
}
