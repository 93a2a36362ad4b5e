// Failure responses by protocol and status: `components.responses` of the OpenAPI document.
import type { SchemaName } from "./schemas.ts";

export type Protocol = "OpenAI" | "Gemini" | "Plugin";

/** `others`: statuses whose schema is another. */
type Failures = { schema: SchemaName; statuses: Readonly<Record<number, string>>; others?: Readonly<Record<string, SchemaName>> };

const COMMON = {
  400: "The request is wrong; the message names the field and what was expected",
  401: "The API key is missing or not known",
  403: "The API key may not do this, or may not see what the path names",
  404: "There is no such thing here, or it is another key's",
  408: "The body did not come in time",
  409: "It is not ready, or an Idempotency-Key was used for another request",
  413: "The body is too large",
  415: "The body is of a type or an encoding that is not read here",
  429: "A limit of the API key or of the upstream is reached, or every token is busy; Retry-After says when to come again",
  499: "The request or its job was cancelled",
  500: "A failure inside this server",
  502: "The upstream answered with something that cannot be used, or its outcome is not known",
  503: "The server, its tokens or the upstream cannot serve now; Retry-After says when to come again where that is known",
  504: "The upstream did not finish in time",
} as const;

export const FAILURES = {
  OpenAI: { schema: "OpenAiError", statuses: COMMON },
  Gemini: { schema: "GeminiError", statuses: { ...COMMON, 401: "The API key is missing or not known; Google's API says 400" } },
  Plugin: {
    schema: "PluginError",
    statuses: {
      400: COMMON[400],
      401: "The connection token is missing or wrong",
      403: COMMON[403],
      404: "There is no such path: the plugin's connection token is not set",
      408: COMMON[408],
      413: COMMON[413],
      415: COMMON[415],
      422: "The body is no object, or lacks a field",
      429: "Too many attempts with a wrong connection token",
      500: COMMON[500],
      503: COMMON[503],
    },
    others: { 401: "ClosedPluginError", 403: "ClosedPluginError", 404: "ClosedPluginError" },
  },
} as const satisfies Readonly<Record<Protocol, Failures>>;

/** Name of the component that describes a failure. */
const nameOf = (protocol: Protocol, status: string): string => `${protocol}${status}`;

/** `components.responses`: every failure of every protocol, once. */
export function failureComponents(): Record<string, object> {
  const named: [string, object][] = [];
  for (const [protocol, { schema, statuses, others = {} }] of Object.entries(FAILURES) as [Protocol, Failures][]) {
    for (const [status, description] of Object.entries(statuses)) {
      const headers = status === "429" || status === "503" ? { headers: RETRY_AFTER } : {};
      const content = { "application/json": { schema: { $ref: `#/components/schemas/${others[status] ?? schema}` } } };
      named.push([nameOf(protocol, status), { description, ...headers, content }]);
    }
  }
  return Object.fromEntries(named);
}

const RETRY_AFTER = { "Retry-After": { description: "Seconds to wait", schema: { type: "integer", minimum: 1 } } };

/** The failures of a route, as references to the components. */
export function failuresOf(protocol: Protocol): Record<string, object> {
  const statuses = Object.keys(FAILURES[protocol].statuses);
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/${nameOf(protocol, status)}` }]));
}
