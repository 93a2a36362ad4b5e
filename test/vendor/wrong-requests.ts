// Requests that Google refuses, each with its answer. Data. Sources: Gemini API reference and guides (ai.google.dev, read 2026-11-23 to
// 2026-11-29), proto3 JSON mapping (protobuf.dev), public reports; Flow: public third-party clients.

/** A request to `path`, and the status, status word or code, and words of its refusal. */
export type WrongRequest = {
  name: string;
  path: string;
  body?: unknown;
  raw?: string;
  headers?: Record<string, string>;
  method?: string;
  refused: [status: number, word: string, says?: string];
};

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const INVALID = "INVALID_ARGUMENT";

const at = (model: string, method = "generateContent") => `/gemini/v1beta/models/${model}:${method}`;
const NEW = "gemini-nano-banana-2.1";
const FLASH = "gemini-3.1-flash-image";
const LITE = "gemini-3.1-flash-lite-image";
const OLD = "gemini-2.5-flash-image";
const PRO = "gemini-3-pro-image";
const text = [{ role: "user", parts: [{ text: "a fox" }] }];
const image = { inlineData: { mimeType: "image/png", data: PNG } };

const content = (name: string, body: object, says: string, model = FLASH): WrongRequest => ({
  name,
  path: at(model),
  body: { contents: text, ...body },
  refused: [400, INVALID, says],
});
const config = (name: string, generationConfig: object, says: string, model = FLASH) => content(name, { generationConfig }, says, model);
const parts = (name: string, list: unknown, says: string, model = FLASH) =>
  content(name, { contents: [{ role: "user", parts: list }] }, says, model);

const GENERATE: WrongRequest[] = [
  { name: "a body that is no JSON", path: at(FLASH), raw: "{not json", refused: [400, INVALID, "Invalid JSON payload"] },
  { name: "an empty body", path: at(FLASH), raw: "", refused: [400, INVALID] },
  { name: "a list as body", path: at(FLASH), raw: "[]", refused: [400, INVALID] },
  content("an unknown field", { size: "1024x1024" }, 'Unknown name "size"'),
  content("OpenAI's messages", { messages: [] }, 'Unknown name "messages"'),
  content("no contents", { contents: undefined }, "contents is not specified"),
  content("empty contents", { contents: [] }, "contents is not specified"),
  content("contents as text", { contents: "a fox" }, "contents"),
  content("the role assistant", { contents: [{ role: "assistant", parts: [{ text: "x" }] }] }, "valid role"),
  content("the role system", { contents: [{ role: "system", parts: [{ text: "x" }] }, ...text] }, "valid role"),
  content("a turn without parts", { contents: [{ role: "user", parts: [] }] }, "must not be empty"),
  content("an unknown field of a turn", { contents: [{ role: "user", parts: [{ text: "x" }], name: "me" }] }, 'Unknown name "name"'),
  parts("an empty part", [{}], "required oneof"),
  parts("a part with two kinds of data", [{ text: "x", ...image }], "oneof"),
  parts("a number as text", [{ text: 7 }], "TYPE_STRING"),
  parts("an unknown field of a part", [{ text: "x", cacheControl: {} }], 'Unknown name "cacheControl"'),
  parts("broken base64", [{ text: "x" }, { inlineData: { mimeType: "image/png", data: "%%%" } }], "Base64 decoding failed"),
  parts("an image without a type", [{ text: "x" }, { inlineData: { data: PNG } }], "MIME type"),
  parts("an SVG", [{ text: "x" }, { inlineData: { mimeType: "image/svg+xml", data: PNG } }], "Unsupported MIME type"),
  parts("a GIF", [{ text: "x" }, { inlineData: { mimeType: "image/gif", data: PNG } }], "Unsupported MIME type"),
  parts("an archive", [{ text: "x" }, { inlineData: { mimeType: "application/zip", data: PNG } }], "Unsupported MIME type"),
  parts(
    "bytes that are no image",
    [{ text: "x" }, { inlineData: { mimeType: "image/png", data: "AAAAAAAAAAAAAAAA" } }],
    "Unable to process input image",
  ),
  parts(
    "an unknown field of inline data",
    [{ text: "x" }, { inlineData: { mimeType: "image/png", data: PNG, name: "a" } }],
    'Unknown name "name"',
  ),
  parts("fifteen images", [{ text: "x" }, ...Array.from({ length: 15 }, () => image)], "Too many images"),
  parts("four images for the old model", [{ text: "x" }, image, image, image, image], "Too many images", OLD),
  parts("a signature that is no base64", [{ text: "x", thoughtSignature: "%%%" }], "Base64 decoding failed"),
  parts("a thought flag as text", [{ text: "x", thought: "true" }], "TYPE_BOOL"),
  {
    name: "a file of nobody",
    path: at(FLASH),
    body: {
      contents: [
        {
          parts: [
            { text: "x" },
            { fileData: { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/none", mimeType: "image/png" } },
          ],
        },
      ],
    },
    refused: [403, "PERMISSION_DENIED", "may not exist"],
  },
  config("an unknown field of the configuration", { quality: "hd" }, 'Unknown name "quality"'),
  config("an unknown field of imageConfig", { imageConfig: { numberOfImages: 2 } }, 'Unknown name "numberOfImages"'),
  config("personGeneration, which only Vertex has", { imageConfig: { personGeneration: "ALLOW_ALL" } }, 'Unknown name "personGeneration"'),
  config("outputMimeType, which only Vertex has", { imageConfig: { outputMimeType: "image/jpeg" } }, 'Unknown name "outputMimeType"'),
  config("imageConfig as text", { imageConfig: "16:9" }, "image_config"),
  config("an unknown ratio", { imageConfig: { aspectRatio: "7:77" } }, "aspect_ratio must be one of"),
  config("a ratio that only others have", { imageConfig: { aspectRatio: "1:8" } }, "aspect_ratio must be one of", PRO),
  config("a ratio as number", { imageConfig: { aspectRatio: 1.5 } }, "aspect_ratio"),
  config("a size in lower case", { imageConfig: { imageSize: "2k" } }, "image_size must be one of"),
  config("a size of pixels", { imageConfig: { imageSize: "1024x1024" } }, "image_size must be one of"),
  config("512 for the newest model", { imageConfig: { imageSize: "512" } }, "image_size must be one of", NEW),
  config("a size for the old model", { imageConfig: { imageSize: "1K" } }, "image_size is not supported", OLD),
  config("2K for the lite model", { imageConfig: { imageSize: "2K" } }, "image_size must be one of", LITE),
  config("two candidates", { candidateCount: 2 }, "Multiple candidates"),
  config("no candidate", { candidateCount: 0 }, "candidateCount"),
  config("a temperature of 3", { temperature: 3 }, "temperature"),
  config("a topP of 2", { topP: 2 }, "topP"),
  config("a negative topK", { topK: -1 }, "topK"),
  config("a topK with a fraction", { topK: 1.5 }, "TYPE_INT32"),
  config("a temperature for the newest model", { temperature: 1 }, "not supported", NEW),
  config("a seed beyond int32", { seed: 2 ** 31 }, "seed"),
  config("a seed with a fraction", { seed: 1.5 }, "TYPE_INT32"),
  config("a seed in words", { seed: "many" }, "seed"),
  config("a seed as flag", { seed: true }, "seed"),
  config("no output tokens", { maxOutputTokens: 0 }, "maxOutputTokens"),
  config("more output tokens than there are", { maxOutputTokens: 10_000_000 }, "maxOutputTokens"),
  config("six stop sequences", { stopSequences: ["a", "b", "c", "d", "e", "f"] }, "stop_sequences"),
  config("a modality that does not exist", { responseModalities: ["VIDEO"] }, "response_modalities"),
  config("sound", { responseModalities: ["AUDIO"] }, "modalities"),
  config("speech settings", { speechConfig: {} }, "speech"),
  config("JSON mode", { responseMimeType: "application/json" }, "JSON mode is not enabled"),
  config("a schema", { responseSchema: { type: "OBJECT" } }, "JSON mode is not enabled"),
  config("logprobs", { responseLogprobs: true }, "Logprobs is not enabled"),
  config("a penalty", { presencePenalty: 1 }, "Penalty is not enabled"),
  config("an unknown thinking level", { thinkingConfig: { thinkingLevel: "HUGE" } }, "thinking_level"),
  config("a thinking level that the model lacks", { thinkingConfig: { thinkingLevel: "MEDIUM" } }, "not supported"),
  config("thinking for the old model", { thinkingConfig: { includeThoughts: true } }, "Thinking is not enabled", OLD),
  config("a level for a model without the knob", { thinkingConfig: { thinkingLevel: "HIGH" } }, "not supported", PRO),
  config("level and budget together", { thinkingConfig: { thinkingLevel: "HIGH", thinkingBudget: 100 } }, "only one of"),
  config("thoughts wanted in words", { thinkingConfig: { includeThoughts: "yes" } }, "TYPE_BOOL"),
  content(
    "an unknown category of harm",
    { safetySettings: [{ category: "HARM_CATEGORY_BAD_TASTE", threshold: "OFF" }] },
    "safety_settings",
  ),
  content(
    "a category of images, which only Vertex has",
    { safetySettings: [{ category: "HARM_CATEGORY_IMAGE_HATE", threshold: "OFF" }] },
    "safety_settings",
  ),
  content("an unknown threshold", { safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "NONE" }] }, "threshold"),
  content(
    "a category twice",
    {
      safetySettings: [
        { category: "HARM_CATEGORY_HARASSMENT", threshold: "OFF" },
        { category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" },
      ],
    },
    "more than one",
  ),
  content("a setting without a category", { safetySettings: [{ threshold: "OFF" }] }, "safety_settings"),
  content("an unknown tool", { tools: [{ paint: {} }] }, 'Unknown name "paint"'),
  content("functions", { tools: [{ functionDeclarations: [{ name: "f" }] }] }, "Function calling is not enabled"),
  content("code execution", { tools: [{ codeExecution: {} }] }, "is not enabled"),
  content("reading of pages", { tools: [{ urlContext: {} }] }, "is not enabled"),
  content("a search for the lite model", { tools: [{ googleSearch: {} }] }, "Search", LITE),
  content("instructions as text", { systemInstruction: "be brief" }, "system_instruction"),
  content("instructions with an unknown field", { systemInstruction: { text: "x" } }, 'Unknown name "text"'),
  {
    name: "a cache that is not there",
    path: at(FLASH),
    body: { contents: text, cachedContent: "cachedContents/none" },
    refused: [403, "PERMISSION_DENIED", "CachedContent not found"],
  },
  { ...content("a model for videos", {}, "Interactions API"), path: at("gemini-omni-1.2-flash") },
  {
    name: "a model that is gone",
    path: at("imagen-4.0-generate-001"),
    body: { contents: text },
    refused: [404, "NOT_FOUND", "no longer available"],
  },
  {
    name: "a model that never was",
    path: at("gemini-9-image"),
    body: { contents: text },
    refused: [404, "NOT_FOUND", "is not found for API version"],
  },
  {
    name: "two credentials",
    path: at(FLASH),
    body: { contents: text },
    headers: { authorization: "Bearer x" },
    refused: [400, INVALID, "Multiple authentication credentials"],
  },
];

const INTERACTIONS = "/gemini/v1beta/interactions";
const CODE = "invalid_request";
const video = (name: string, body: object, says: string, word = CODE, status = 400): WrongRequest => ({
  name: `interaction: ${name}`,
  path: INTERACTIONS,
  body: { model: "gemini-omni-1.2-flash", input: "waves", ...body },
  refused: [status, word, says],
});
const format = (name: string, response_format: object, says: string) =>
  video(name, { response_format: { type: "video", ...response_format } }, says);
const blocks = (name: string, content_: unknown[], says: string, body: object = {}) =>
  video(name, { input: [{ type: "user_input", content: content_ }], ...body }, says);
const task = (name: string) => ({ generation_config: { video_config: { task: name } } });
const picture = { type: "image", mime_type: "image/png", data: PNG };

const VIDEOS: WrongRequest[] = [
  video("no model", { model: undefined }, "model"),
  video("no input", { input: undefined }, "input"),
  video("empty input", { input: [] }, "input"),
  video("an unknown field", { size: "720x1280" }, "Unknown parameter 'size'"),
  video("camelCase", { responseFormat: { type: "video" } }, "Unknown parameter 'responseFormat'"),
  format("a duration as number", { duration: 8 }, "duration"),
  format("a duration without a unit", { duration: "8" }, "duration"),
  format("two seconds", { duration: "2s" }, "duration"),
  format("sixteen seconds", { duration: "16s" }, "duration"),
  format("a square", { aspect_ratio: "1:1" }, "aspect_ratio"),
  format("an unknown resolution", { resolution: "2160p" }, "resolution"),
  format("a resolution in upper case", { resolution: "4K" }, "resolution"),
  format("an unknown delivery", { delivery: "mail" }, "delivery"),
  format("a bucket", { gcs_uri: "gs://a/b" }, "gcs_uri"),
  format("an unknown field of the format", { fps: 24 }, "fps"),
  video("an unknown task", task("remix"), "task"),
  video("a seed in words", { generation_config: { seed: "x" } }, "seed"),
  video("a seed with a fraction", { generation_config: { seed: 1.5 } }, "seed"),
  video("a seed beyond int32", { generation_config: { seed: 2 ** 31 } }, "seed"),
  video("an unknown field of the configuration", { generation_config: { negative_prompt: "rain" } }, "negative_prompt"),
  video("instructions", { system_instruction: "be brief" }, "system_instruction"),
  video("safety settings", { safety_settings: [] }, "safety_settings"),
  video("tools", { tools: [{ type: "google_search" }] }, "tools"),
  video("background without keeping", { background: true, store: false }, "store"),
  video("a flag as text", { background: "yes" }, "background"),
  video("an unknown tier", { service_tier: "gold" }, "service_tier"),
  video("labels that are no object", { labels: ["a"] }, "labels"),
  video("a webhook without an address", { webhook_config: { uris: [] } }, "webhook_config"),
  video("an interaction of nobody", { previous_interaction_id: "v1_none", ...task("edit") }, "Invalid interaction name"),
  video("a model that is gone", { model: "veo-3.1-generate-preview" }, "no longer available", "not_found", 404),
  blocks("an unknown block", [{ type: "hologram" }], "type"),
  blocks("a text that is none", [{ type: "text", text: 7 }], "text"),
  blocks(
    "broken base64",
    [
      { type: "text", text: "x" },
      { ...picture, data: "%%%" },
    ],
    "base64",
  ),
  blocks(
    "a video of another site",
    [
      { type: "text", text: "x" },
      { type: "video", mime_type: "video/mp4", uri: "https://example.com/a.mp4" },
    ],
    "",
  ),
  blocks("an image for a video from text", [{ type: "text", text: "x" }, picture], "text_to_video", task("text_to_video")),
  blocks("no image for a video from one", [{ type: "text", text: "x" }], "image_to_video", task("image_to_video")),
  blocks("three frames", [{ type: "text", text: "x" }, picture, picture, picture], "image_to_video", task("image_to_video")),
  blocks("seven images", [{ type: "text", text: "x" }, ...Array.from({ length: 7 }, () => picture)], "6 images"),
  blocks("an edit of nothing", [{ type: "text", text: "x" }], "edit", task("edit")),
  {
    name: "interaction: one that is not there",
    path: `${INTERACTIONS}/v1_none`,
    method: "GET",
    refused: [400, CODE, "Invalid interaction name"],
  },
];

const FILES: WrongRequest[] = [
  {
    name: "file: one that is not there",
    path: "/gemini/v1beta/files/none",
    method: "GET",
    refused: [403, "PERMISSION_DENIED", "You do not have permission to access the File none or it may not exist."],
  },
  {
    name: "file: deletes one that is not there",
    path: "/gemini/v1beta/files/none",
    method: "DELETE",
    refused: [403, "PERMISSION_DENIED", "may not exist"],
  },
  {
    name: "file: the bytes of one that is not there",
    path: "/gemini/v1beta/files/none:download?alt=media",
    method: "GET",
    refused: [403, "PERMISSION_DENIED", "may not exist"],
  },
];

export const WRONG_REQUESTS: readonly WrongRequest[] = [...GENERATE, ...VIDEOS, ...FILES];
