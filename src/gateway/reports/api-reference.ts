// API reference from the OpenAPI document: routes by dialect, fields, example calls. Pure.

type Schema = {
  type?: string;
  description?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  const?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
};

type Operation = {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { content?: Record<string, { schema?: Schema }> };
};

/** The part of an OpenAPI document that is read here. */
export type ApiDocument = { paths: Record<string, unknown> };

export type ApiField = { name: string; type: string; required: boolean; description: string };

export type ApiRoute = {
  /** Stands for the route in links. */
  id: string;
  method: string;
  path: string;
  summary: string;
  /** In the path. */
  parameters: string[];
  fields: ApiField[];
  /** A call by curl, with the key as `$FLOW2API_KEY`; null where a person has no use for one. */
  curl: string | null;
  /** What the admin's playground can do in its place. */
  playground: boolean;
};

export type DialectDescription = { name: string; routes: ApiRoute[] };

export type ApiExamples = {
  /** Scheme and host of this server. */
  origin: string;
  /** Families to name in examples. */
  imageModel: string;
  videoModel: string;
};

/** Every route, by the dialect (tag) that it belongs to, in the order of the document. */
export function describeDialects({ paths }: ApiDocument, examples: ApiExamples): DialectDescription[] {
  const dialects = new Map<string, ApiRoute[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods as Record<string, Operation>)) {
      const name = operation.tags?.[0] ?? "Other";
      dialects.set(name, [...(dialects.get(name) ?? []), routeOf(path, method.toUpperCase(), operation, examples)]);
    }
  }
  const order = (name: string) => (SURFACES.includes(name) ? SURFACES.indexOf(name) : SURFACES.length);
  return [...dialects].map(([name, routes]) => ({ name, routes })).sort((a, b) => order(a.name) - order(b.name));
}

const SURFACES = ["OpenAI", "Gemini", "System", "Plugin"];

function routeOf(path: string, method: string, operation: Operation, examples: ApiExamples): ApiRoute {
  const [body] = Object.values(operation.requestBody?.content ?? {});
  const key = `${method} ${path}`;
  return {
    id: key
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replace(/-$/, ""),
    method,
    path,
    summary: operation.summary ?? "",
    parameters: (operation.parameters ?? []).filter((parameter) => parameter.in === "path").map(({ name }) => name),
    fields: fieldsOf(body?.schema),
    curl: path.startsWith("/api/plugin/") ? null : curlOf({ path, method, key }, examples),
    playground: PLAYGROUND.has(key),
  };
}

/** Fields of a body, each with its type in words. */
function fieldsOf(schema: Schema | undefined): ApiField[] {
  const required = new Set(schema?.required ?? []);
  return Object.entries(schema?.properties ?? {})
    .map(([name, field]) => ({ name, type: typeOf(field), required: required.has(name), description: describe(field) }))
    .sort((a, b) => Number(b.required) - Number(a.required));
}

/** Null is never reported: every field may be left out. A number that may come as text is a number. */
function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) {
    const types = schema.anyOf.filter((option) => option.type !== "null" && option.format !== "integer").map(typeOf);
    return [...new Set(types)].join(" | ") || "any";
  }
  const range = rangeOf(schema);
  if (schema.type === "array") return schema.items && typeOf(schema.items) !== "any" ? `${typeOf(schema.items)}[]` : "array";
  return (schema.format === "binary" ? "file" : (schema.type ?? "any")) + range;
}

const rangeOf = ({ minimum, maximum }: Schema): string => (minimum !== undefined && maximum !== undefined ? ` ${minimum}–${maximum}` : "");

const describe = ({ description, anyOf }: Schema): string => description ?? anyOf?.map(describe).find((text) => text !== "") ?? "";

const PLAYGROUND: ReadonlySet<string> = new Set([
  "POST /v1/chat/completions",
  "POST /v1/images/generations",
  "POST /v1/images/edits",
  "POST /v1/videos",
  "POST /v1beta/models/{model}:generateContent",
]);

type Call = { path: string; method: string; key: string };

/** Bodies that make something; a route that is not here is called with none. */
const bodies = ({ imageModel, videoModel }: ApiExamples): Readonly<Record<string, unknown>> => ({
  "POST /v1/chat/completions": { model: imageModel, messages: [{ role: "user", content: "A red fox in the snow" }] },
  "POST /v1/responses": { model: imageModel, input: "A red fox in the snow" },
  "POST /v1/images/generations": { model: imageModel, prompt: "A red fox in the snow", size: "1536x1024" },
  "POST /v1/videos": { model: videoModel, prompt: "A red fox runs through the snow", seconds: "8", size: "1280x720" },
  "POST /v1/videos/edits": { model: videoModel, prompt: "Make it night", video: { id: "video_ID" } },
  "POST /v1/videos/extensions": { model: videoModel, prompt: "The fox jumps", video: { id: "video_ID" } },
  "POST /v1/videos/{id}/remix": { prompt: "Make it night" },
  "POST /v1beta/interactions": { model: videoModel, input: "A red fox runs through the snow", background: true },
});

const CONTENTS = { contents: [{ role: "user", parts: [{ text: "A red fox in the snow" }] }] };
const INSTANCES = { instances: [{ prompt: "A red fox in the snow" }] };

/** Bodies of the methods behind a colon, wherever the model is. */
const METHOD_BODIES: Readonly<Record<string, unknown>> = {
  generateContent: CONTENTS,
  streamGenerateContent: CONTENTS,
  countTokens: CONTENTS,
  predict: INSTANCES,
  predictLongRunning: INSTANCES,
};

/** Fields of a form instead of a body. */
const forms = ({ imageModel }: ApiExamples): Readonly<Record<string, readonly string[]>> => ({
  "POST /v1/images/edits": [`model=${imageModel}`, "prompt=Put a hat on it", "image=@image.png"],
  "POST /v1/files": ["purpose=vision", "file=@image.png"],
});

const ROUTES_WITH_MODEL: Readonly<Record<string, (examples: ApiExamples) => string>> = {
  "GET /v1/models/{model}": ({ imageModel }) => `/v1/models/${imageModel}`,
  "GET /v1beta/models/{model}": ({ imageModel }) => `/v1beta/models/${imageModel}`,
  "POST /v1beta/models/{model}:generateContent": ({ imageModel }) => `/v1beta/models/${imageModel}:generateContent`,
};

function curlOf({ path, method, key }: Call, examples: ApiExamples): string {
  const address =
    ROUTES_WITH_MODEL[key]?.(examples) ?? path.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase()).replace("*", "NAME");
  const verb = method === "GET" ? "" : ` -X ${method}`;
  const lines = [`curl${verb} ${quote(examples.origin + address)}`];
  if (!OPEN.has(path)) lines.push(path.startsWith("/v1beta") || path.startsWith("/upload") ? GOOGLE_KEY : BEARER);
  const body = bodies(examples)[key] ?? METHOD_BODIES[/:(\w+)$/.exec(path)?.[1] ?? ""];
  if (body) lines.push('-H "Content-Type: application/json"', `-d ${quote(JSON.stringify(body))}`);
  for (const field of forms(examples)[key] ?? []) lines.push(`-F ${quote(field)}`);
  return lines.join(" \\\n  ");
}

const BEARER = '-H "Authorization: Bearer $FLOW2API_KEY"';
const GOOGLE_KEY = '-H "x-goog-api-key: $FLOW2API_KEY"';
/** Without a key. */
const OPEN: ReadonlySet<string> = new Set(["/health", "/ready", "/metrics", "/openapi.json"]);

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
