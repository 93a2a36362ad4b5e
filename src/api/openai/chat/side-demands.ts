// JSON and functions that a chat or responses body demands as its response. Pure.

import { isRecord } from "../../../domain/is-record.ts";
import type { Demand } from "../../../gateway/side-calls/reply.ts";

/** JSON that the response must be: its schema, where one is given, and the field that demands it. */
export type JsonDemand = { field: string; schema?: unknown };
/** A function that the response must call. */
export type FunctionDemand = { field: string; name: string; schema?: unknown };
export type Demands = { json: JsonDemand | null; tool: FunctionDemand | null };

type Loose = Record<string, unknown>;

const CHAT_FORMATS = ["response_format", "text.format"] as const;
const RESPONSES_FORMATS = ["text.format", "response_format"] as const;

/** JSON goes before a function, where a client demands both. */
export const chatDemand = (body: Loose): Demand | null => jsonIn(body, CHAT_FORMATS) ?? asDemand(chatTool(body));
export const asDemand = (tool: FunctionDemand | null): Demand | null => tool && { field: tool.field, schema: tool.schema, tool: tool.name };
export const responsesDemands = (body: Loose): Demands => ({ json: jsonIn(body, RESPONSES_FORMATS), tool: responsesTool(body) });

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
  return typeof name === "string" ? { field, name, schema: known.find((one) => one.name === name)?.parameters } : null;
}
