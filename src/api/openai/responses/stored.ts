// GET and DELETE /v1/responses/{id} and its input items, while the response is stored, for its key alone.

import { AppError } from "../../../errors.ts";
import { ownMediaId } from "../../../gateway/generation/inputs/inputs.ts";
import type { UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { StoredResponses } from "../../../gateway/generation/stored-responses.ts";
import { wholeNumber } from "../../body/invalid.ts";
import { renderImage } from "../../image-output.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import { mediaUrl } from "../../links.ts";
import type { Api, Call } from "../call.ts";
import { outputText } from "./encode.ts";
import { findStoredAnswer, type StoredAnswer } from "./history.ts";

type Own = Pick<Api, "media" | "log"> & { responses: StoredResponses };

/** The response as it was sent; an expired image is null. */
export async function getResponse(api: Own, call: Call, id: string): Promise<Response> {
  const { response, pictures, output: format } = await answerOf(api, call, id);
  const output = await Promise.all(
    response.output.map(async (item) => {
      const mediaId = pictures[item.id];
      const media = mediaId === undefined ? null : await api.media.get(mediaId);
      return media ? { ...item, result: (await renderImage(api.media, api.log, media, format)).blob } : item;
    }),
  );
  return jsonWithBytes({ ...response, output });
}

/** Deletes the response; its images stay. */
export async function deleteResponse(api: Own, { key }: Call, id: string): Promise<Response> {
  if (!(await api.responses.remove(id, key.id))) throw noResponse(id);
  return Response.json({ id, object: "response", deleted: true });
}

const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;

/** The conversation that was answered, with the responses before it; newest first unless `order=asc`, pages by `after` and `limit`. */
export async function listInputItems(api: Own, call: Call, id: string): Promise<Response> {
  const { turns } = await answerOf(api, call, id);
  const query = new URL(call.request.url).searchParams;
  const limit = limitOf(query.get("limit"));
  const items = (await Promise.all(turns.map((turn, index) => itemsOf(api, call, turn, `${id.slice("resp_".length)}_in${index}`)))).flat();
  if (query.get("order") !== "asc") items.reverse();
  const after = query.get("after");
  const rest = after === null ? items : items.slice(items.findIndex((item) => item.id === after) + 1 || items.length);
  const data = rest.slice(0, limit);
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: rest.length > limit };
  return jsonWithBytes({ object: "list", data, ...ends });
}

/** Results, and of inputs the key's own alone: a client may have named a foreign one that was never read. */
async function itemsOf(api: Own, { calledOrigin: origin, key }: Call, { role, parts }: UnresolvedTurn, mark: string) {
  const texts = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const ids = parts.flatMap((part) => (part.type === "text" ? [] : [ownMediaId(part.url)!]));
  const found = (await Promise.all(ids.map((id) => api.media.open(id))))
    .filter((one) => one !== null)
    .filter(({ media }) => media.origin === "result" || media.keyId === key.id);
  const message = { id: `msg_${mark}`, type: "message", role: role === "user" ? "user" : "assistant", status: "completed" };
  if (role === "user") {
    const images = found.map(({ media }) => ({ type: "input_image", detail: "auto", file_id: null, image_url: mediaUrl(origin, media) }));
    return [{ ...message, content: [...texts.map((text) => ({ type: "input_text", text })), ...images] }];
  }
  const call = { type: "image_generation_call", status: "completed" };
  return [
    ...(texts.length > 0 ? [{ ...message, content: texts.map(outputText) }] : []),
    ...found.map(({ blob }, index) => ({ id: `ig_${mark}_${index}`, ...call, result: blob })),
  ];
}

const limitOf = (text: string | null): number => (text === null ? DEFAULT_PAGE : wholeNumber(text, "limit", { min: 1, max: MAX_PAGE }));

/** @throws {AppError} `not_found`, also for another key's: existence is not revealed */
async function answerOf({ responses }: Own, { key }: Call, id: string): Promise<StoredAnswer> {
  const response = await findStoredAnswer(responses, id, key.id);
  if (!response) throw noResponse(id);
  return response;
}

const noResponse = (id: string) => new AppError("not_found", `Response with id '${id.slice(0, 80)}' not found.`, { param: "response_id" });
