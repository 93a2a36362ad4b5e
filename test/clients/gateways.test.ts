// flow2api as the image channel of LiteLLM, new-api and one-api: their requests as their sources send them, and LiteLLM's proxy itself.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../src/testing.ts";
import { until } from "../keys.ts";
import { FLOW, framesOf, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type Chat, type Content, google, type Images, pixel, post, postForm, watchVideo } from "./replay.ts";

setDefaultTimeout(180_000);

const section = /^## Behind another gateway\n([\s\S]*?)^## /m.exec(
  readFileSync(join(import.meta.dir, "../../docs/clients.md"), "utf8"),
)![1]!;
const IMAGE = "gemini-nano-banana-2.1";
const VIDEO = "gemini-omni-1.2-flash";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
});
afterAll(() => rig[Symbol.asyncDispose]());

const isImage = (base64: string | undefined) => /^(iVBORw0KGgo|\/9j\/)/.test(base64 ?? "");
const accepted = () => rig.simulator.counts().total.accepted;
/** Go's bufio.Scanner ends at a longer line. */
const longestLine = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

test("the page has a form for each gateway, of an address that is served", () => {
  for (const name of ["LiteLLM", "new-api", "one-api"]) expect(section).toContain(`**${name}**`);
  for (const [, address] of section.matchAll(/`(http:\/\/HOST:8000[^`]*)`/g))
    expect(["", "/v1"]).toContain(new URL(address!.replace("HOST", "h")).pathname.replace(/^\/$/, ""));
});

// Source: songquanpeng/one-api relay/adaptor/openai (GetFullRequestURL, ConvertRequest), relay/controller/image.go, controller/channel-test.go (009337c), read 2026-11-30.
describe("one-api, channel OpenAI", () => {
  test("images: the client's body goes on as it is, or with every field of its type where the model is mapped", async () => {
    const plain = await post<Images>(rig, "/v1/images/generations", { model: IMAGE, prompt: "a fox", size: "1024x1024" });
    const mapped = { model: IMAGE, prompt: "a fox", n: 1, size: "1024x1024", quality: "", response_format: "", style: "", user: "" };
    const whole = await post<Images>(rig, "/v1/images/generations", mapped);
    expect([plain, whole].map(({ data }) => isImage(data[0]!.b64_json))).toEqual([true, true]);
  });

  test("chat: usage is asked for in streams, and no line is longer than its reader takes", async () => {
    const body = { model: IMAGE, messages: [{ role: "user", content: "a fox" }], stream: true, stream_options: { include_usage: true } };
    const text = await (await rig.call("/v1/chat/completions", { json: body })).text();
    const last = framesOf(text).filter((data) => data.includes('"usage":{'));
    expect(last).toHaveLength(1);
    expect(JSON.parse(last[0]!).usage.total_tokens).toBeGreaterThan(0);
    expect(longestLine(text)).toBeLessThan(64 * 1024);
  });

  test("its test of a channel is answered without an upstream call", async () => {
    const before = accepted();
    const content = "Print your model name exactly and do not output without any other text.";
    const { choices } = await post<Chat>(rig, "/v1/chat/completions", {
      model: IMAGE,
      max_tokens: 2,
      messages: [{ role: "user", content }],
    });
    expect([choices[0]!.message.content.length > 0, accepted()]).toEqual([true, before]);
  });
});

// Source: QuantumNous/new-api relay/channel/openai, relay/channel/gemini, relay/channel/task/sora, dto/openai_image.go (2026-11), read 2026-11-30.
describe("new-api", () => {
  test("channel OpenAI: images with their usage, which it bills by", async () => {
    const body = { model: IMAGE, prompt: "a fox", n: 1, size: "1536x1024", quality: "high", output_format: "png", moderation: "low" };
    const { data, usage } = await post<Images & { usage: { input_tokens: number; output_tokens: number; total_tokens: number } }>(
      rig,
      "/v1/images/generations",
      body,
    );
    expect(isImage(data[0]!.b64_json)).toBe(true);
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(usage.output_tokens).toBeGreaterThan(0);
  });

  test("channel OpenAI: a streamed image ends in an event of its own name with the usage", async () => {
    const body = { model: IMAGE, prompt: "a fox", stream: true, partial_images: 1 };
    const frames = framesOf(await (await rig.call("/v1/images/generations", { json: body })).text());
    const done = frames
      .map((data) => JSON.parse(data) as { type: string; usage?: { total_tokens: number } })
      .filter(({ type }) => type === "image_generation.completed");
    expect(done).toHaveLength(1);
    expect(done[0]!.usage!.total_tokens).toBeGreaterThan(0);
  });

  test.each(["image", "image[]"])("channel OpenAI: edits are sent on as a form (%s)", async (field) => {
    const { data } = await postForm<Images>(rig, "/v1/images/edits", [
      ["model", IMAGE],
      ["prompt", "make it red"],
      ["n", "1"],
      [field, pixel(), "a.png"],
      ["mask", pixel(), "mask.png"],
    ]);
    expect(isImage(data[0]!.b64_json)).toBe(true);
  });

  test("channel OpenAI: models are fetched, and its test of a channel costs nothing", async () => {
    const { data } = (await (await rig.call("/v1/models")).json()) as { data: { id: string; object: string }[] };
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining([IMAGE, VIDEO]));
    const before = accepted();
    const { choices } = await post<Chat>(rig, "/v1/chat/completions", {
      model: IMAGE,
      max_tokens: 16,
      messages: [{ role: "user", content: "hi" }],
    });
    expect([choices[0]!.message.content.length > 0, accepted()]).toEqual([true, before]);
  });

  test("channel Gemini: the address without a version, Google's header, whole and streamed", async () => {
    const body = {
      contents: [{ role: "user", parts: [{ text: "a fox" }] }],
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "OFF" }],
      generationConfig: { temperature: 1, topP: 1, maxOutputTokens: 4096, responseModalities: ["TEXT", "IMAGE"] },
    };
    const found = await google<Content>(rig, `/v1beta/models/${IMAGE}:generateContent`, body);
    expect(isImage(found.candidates?.[0]?.content?.parts?.find(({ inlineData }) => inlineData)?.inlineData?.data)).toBe(true);
    const response = await fetch(`${rig.url}/v1beta/models/${IMAGE}:streamGenerateContent?alt=sse`, {
      method: "POST",
      headers: { "x-goog-api-key": rig.key, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(await response.text()).toContain('"inlineData"');
  });

  test("channel Sora: a video by JSON and by form, polled and fetched by its id", async () => {
    const body = { model: VIDEO, prompt: "a fox runs", seconds: "4", size: "1280x720" };
    const started = [
      await post<{ id: string; status: string }>(rig, "/v1/videos", body),
      await postForm<{ id: string; status: string }>(rig, "/v1/videos", [...Object.entries(body), ["input_reference", pixel(), "a.png"]]),
    ];
    for (const { id, status } of started) {
      expect(["queued", "in_progress"]).toContain(status);
      expect((await watchVideo(rig, id)).status).toBe("completed");
      const content = await rig.call(`/v1/videos/${id}/content`);
      expect([content.status, content.headers.get("content-type")]).toEqual([200, "video/mp4"]);
      await content.body?.cancel();
    }
  });

  test("an error has the type that it knows failures by", async () => {
    const response = await rig.call("/v1/images/generations", { json: { model: "gemini-9", prompt: "x" } });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", code: "model_not_found" } });
  });
});

describe("a text id that is not ours", () => {
  const ask = (model: string, content: string) =>
    rig.call("/v1/chat/completions", { json: { model, messages: [{ role: "user", content }] } });

  test.each(["gemini-3-flash", "gpt-5", "llama-9"])(
    "%s: chat answers a health check at no cost, and nothing else; Google's dialect nothing",
    async (model) => {
      const before = rig.simulator.counts().total.requests;
      const body = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
      const all = await Promise.all([
        ask(model, "hi"),
        ask(model, "Write a poem about the sea"),
        rig.call(`/v1beta/models/${model}:generateContent`, { json: body }),
      ]);
      expect(all.map(({ status }) => status)).toEqual([200, 404, 404]);
      expect(rig.simulator.counts().total.requests).toBe(before);
    },
  );
});

/** LiteLLM's executable of a venv with `litellm[proxy]==1.108.7`; absent: skipped. */
const litellm = process.env.FLOW2API_TEST_LITELLM ?? "";
if (litellm === "")
  console.warn("SKIPPED: a part of test/clients/gateways.test.ts needs FLOW2API_TEST_LITELLM, the path of LiteLLM's executable.");

describe.skipIf(litellm === "")("LiteLLM's proxy with the configuration of the page", () => {
  const KEY = `sk-${"0f9d2c7a5b3e4f6a".repeat(2)}`;
  let proxy: { url: string; stop(): Promise<void> };
  beforeAll(async () => {
    const folder = temporaryFolder();
    const config = /```yaml\n([\s\S]*?)```/.exec(section)![1]!.replaceAll("http://HOST:8000", rig.url).replaceAll("sk-f2a-…", rig.key);
    await Bun.write(join(folder.path, "config.yaml"), config);
    const { port } = await freePort();
    const child = Bun.spawn([litellm, "--config", "config.yaml", "--host", "127.0.0.1", "--port", String(port)], {
      cwd: folder.path,
      env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_MASTER_KEY: KEY },
      stdout: "ignore",
      stderr: "ignore",
    });
    proxy = {
      url: `http://127.0.0.1:${port}`,
      async stop() {
        child.kill("SIGKILL");
        await child.exited;
        folder[Symbol.dispose]();
      },
    };
    for (let turn = 0; turn < 10; turn++) if (await until(() => isUp(proxy.url)).catch(() => false)) return;
    throw new Error("LiteLLM did not start.");
  }, 180_000);
  afterAll(() => proxy?.stop());

  const ask = async (path: string, body?: object) => {
    const init = body instanceof FormData ? { method: "POST", body } : { method: "POST", body: JSON.stringify(body) };
    const type: Record<string, string> = body && !(body instanceof FormData) ? { "content-type": "application/json" } : {};
    const response = await fetch(`${proxy.url}${path}`, { ...(body ? init : {}), headers: { authorization: `Bearer ${KEY}`, ...type } });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const json = async <T>(path: string, body?: object) => (await (await ask(path, body)).json()) as T;

  test("makes images, whatever a client adds to them", async () => {
    const { data } = await json<Images>("/v1/images/generations", {
      model: IMAGE,
      prompt: "a fox",
      n: 2,
      size: "1024x1024",
      response_format: "b64_json",
    });
    expect(data.map(({ b64_json }) => isImage(b64_json))).toEqual([true, true]);
  });

  test("edits images", async () => {
    const form = new FormData();
    for (const [name, value] of [
      ["model", IMAGE],
      ["prompt", "make it red"],
    ] as const)
      form.set(name, value);
    form.set("image", pixel(), "a.png");
    expect(isImage((await json<Images>("/v1/images/edits", form)).data[0]!.b64_json)).toBe(true);
  });

  test("shows images in chat, whole and streamed", async () => {
    const messages = [{ role: "user", content: "a fox in snow" }];
    const whole = await json<Chat>("/v1/chat/completions", { model: IMAGE, messages });
    expect(whole.choices[0]!.message.content).toContain(`](${rig.url}/media/`);
    expect(
      await (
        await ask("/v1/chat/completions", { model: IMAGE, messages: [{ role: "user", content: "a fox in rain" }], stream: true })
      ).text(),
    ).toContain("/media/");
  });

  test("makes videos, polled and fetched by LiteLLM's own id", async () => {
    const { id } = await json<{ id: string }>("/v1/videos", { model: VIDEO, prompt: "a fox runs" });
    await until(async () => (await json<{ status: string }>(`/v1/videos/${id}`)).status === "completed");
    const content = await (await ask(`/v1/videos/${id}/content`)).bytes();
    expect(Buffer.from(content.subarray(4, 8)).toString()).toBe("ftyp");
  });
});

const isUp = (url: string) =>
  fetch(`${url}/health/liveliness`).then(
    ({ ok }) => ok,
    () => false,
  );

async function freePort(): Promise<{ port: number }> {
  const server = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  return { port: port! };
}
