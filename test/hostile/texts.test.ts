// 200 kB of hostile text of each kind go to every route that reads text, and /health is answered meanwhile.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type SignedIn, signIn } from "../admin/admin.ts";
import { type Rig, startRig } from "../rig.ts";
import { hostileKinds, hostileText } from "./texts.ts";

const LENGTH = 200_000;
/** Of the processor, whatever else the machine does: what is quadratic takes minutes. */
const MOST_CPU_MS = 2_000;
const PLUGIN_TOKEN = "c".repeat(40);

let rig: Rig;
let admin: SignedIn;

beforeAll(async () => {
  // Without a token of the pool everything is read, and nothing is made.
  rig = await startRig({ tokens: [], settings: { "plugin.connection_token": PLUGIN_TOKEN } });
  admin = await signIn(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

const json = (path: string, body: (text: string) => unknown) => (text: string) => rig.call(path, { json: body(text) });
const raw = (path: string, type: string) => (text: string) =>
  rig.call(path, { method: "POST", body: text, headers: { "content-type": type } });
const form = (path: string, fields: (text: string) => [string, string | File][]) => (text: string) => {
  const body = new FormData();
  for (const [name, value] of fields(text)) body.append(name, value);
  return rig.call(path, { method: "POST", body });
};
const plugin = (path: string, body: (text: string) => unknown) => (text: string) =>
  fetch(`${rig.url}${path}`, { method: "POST", body: JSON.stringify(body(text)), headers: { authorization: `Bearer ${PLUGIN_TOKEN}` } });
const MODEL = "gemini-3.1-flash-image";
const GEMINI = `/v1beta/models/${MODEL}`;
const short = (text: string) => text.slice(0, 30_000);
/** As a header may have it, or a path. */
const plain = (text: string) => encodeURIComponent(text.slice(0, 2_000).toWellFormed());

const ROUTES: [string, (text: string) => Promise<Response>][] = [
  ["chat: what the user says", json("/v1/chat/completions", (text) => ({ model: MODEL, messages: [{ role: "user", content: text }] }))],
  [
    "chat: what was said before",
    json("/v1/chat/completions", (text) => ({
      model: MODEL,
      messages: ["system", "user", "assistant", "user"].map((role) => ({ role, content: text })),
    })),
  ],
  [
    "chat: a part and an address",
    json("/v1/chat/completions", (text) => ({
      model: MODEL,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text },
            { type: "image_url", image_url: { url: text } },
          ],
        },
      ],
    })),
  ],
  [
    "chat: the model and options",
    json("/v1/chat/completions", (text) => ({ model: text, size: text, quality: text, messages: [{ role: "user", content: "a" }] })),
  ],
  [
    "chat: a name of a field",
    json("/v1/chat/completions", (text) => ({
      model: MODEL,
      [text]: 1,
      metadata: { [text]: text },
      messages: [{ role: "user", content: "a" }],
    })),
  ],
  [
    "chat: a video",
    json("/v1/chat/completions", (text) => ({
      model: "veo-3.1-generate-preview",
      messages: [
        { role: "user", content: text },
        { role: "assistant", content: text },
        { role: "user", content: "go on" },
      ],
    })),
  ],
  ["a body that is not JSON", raw("/v1/chat/completions", "application/json")],
  [
    "responses",
    json("/v1/responses", (text) => ({ model: MODEL, input: text, instructions: text, tools: [{ type: "image_generation", size: text }] })),
  ],
  [
    "responses: items",
    json("/v1/responses", (text) => ({
      model: MODEL,
      previous_response_id: text,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text },
            { type: "input_image", image_url: text },
          ],
        },
      ],
    })),
  ],
  ["images", json("/v1/images/generations", (text) => ({ prompt: short(text), size: text, style: text, negative_prompt: text }))],
  [
    "images: as a form",
    form("/v1/images/edits", (text) => [
      ["prompt", short(text)],
      ["size", text],
      ["image", text],
    ]),
  ],
  [
    "a file's name",
    form("/v1/files", (text) => [
      ["file", new File(["x"], short(text))],
      ["purpose", text],
    ]),
  ],
  ["a body that is not a form", raw("/v1/images/edits", "multipart/form-data; boundary=x")],
  ["videos", json("/v1/videos", (text) => ({ prompt: short(text), size: text, seconds: text, input_reference: text }))],
  [
    "videos: as a form",
    form("/v1/videos", (text) => [
      ["prompt", short(text)],
      ["seconds", text],
      ["input_reference[image_url]", text],
    ]),
  ],
  [
    "generateContent",
    json(`${GEMINI}:generateContent`, (text) => ({
      contents: [{ parts: [{ text }, { inline_data: { mime_type: text, data: text } }] }],
      [text]: 1,
    })),
  ],
  [
    "generateContent: an address",
    json(`${GEMINI}:generateContent`, (text) => ({
      contents: [{ parts: [{ text: "a" }, { fileData: { fileUri: text } }] }],
      system_instruction: text,
    })),
  ],
  [
    "streamGenerateContent",
    json(`${GEMINI}:streamGenerateContent?alt=sse`, (text) => ({
      contents: text,
      generation_config: { image_config: { aspect_ratio: text } },
    })),
  ],
  ["countTokens", json(`${GEMINI}:countTokens`, (text) => ({ contents: [{ parts: [{ text }] }] }))],
  [
    "predict",
    json(`${GEMINI}:predict`, (text) => ({
      instances: [{ prompt: text, image: { uri: text } }],
      parameters: { aspectRatio: text, seed: text },
    })),
  ],
  [
    "predictLongRunning",
    json("/v1beta/models/veo-3.1-generate-preview:predictLongRunning", (text) => ({
      instances: [{ prompt: text, video: { uri: text } }],
      parameters: { durationSeconds: text, resolution: text },
    })),
  ],
  [
    "interactions",
    json("/v1beta/interactions", (text) => ({
      model: MODEL,
      input: [
        { type: "text", text },
        { type: "image", uri: text },
      ],
      response_format: { type: "image", aspect_ratio: text },
    })),
  ],
  ["an upload in two parts", raw("/upload/v1beta/files", "multipart/related; boundary=x")],
  ["a path and a query", (text) => rig.call(`/v1/files/${plain(text)}?after=${plain(text)}&key=${plain(text)}`)],
  [
    "headers",
    (text) =>
      rig.call("/v1/models", {
        headers: { cookie: plain(text), accept: plain(text), "user-agent": plain(text), "x-forwarded-for": plain(text) },
      }),
  ],
  ["the companion's session", plugin("/api/plugin/update-token", (text) => ({ session_token: text.slice(0, 16_000) }))],
  ["the companion's accounts", plugin("/api/plugin/check-tokens", (text) => ({ emails: [text] }))],
  ["pasted tokens", (text) => admin.htmx("/admin/tokens/import", { text: text.toWellFormed(), provider: "" })],
  [
    "a key's form",
    (text) =>
      admin.htmx("/admin/keys", { name: text.toWellFormed(), models: text.toWellFormed(), addresses: text.toWellFormed(), kinds: "all" }),
  ],
  [
    "a login",
    (text) =>
      fetch(`${rig.url}/admin/login`, {
        method: "POST",
        redirect: "manual",
        headers: { origin: rig.url },
        body: new URLSearchParams({ next: text.slice(0, 2_000).toWellFormed() }),
      }),
  ],
  ["a search", (text) => admin.get(`/admin/requests?q=${plain(text)}&model=${plain(text)}`)],
];

/** The companion protocol answers an upstream's failure with 500, and no upstream knows these sessions. */
const mayFail = (name: string) => name === "the companion's session";

test.each(ROUTES)(
  "%s",
  async (name, send) => {
    for (const kind of hostileKinds) {
      const before = process.cpuUsage();
      const [response, health] = await Promise.all([send(hostileText(kind, LENGTH)), fetch(`${rig.url}/health`)]);
      await response.arrayBuffer();
      const { user, system } = process.cpuUsage(before);
      expect([kind, health.status, response.status === 500 && !mayFail(name)]).toEqual([kind, 200, false]);
      expect([kind, (user + system) / 1000 < MOST_CPU_MS]).toEqual([kind, true]);
    }
  },
  300_000,
);

test("none of it was taken for a bug of the program", () => {
  expect(rig.logged.filter((line) => line.includes("by a bug"))).toEqual([]);
});
