// Success responses of each route, and the described paths behind wildcards. Data only.
import type { TSchema } from "elysia";
import { CountBody, GenerateBody, OperationBody, PredictBody } from "../gemini/schema.ts";
import type { SchemaName } from "./schemas.ts";

/** Bytes or events in place of JSON, by media type. */
type Content = SchemaName | { [mediaType: string]: SchemaName | "text" | "bytes" } | null;

export type RouteAnswers = {
  /** Content by status; null: no body. */
  success: Readonly<Record<number, Content>>;
  /** Failures that no protocol has: a whole set in place of its protocol's. */
  failures?: Readonly<Record<number, SchemaName>>;
  /** Query parameters. */
  query?: Readonly<Record<string, { description: string; schema: object }>>;
};

/** A described path that a wildcard of the router stands for. */
export type Expansion = { path: string; summary?: string; body?: TSchema };

const EVENTS = { "text/event-stream": "ServerSentEvent" } as const;
const BYTES = { "*/*": "bytes" } as const;
const page = {
  limit: { description: "Entries in a page", schema: { type: "integer", minimum: 1, maximum: 100 } },
  after: { description: "Id of the last entry of the page before", schema: { type: "string" } },
  order: { description: "By time", schema: { type: "string", enum: ["asc", "desc"] } },
} as const;
const ranged = { 200: BYTES, 206: BYTES, 304: null, 416: null } as const;

type Method = { summary: string; body: TSchema } & RouteAnswers;

/** Methods of a model, which stand behind a colon at the end of its path. */
const METHODS: Readonly<Record<string, Method>> = {
  generateContent: {
    summary: "Make images from a conversation",
    body: GenerateBody,
    success: { 200: "GenerateContentResponse" },
  },
  streamGenerateContent: {
    summary: "Make images from a conversation, as they come",
    body: GenerateBody,
    success: { 200: { "application/json": "GenerateContentStream", ...EVENTS } },
    query: { alt: { description: "sse: events in place of an array", schema: { type: "string", enum: ["sse", "json"] } } },
  },
  countTokens: { summary: "Estimate the tokens of a request", body: CountBody, success: { 200: "CountTokensResponse" } },
  predict: { summary: "Make images from a prompt", body: PredictBody, success: { 200: "PredictResponse" } },
  predictLongRunning: { summary: "Make a video as an operation", body: PredictBody, success: { 200: "Operation" } },
};
const FETCH: Method = { summary: "How far a video is", body: OperationBody, success: { 200: "Operation" } };

/** Where models are: Google's own path, and the two of Vertex AI. */
const GEMINI_MODEL = "/v1beta/models/{model}";
const VERTEX_MODELS = [
  "/v1beta/publishers/google/models",
  "/v1beta/projects/{project}/locations/{location}/publishers/google/models",
] as const;
const VERTEX_METHODS = { ...METHODS, fetchPredictOperation: FETCH };

const methodPaths = (model: string, methods: Readonly<Record<string, Method>>): Expansion[] =>
  Object.entries(methods).map(([name, { summary, body }]) => ({ path: `${model}:${name}`, summary, body }));
const methodAnswers = (model: string, methods: Readonly<Record<string, Method>>): Record<string, RouteAnswers> =>
  Object.fromEntries(Object.entries(methods).map(([name, { success, query }]) => [`POST ${model}:${name}`, { success, query }]));

const vertexReads = (models: string): Expansion[] => [
  { path: models, summary: "Vertex's paths: list the models" },
  { path: `${models}/{model}`, summary: "Vertex's paths: one model" },
  { path: `${models}/{model}/operations/{operation}`, summary: "How far a video is" },
];
const vertexAnswers = (models: string): Record<string, RouteAnswers> => ({
  [`GET ${models}`]: { success: { 200: "PublisherModelList" } },
  [`GET ${models}/{model}`]: { success: { 200: "PublisherModel" } },
  [`GET ${models}/{model}/operations/{operation}`]: { success: { 200: "Operation" } },
  ...methodAnswers(`${models}/{model}`, VERTEX_METHODS),
});

/** Keyed by method and path as the router has them, or as they are expanded below. */
export const ANSWERS: Readonly<Record<string, RouteAnswers>> = {
  "GET /health": { success: { 200: "Health" }, failures: {} },
  "GET /ready": { success: { 200: "Ready" }, failures: { 503: "Ready" } },
  "GET /metrics": { success: { 200: { "text/plain": "text" } }, failures: { 401: "OpenAiError", 500: "OpenAiError" } },
  "GET /openapi.json": { success: { 200: "Empty" }, failures: {} },

  "GET /v1/models": { success: { 200: "ModelList" } },
  "GET /v1/models/aliases": { success: { 200: "ModelList" } },
  "GET /v1/models/{model}": { success: { 200: "Model" } },
  "POST /v1/chat/completions": { success: { 200: { "application/json": "ChatCompletion", ...EVENTS } } },
  "POST /v1/responses": { success: { 200: { "application/json": "Response", ...EVENTS } } },
  "GET /v1/responses/{id}": { success: { 200: "Response" } },
  "DELETE /v1/responses/{id}": { success: { 200: "DeletedResponse" } },
  "GET /v1/responses/{id}/input_items": { success: { 200: "ItemList" }, query: page },
  "POST /v1/images/generations": { success: { 200: { "application/json": "Images", ...EVENTS }, 202: "ImageJob" } },
  "POST /v1/images/edits": { success: { 200: { "application/json": "Images", ...EVENTS }, 202: "ImageJob" } },
  "GET /v1/images/generations/{id}": { success: { 200: "Empty", 202: "ImageJob" } },
  "GET /v1/images/generations/{id}/events": { success: { 200: EVENTS } },
  "DELETE /v1/images/generations/{id}": { success: { 200: "ImageJob" } },
  "POST /v1/videos": { success: { 200: "Video" } },
  "GET /v1/videos": { success: { 200: "VideoList" }, query: page },
  "POST /v1/videos/edits": { success: { 200: "Video" } },
  "POST /v1/videos/extensions": { success: { 200: "Video" } },
  "GET /v1/videos/{id}": { success: { 200: "Video" } },
  "DELETE /v1/videos/{id}": { success: { 200: "DeletedVideo" } },
  "GET /v1/videos/{id}/content": {
    success: ranged,
    query: { variant: { description: "What to get", schema: { type: "string", enum: ["video", "thumbnail", "spritesheet"] } } },
  },
  "POST /v1/videos/{id}/remix": { success: { 200: "Video" } },
  "POST /v1/files": { success: { 200: "File" } },
  "GET /v1/files": { success: { 200: "FileList" }, query: page },
  "GET /v1/files/{id}": { success: { 200: "File" } },
  "DELETE /v1/files/{id}": { success: { 200: "DeletedFile" } },
  "GET /v1/files/{id}/content": { success: { 200: BYTES } },

  "GET /v1beta/models": { success: { 200: "GeminiModelList" } },
  "GET /v1beta/models/{model}": { success: { 200: "GeminiModel" } },
  "GET /v1beta/models/{model}/operations/{operation}": { success: { 200: "Operation" } },
  "GET /v1beta/operations/{operation}": { success: { 200: "Operation" } },
  ...methodAnswers(GEMINI_MODEL, METHODS),
  ...vertexAnswers(VERTEX_MODELS[0]),
  ...vertexAnswers(VERTEX_MODELS[1]),
  "POST /v1beta/interactions": { success: { 200: { "application/json": "Interaction", ...EVENTS } } },
  "GET /v1beta/interactions/{id}": { success: { 200: { "application/json": "Interaction", ...EVENTS } } },
  "POST /v1beta/interactions/{id}/cancel": { success: { 200: "Interaction" } },
  "DELETE /v1beta/interactions/{id}": { success: { 200: "Empty" } },
  "GET /v1beta/files": { success: { 200: "GeminiFileList" } },
  "GET /v1beta/files/{file}": { success: { 200: "GeminiFile" } },
  "GET /v1beta/files/{file}:download": { success: ranged },
  "DELETE /v1beta/files/{file}": { success: { 200: "Empty" } },
  "POST /upload/{version}/files": { success: { 200: { "application/json": "UploadedFile", "text/plain": "text" } } },
  "POST /upload/{version}/files/{upload}": { success: { 200: { "application/json": "UploadedFile", "text/plain": "text" } } },

  "POST /api/plugin/update-token": { success: { 200: "Empty" } },
  "POST /api/plugin/check-tokens": { success: { 200: "Empty" } },
};

/** Paths with a wildcard, which OpenAPI does not have, and those that stand for them. */
export const EXPANSIONS: Readonly<Record<string, readonly Expansion[]>> = {
  "GET /v1/models/*": [{ path: "/v1/models/{model}" }],
  "GET /v1beta/models/*": [
    { path: "/v1beta/models/{model}", summary: "One model" },
    { path: "/v1beta/models/{model}/operations/{operation}", summary: "How far a video is" },
  ],
  "POST /v1beta/models/*": methodPaths(GEMINI_MODEL, METHODS),
  "GET /v1beta/publishers/*": vertexReads(VERTEX_MODELS[0]),
  "POST /v1beta/publishers/*": methodPaths(`${VERTEX_MODELS[0]}/{model}`, VERTEX_METHODS),
  "GET /v1beta/projects/*": vertexReads(VERTEX_MODELS[1]),
  "POST /v1beta/projects/*": methodPaths(`${VERTEX_MODELS[1]}/{model}`, VERTEX_METHODS),
  "GET /v1beta/operations/*": [{ path: "/v1beta/operations/{operation}" }],
  "GET /v1beta/files/*": [
    { path: "/v1beta/files/{file}", summary: "One file" },
    { path: "/v1beta/files/{file}:download", summary: "The bytes of a file" },
  ],
  "DELETE /v1beta/files/*": [{ path: "/v1beta/files/{file}" }],
  "POST /upload/{version}/files/": [{ path: "/upload/{version}/files" }],
};

/** Parameters in paths that take certain values only. */
export const PATH_VALUES: Readonly<Record<string, readonly string[]>> = { version: ["v1beta", "v1alpha", "v1"] };
