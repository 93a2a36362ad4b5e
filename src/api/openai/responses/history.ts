// Stored responses as history: a client continues from a response or from one of its items.

import type { Json, Turn } from "../../../domain/generation.ts";
import { ownMediaId } from "../../../gateway/generation/inputs/inputs.ts";
import type { UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { StoredResponses } from "../../../gateway/generation/stored-responses.ts";
import type { ImageFormatOptions } from "../../image-output.ts";
import type { ResponsesBody } from "../schema.ts";
import type { Recall } from "./decode.ts";
import { type EncodedResponse, responseIdOf } from "./encode.ts";

type Part = UnresolvedTurn["parts"][number];

/** A response with the conversation before it, as stored. */
export type StoredAnswer = {
  turns: UnresolvedTurn[];
  /** As it was sent, without the bytes of its images. */
  response: EncodedResponse;
  /** Media of its images, by the ids of their items, and how they were encoded. */
  pictures: Record<string, string>;
  output: ImageFormatOptions;
};

export const toRow = (keyId: number, createdAt: number, stored: StoredAnswer) => ({
  ...{ id: stored.response.id, keyId, createdAt },
  body: stored as unknown as Json,
});

export const findStoredAnswer = async (responses: Pick<StoredResponses, "find">, id: string, keyId: number): Promise<StoredAnswer | null> =>
  (await responses.find(id, keyId)) as StoredAnswer | null;

/** The response as it was sent, without the bytes of its images. */
export const withoutImages = (response: EncodedResponse): EncodedResponse => ({
  ...response,
  output: response.output.map((item) => ("output_format" in item ? { ...item, result: null } : item)),
});

/** Loads the earlier responses that a body names, for its decoder. */
export async function recallFor(responses: Pick<StoredResponses, "find">, keyId: number, body: ResponsesBody): Promise<Recall> {
  const items = typeof body.input === "string" ? [] : body.input;
  const named = items.map(({ id }) => (typeof id === "string" ? responseIdOf(id) : null));
  const ids = new Set([body.previous_response_id, ...named].filter((id) => typeof id === "string"));
  const found = await Promise.all([...ids].map(async (id) => [id, await findStoredAnswer(responses, id, keyId)] as const));
  const results = new Map(found.filter((one): one is [string, StoredAnswer] => one[1] !== null));
  return {
    response(id) {
      const result = results.get(id);
      return result ? [...result.turns, { role: "model", parts: partsOf(result) }] : null;
    },
    item(id) {
      const result = results.get(responseIdOf(id) ?? "");
      return result ? partOf(result, id) : null;
    },
  };
}

/** Text of a response, then its images. */
function partsOf(result: StoredAnswer): Part[] {
  const ids = result.response.output.map(({ id }) => id);
  const parts = ids.map((id) => partOf(result, id)).filter((part) => part !== null);
  return [...parts.filter(({ type }) => type === "text"), ...parts.filter(({ type }) => type !== "text")];
}

function partOf({ response, pictures }: StoredAnswer, id: string): Part | null {
  const item = response.output.find((one) => one.id === id);
  if (item?.type === "message") return textPart(item.content.map(({ text }) => text).join(""));
  const mediaId = pictures[id];
  return mediaId === undefined ? null : mediaPart(mediaId);
}

const textPart = (text: string): Part => ({ type: "text", text });
/** Skipped when the media item no longer exists. */
const mediaPart = (id: string): Part => ({
  type: "reference",
  url: `/media/${id}.png`,
  param: "input",
  trusted: false,
  lenient: { text: "" },
});

/** A turn as stored: images by their media items. */
export const storedTurn = ({ role, parts }: Turn): UnresolvedTurn => ({
  role,
  parts: parts.map((part) => (part.type === "text" ? textPart(part.text) : mediaPart(part.image.mediaId!))),
});

/** A turn whose images were not read: only references to our own media remain. */
export const unreadTurn = ({ role, parts }: UnresolvedTurn): UnresolvedTurn => ({
  role,
  parts: parts.flatMap((part) => {
    if (part.type === "text") return [textPart(part.text)];
    const own = ownMediaId(part.url);
    return own === null ? [] : [mediaPart(own)];
  }),
});
