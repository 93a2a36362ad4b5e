// JSON Schemas of responses by name: `components.schemas`. Further fields may appear.

type Schema = Readonly<Record<string, unknown>>;

const text = { type: "string" };
const count = { type: "integer", minimum: 0 };
const flag = { type: "boolean" };
const anything = {};
const orNull = (schema: { type: string }) => ({ ...schema, type: [schema.type, "null"] });
const only = (...values: readonly (string | boolean)[]) => ({ enum: values });
const listOf = (items: Schema) => ({ type: "array", items });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
/** An object that has these fields; those of `optional` may be left out. */
const object = (required: Record<string, unknown>, optional: Record<string, unknown> = {}) => ({
  type: "object",
  required: Object.keys(required),
  properties: { ...required, ...optional },
});
const page = (items: string) => object({ object: only("list"), data: listOf(ref(items)) });
const pageWithEnds = (items: string) =>
  object({ object: only("list"), data: listOf(ref(items)), first_id: orNull(text), last_id: orNull(text), has_more: flag });

export const SCHEMAS = {
  // Envelopes of failures.
  OpenAiError: object({
    error: object({ message: text, type: text, param: orNull(text), code: orNull(text) }, { moderation_details: { type: "object" } }),
  }),
  GeminiError: object({ error: object({ code: { type: "integer" }, message: text, status: text, details: listOf(anything) }) }),
  // While the plugin's routes are closed they do not exist: what OpenAI's clients get for an unknown URL.
  ClosedPluginError: { anyOf: [ref("PluginError"), ref("OpenAiError")] },
  PluginError: object({ detail: { anyOf: [text, listOf({ type: "object" })] } }),

  // The server itself.
  Health: object({ status: only("ok"), version: text }),
  Ready: object({ status: only("ready", "not ready"), reasons: listOf(text), tokens: { type: "object", additionalProperties: count } }),

  // Each event of a stream; its data is JSON, or [DONE].
  ServerSentEvent: object({ data: text }, { event: text, id: text }),

  // OpenAI.
  Model: object({ id: text, object: only("model"), created: count, owned_by: text }),
  ModelList: page("Model"),
  ChatCompletion: object({ id: text, object: only("chat.completion"), created: count, model: text, choices: listOf({ type: "object" }) }),
  Response: object({ id: text, object: only("response"), status: text, model: text, output: listOf({ type: "object" }) }),
  DeletedResponse: object({ id: text, object: only("response"), deleted: only(true) }),
  ItemList: pageWithEnds("Item"),
  Item: object({ id: text, type: text }),
  Images: object({ created: count, data: listOf({ type: "object" }) }, { usage: { type: "object" }, size: text, output_format: text }),
  ImageJob: object({
    id: text,
    object: only("image.job"),
    status: only("queued", "in_progress", "completed", "failed", "cancelled", "unknown"),
    model: text,
    progress: { type: "number", minimum: 0, maximum: 100 },
    created_at: count,
    error: orNull({ type: "object" }),
  }),
  Video: object(
    {
      id: text,
      object: only("video"),
      model: text,
      status: only("queued", "in_progress", "completed", "failed"),
      progress: { type: "integer", minimum: 0, maximum: 100 },
      created_at: count,
      seconds: text,
      size: orNull(text),
    },
    { error: { type: ["object", "string", "null"] }, url: text },
  ),
  VideoList: pageWithEnds("Video"),
  DeletedVideo: object({ id: text, object: only("video.deleted"), deleted: only(true) }),
  File: object({ id: text, object: only("file"), bytes: count, created_at: count, filename: text, purpose: text }),
  FileList: pageWithEnds("File"),
  DeletedFile: object({ id: text, object: only("file"), deleted: only(true) }),

  // Gemini.
  GeminiModel: object({ name: text, version: text, displayName: text, supportedGenerationMethods: listOf(text) }),
  PublisherModel: object({ name: text, versionId: text, launchStage: text }),
  PublisherModelList: object({ publisherModels: listOf(ref("PublisherModel")) }, { nextPageToken: text }),
  GeminiModelList: object({ models: listOf(ref("GeminiModel")) }, { nextPageToken: text }),
  GenerateContentResponse: object({}, { candidates: listOf({ type: "object" }), promptFeedback: { type: "object" }, modelVersion: text }),
  GenerateContentStream: listOf(ref("GenerateContentResponse")),
  CountTokensResponse: object({ totalTokens: count }),
  PredictResponse: object({ predictions: listOf({ type: "object" }) }),
  Operation: object({ name: text }, { done: flag, error: { type: "object" }, response: { type: "object" }, metadata: { type: "object" } }),
  Interaction: object({
    id: text,
    object: only("interaction"),
    model: text,
    status: only("in_progress", "completed", "failed", "cancelled"),
  }),
  GeminiFile: object({ name: text, mimeType: text, sizeBytes: text, uri: text, state: text }),
  GeminiFileList: object({}, { files: listOf(ref("GeminiFile")), nextPageToken: text }),
  UploadedFile: object({ file: ref("GeminiFile") }),
  Empty: { type: "object" },
} as const satisfies Readonly<Record<string, Schema>>;

export type SchemaName = keyof typeof SCHEMAS;
