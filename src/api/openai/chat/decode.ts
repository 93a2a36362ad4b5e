// Chat body decoder: a neutral conversation and its image options. Pure: URLs are not fetched.

import type { ImageOptions } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import type { ImageForm } from "../../../domain/key.ts";
import { AppError } from "../../../errors.ts";
import { endWithUser, joinTurns, type UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import { countOr, mustBe } from "../../body/invalid.ts";
import { type CollectedHints, collectImageHints, collectSeed } from "../../image-config.ts";
import { lastTurnStart, saysSomething } from "../../last-turn.ts";
import { type ChatBody, IMAGE_COUNT } from "../schema.ts";
import { decodeMessage, type Message, plainTurn } from "./message.ts";

export type DecodedChat = {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  n: number;
  /** The last turn is the user's; empty without text or image of the user. */
  turns: UnresolvedTurn[];
  hints: ImageHints;
  /** Names of the hints in the body. */
  names?: CollectedHints["names"];
  /** The form of images that the request asks for; null: the key's or the setting's. */
  form: ImageForm | null;
  /** All but shape and size. */
  options: ImageOptions;
  route: string;
  returnsBytes?: boolean;
  /** Tells requests apart that differ in nothing else. */
  compared: { form: ImageForm | null };
};

/** @throws {AppError} `invalid_request` naming the message or part of the last turn that cannot be understood */
export function decodeChat(body: ChatBody): DecodedChat {
  const { messages } = body;
  const exactFrom = messages.length === 1 ? 0 : firstExact(messages);
  const decoded: UnresolvedTurn[] = [];
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index]!;
    const plain = plainTurn(message);
    const turn = plain === undefined ? decodeMessage(message, { name: `messages[${index}]`, exact: index >= exactFrom }) : plain;
    if (turn) decoded.push(turn);
  }
  const turns = endWithUser(decoded.length === 1 ? decoded : joinTurns(decoded));
  if (turns.length === 0 && messages.at(-1)?.role === "user") throw nothingSaid("messages");
  if (body.image) lastUserTurn(turns)?.parts.push({ type: "reference", url: body.image, param: "image", trusted: true });
  const modalities = lowerCased(body.modalities);
  const form = modalities.includes("image") || body.image_config ? "images" : null;
  return {
    route: "POST /v1/chat/completions",
    compared: COMPARED[form ?? "none"],
    model: body.model,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    n: countOr(1, body.n, "n", IMAGE_COUNT),
    turns,
    ...collectImageHints(body),
    form,
    options: {
      system: instructionsOf(messages, "messages"),
      imageOnly: modalities.length > 0 && !modalities.includes("text"),
      seed: collectSeed(body),
    },
  };
}

const NO_WORDS: readonly string[] = [];
const COMPARED = { images: { form: "images" }, none: { form: null } } as const;

const lowerCased = (words: readonly string[] | null | undefined) => words?.map((word) => word.toLowerCase()) ?? NO_WORDS;

/** Index of the first message of the user's last turn. */
function firstExact(messages: ChatBody["messages"]): number {
  const roles = messages.map(({ role }) => (role === "assistant" ? "model" : role));
  return lastTurnStart(roles, (index) => saysSomething(messages[index]!.content));
}

const isInstruction = (message: Message) => message.role === "system" || message.role === "developer";

/** Text of system and developer messages among the items of a list, or undefined. `name`: of the list in the body. */
export function instructionsOf(items: readonly (Message | null)[], name: string): string | undefined {
  let said = "";
  for (let index = 0; index < items.length; index++) {
    const message = items[index]!;
    const text = message !== null && isInstruction(message) ? textOf(message, `${name}[${index}].content`) : "";
    if (text !== "") said += said === "" ? text : `\n\n${text}`;
  }
  return said === "" ? undefined : said;
}

export const lastUserTurn = (turns: UnresolvedTurn[]) => turns.findLast((turn) => turn.role === "user");

/** Error for a last message without text and image. */
export const nothingSaid = (param: string) =>
  new AppError("invalid_request", `${param}: the last message must have text or an image.`, { param, reason: "invalid_value" });

/** @throws {AppError} `invalid_request` for a part whose text is none */
function textOf(message: Message, where: string): string {
  const content = message.content ?? "";
  if (typeof content === "string") return content.trim();
  const texts = content.flatMap((part, at) => {
    const text = isRecord(part) ? part.text : part;
    if (typeof text === "string") return [text];
    if (text === undefined || text === null) return [];
    throw mustBe(isRecord(part) ? `${where}[${at}].text` : `${where}[${at}]`, "a text", text);
  });
  return texts.join("\n").trim();
}
