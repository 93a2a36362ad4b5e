// Side-call facts of a chat or responses body: texts, token limits, demanded JSON, task markers. Pure.

import type { Kind } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import type { ChatCall } from "../../../gateway/side-calls/decide.ts";
import type { Demand } from "../../../gateway/side-calls/reply.ts";
import type { ChatBody, ResponsesBody } from "../schema.ts";

/** JSON that the answer must be: its schema, where one is given, and the field that demands it. */
export type JsonDemand = { field: string; schema?: unknown };
/** A function that the answer must call. */
export type FunctionDemand = { field: string; name: string; schema?: unknown };

export type SideFacts = { call: ChatCall; json: JsonDemand | null; tool: FunctionDemand | null };

/** JSON goes before a function, where a client demands both. */
export const demandOf = ({ json, tool }: SideFacts): Demand | null =>
  json ?? (tool && { field: tool.field, schema: tool.schema, tool: tool.name });

type Loose = Record<string, unknown>;
type Decoded = { model: string; hints: ImageHints; turns: readonly unknown[] };

const isText = (value: unknown): value is string => typeof value === "string";
const isInstruction = ({ role }: Loose) => role === "system" || role === "developer";

const CHAT_FORMATS = ["response_format", "text.format"] as const;
const RESPONSES_FORMATS = ["text.format", "response_format"] as const;

export function chatFacts(body: ChatBody, decoded: Decoded & { form: unknown }, kind: Kind, headers: Headers): SideFacts {
  const loose = body as Loose;
  const call = callOf(body.messages as Loose[], {
    kind,
    instructions: "",
    maxTokens: numberIn(loose.max_completion_tokens) ?? numberIn(loose.max_tokens),
    marker: markerOf(loose, headers),
    hasImageOptions: decoded.form !== null || hasHints(decoded.hints) || Number(body.n ?? 1) > 1,
    model: body.model,
  });
  if (decoded.turns.length === 0) silence(call);
  return { call, json: jsonIn(loose, CHAT_FORMATS), tool: chatTool(loose) };
}

export function responsesFacts(body: ResponsesBody, { model, hints, turns }: Decoded, kind: Kind, headers: Headers): SideFacts {
  const loose = body as Loose;
  const items = isText(body.input) ? [{ role: "user", content: body.input }] : body.input.filter((item) => isText(item.role));
  const call = callOf(items, {
    kind,
    instructions: body.instructions ?? "",
    maxTokens: numberIn(loose.max_output_tokens),
    marker: markerOf(loose, headers),
    hasImageOptions: hasHints(hints),
    model,
  });
  // Earlier messages are not in the body; they count as two.
  if (body.previous_response_id) call.messages += 2;
  if (turns.length === 0) silence(call);
  return { call, json: jsonIn(loose, RESPONSES_FORMATS), tool: responsesTool(loose) };
}

/** For a conversation without a turn of the user. */
function silence(call: ChatCall): void {
  call.text = "";
  call.hasAttachment = false;
}

type Given = Pick<ChatCall, "kind" | "maxTokens" | "marker" | "hasImageOptions" | "model"> & { instructions: string };

function callOf(messages: readonly Loose[], { instructions, ...given }: Given): ChatCall {
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
  let system = instructions;
  for (const message of messages) {
    const said = isInstruction(message) && !(isDirective && message === last) ? textIn(message.content) : "";
    if (said !== "") system += system === "" ? said : `\n\n${said}`;
  }
  const lastText = isDirective ? textIn(last.content) : (users.pop() ?? "");
  return {
    ...given,
    system,
    text: lastText,
    earlier: users,
    messages: spoken,
    hasAttachment:
      !isDirective && Array.isArray(lastUser?.content) && lastUser.content.some((part) => isRecord(part) && !isText(part.text)),
  };
}

function textIn(content: unknown): string {
  if (isText(content)) return content;
  if (!Array.isArray(content)) return "";
  return content.flatMap((part) => (isText(part) ? [part] : isRecord(part) && isText(part.text) ? [part.text] : [])).join("\n");
}

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

/** Where clients demand JSON: the route's own field, the other route's, and either below `extra_body`, where it was not unpacked. */
function jsonIn(body: Loose, fields: readonly string[]): JsonDemand | null {
  return jsonBelow(body, "", fields) ?? (isRecord(body.extra_body) ? jsonBelow(body.extra_body, "extra_body.", fields) : null);
}

function jsonBelow(holder: Loose, prefix: string, fields: readonly string[]): JsonDemand | null {
  for (const field of fields) {
    const format = field === "text.format" ? isRecord(holder.text) && holder.text.format : holder[field];
    const demand = format ? jsonOf(format, `${prefix}${field}`) : null;
    if (demand) return demand;
  }
  const { generationConfig, generation_config } = holder;
  const config = isRecord(generationConfig) ? generationConfig : isRecord(generation_config) ? generation_config : null;
  const mime = config?.responseMimeType ?? config?.response_mime_type;
  if (mime !== "application/json") return null;
  return { field: `${prefix}generationConfig.responseMimeType`, schema: config?.responseSchema ?? config?.response_schema };
}

function jsonOf(format: unknown, field: string): JsonDemand | null {
  if (format === "json_object" || format === "json") return { field };
  if (!isRecord(format)) return null;
  if (format.type === "json_object") return { field };
  if (format.type !== "json_schema") return null;
  return { field, schema: isRecord(format.json_schema) ? format.json_schema.schema : format.schema };
}

/** The function that `tool_choice` (or, as of old, `function_call`) names, or the first when any is required: an image is none of them. */
function chatTool({ tool_choice: choice, tools, function_call: old, functions }: Loose): FunctionDemand | null {
  if (!choice && !old) return null;
  const known = [...functionsIn(tools), ...(Array.isArray(functions) ? functions.filter(isRecord) : [])];
  const chosen = demandFor(chosenName(choice, known), known, "tool_choice");
  return chosen ?? (isRecord(old) ? demandFor(old.name, known, "function_call") : null);
}

/** The same on responses, where functions stand flat; an image tool beside them is what "required" may mean. */
function responsesTool({ tool_choice: choice, tools }: Loose): FunctionDemand | null {
  const known = functionsIn(tools);
  const isOnly = Array.isArray(tools) && tools.length === known.length;
  return demandFor(choice === "required" && !isOnly ? null : chosenName(choice, known), known, "tool_choice");
}

/** In the form of either route: nested below `function`, or flat. */
function functionsIn(tools: unknown): Loose[] {
  if (!Array.isArray(tools)) return [];
  return tools.filter(isRecord).flatMap((tool) => (isRecord(tool.function) ? [tool.function] : tool.type === "function" ? [tool] : []));
}

/** "required", a function by its name, or a list of functions of which one must be called. */
function chosenName(choice: unknown, known: readonly Loose[]): unknown {
  if (choice === "required") return known[0]?.name;
  if (!isRecord(choice)) return null;
  if (choice.type === "allowed_tools") {
    const allowed = isRecord(choice.allowed_tools) ? choice.allowed_tools : choice;
    const names = functionsIn(allowed.tools);
    const isFunction = Array.isArray(allowed.tools) && allowed.tools.length === names.length;
    return allowed.mode === "required" && isFunction ? names[0]?.name : null;
  }
  if (isRecord(choice.function)) return choice.function.name;
  return choice.type === "function" ? choice.name : null;
}

function demandFor(name: unknown, known: readonly Loose[], field: string): FunctionDemand | null {
  return isText(name) ? { field, name, schema: known.find((one) => one.name === name)?.parameters } : null;
}
