// Side-call facts of a chat or responses body: texts, token limits, task markers. Pure.

import type { Kind } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import type { ChatCall } from "../../../gateway/side-calls/decide.ts";
import type { Demand } from "../../../gateway/side-calls/reply.ts";
import type { ChatBody, ResponsesBody } from "../schema.ts";
import { asDemand, type FunctionDemand, type JsonDemand, responsesDemands } from "./side-demands.ts";

export type SideFacts = { call: ChatCall; json: JsonDemand | null; tool: FunctionDemand | null };

/** JSON goes before a function, where a client demands both. */
export const demandOf = ({ json, tool }: SideFacts): Demand | null => json ?? asDemand(tool);

type Loose = Record<string, unknown>;
type Decoded = { model: string; hints: ImageHints; turns: readonly unknown[] };

const NO_TEXTS: readonly string[] = [];
const isText = (value: unknown): value is string => typeof value === "string";
const isInstruction = ({ role }: Loose) => role === "system" || role === "developer";

export function chatCall(body: ChatBody, decoded: Decoded & { form: unknown }, kind: Kind, headers: Headers): ChatCall {
  const loose = body as Loose;
  const call: ChatCall = {
    kind,
    system: "",
    text: "",
    earlier: NO_TEXTS,
    messages: 0,
    hasAttachment: false,
    maxTokens: numberIn(loose.max_completion_tokens) ?? numberIn(loose.max_tokens),
    marker: markerOf(loose, headers),
    hasImageOptions: decoded.form !== null || hasHints(decoded.hints) || Number(body.n ?? 1) > 1,
    model: body.model,
  };
  addMessages(call, body.messages as Loose[]);
  if (decoded.turns.length === 0) silence(call);
  return call;
}

export function responsesFacts(body: ResponsesBody, { model, hints, turns }: Decoded, kind: Kind, headers: Headers): SideFacts {
  const loose = body as Loose;
  const items = isText(body.input) ? [{ role: "user", content: body.input }] : body.input.filter((item) => isText(item.role));
  const call: ChatCall = {
    kind,
    system: body.instructions ?? "",
    text: "",
    earlier: NO_TEXTS,
    messages: 0,
    hasAttachment: false,
    maxTokens: numberIn(loose.max_output_tokens),
    marker: markerOf(loose, headers),
    hasImageOptions: hasHints(hints),
    model,
  };
  addMessages(call, items);
  // Earlier messages are not in the body; they count as two.
  if (body.previous_response_id) call.messages += 2;
  if (turns.length === 0) silence(call);
  return { call, ...responsesDemands(loose) };
}

/** For a conversation without a turn of the user. */
function silence(call: ChatCall): void {
  call.text = "";
  call.hasAttachment = false;
}

/** Adds what the messages say. Its `system`: instructions from elsewhere, which come first. */
function addMessages(call: ChatCall, messages: readonly Loose[]): void {
  const users: string[] = [];
  let spoken = 0;
  let lastUser: Loose | undefined;
  for (const message of messages) {
    if (message.role === "user") {
      lastUser = message;
      users.push(textIn(message.content));
    }
    if (message.role === "user" || message.role === "assistant") spoken++;
  }
  const last = messages.at(-1);
  // Some clients put what they want at last into a system message ("Write the summary now").
  const isDirective = last !== undefined && isInstruction(last) && users.length > 0;
  for (const message of messages) {
    const said = isInstruction(message) && !(isDirective && message === last) ? textIn(message.content) : "";
    if (said !== "") call.system += call.system === "" ? said : `\n\n${said}`;
  }
  call.text = isDirective ? textIn(last.content) : (users.pop() ?? "");
  call.earlier = users;
  call.messages = spoken;
  call.hasAttachment = !isDirective && holdsMedia(lastUser?.content);
}

const holdsMedia = (content: unknown) => Array.isArray(content) && content.some((part) => isRecord(part) && !isText(part.text));

const textIn = (content: unknown): string => (isText(content) ? content : Array.isArray(content) ? textsOf(content) : "");

const textsOf = (parts: readonly unknown[]): string =>
  parts.flatMap((part) => (isText(part) ? [part] : isRecord(part) && isText(part.text) ? [part.text] : [])).join("\n");

const numberIn = (value: unknown): number | null => (typeof value === "number" && value > 0 ? value : null);
const hasHints = (hints: ImageHints): boolean => {
  for (const name in hints) {
    const value = hints[name as keyof ImageHints];
    if (value !== undefined && value !== null && value !== "") return true;
  }
  return false;
};

const MARKER_FIELDS = ["task", "task_type", "purpose", "title_generation", "generation_type"] as const;
const MARKER_HEADERS = ["x-task", "x-openwebui-task", "x-openwebui-background-task", "x-request-purpose", "x-purpose"] as const;

const NO_MARKER = /imag|video|edit|draw/i;

/** Open WebUI's `metadata.task` and the like; a value that speaks of images marks nothing. */
function markerOf(body: Loose, headers: Headers): string | null {
  const found = (isRecord(body.metadata) ? markerIn(body.metadata) : undefined) ?? markerIn(body);
  const marker = found === true ? "task" : (found ?? markerHeader(headers));
  return marker === null || marker === "" || NO_MARKER.test(marker.slice(0, 100)) ? null : marker;
}

function markerIn(holder: Loose): string | true | undefined {
  for (const field of MARKER_FIELDS) {
    const value = holder[field];
    if (isText(value) || value === true) return value;
  }
  return undefined;
}

function markerHeader(headers: Headers): string | null {
  for (const name of MARKER_HEADERS) {
    const value = headers.get(name);
    if (value !== null) return value;
  }
  return null;
}
