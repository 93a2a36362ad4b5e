// Acceptance of the OpenAI API in general and of chat, where no other test has the check. The numbers are those of the wire reference, part E.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { virtualClock } from "../../src/testing.ts";
import { until } from "../keys.ts";
import { FLOW, framesOf, GEMINI, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-nano-banana-2.1";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
type Failure = { error: { message: string; type: string; code: string | null; param: string | null } };
type Chunk = { choices: { delta: { role?: string; content?: string; reasoning_content?: string }; finish_reason: string | null }[] };

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], settings: { "media.allow_private_hosts": ["localhost"] } });
});
afterAll(() => rig[Symbol.asyncDispose]());

const failureOf = async (response: Response) => (await response.json()) as Failure;
const lastSent = () => JSON.stringify(rig.simulator.calls().findLast(({ operation }) => operation === "gemini.generate"));
const ask = (...content: object[]) => rig.chat({ model: MODEL, messages: [{ role: "user", content }] });
const words = { type: "text", text: "make it blue" };

describe("general", () => {
  test.each([
    ["nothing", {}],
    ["an unknown key", { authorization: "Bearer sk-f2a-nobody" }],
    ["another scheme", { authorization: "Basic c2stZjJhOg==" }],
  ])("1: with %s every response is 401 in JSON, with a request id", async (_name, headers) => {
    for (const path of ["/v1/models", "/v1/videos", "/v1/files/file-x", "/nowhere"]) {
      const response = await fetch(`${rig.url}${path}`, { headers: headers as HeadersInit });
      expect([response.status, response.headers.get("x-request-id")]).toEqual([401, expect.stringMatching(/^req_/)]);
      expect((await failureOf(response)).error).toMatchObject({ type: "invalid_request_error", code: "invalid_api_key" });
    }
  });

  test("2: every listed model can be retrieved by its id, in either spelling of a slash", async () => {
    const { data } = (await (await rig.call("/v1/models?all=true")).json()) as { data: { id: string }[] };
    expect(data.length).toBeGreaterThan(50);
    const results = await Promise.all(data.map(async ({ id }) => (await rig.call(`/v1/models/${encodeURIComponent(id)}`)).status));
    expect(new Set(results)).toEqual(new Set([200]));
    for (const id of ["google/gemini-3-pro-image", "google%2Fgemini-3-pro-image"])
      expect((await rig.call(`/v1/models/${id}`)).status).toBe(200);
  });

  test.each(["/v1/chat/completions", "/v1/images/generations", "/v1/responses", "/v1/videos"])(
    "3: malformed JSON to %s is 400, and nothing is asked of the upstream",
    async (path) => {
      const before = rig.simulator.counts().total.requests;
      for (const body of ['{"model": ', "[]", '"text"', ""]) {
        const response = await rig.call(path, { method: "POST", body, headers: { "content-type": "application/json" } });
        expect([response.status, (await failureOf(response)).error.type]).toEqual([400, "invalid_request_error"]);
      }
      expect(rig.simulator.counts().total.requests).toBe(before);
    },
  );

  test.each(["/v1/nothing", "/nothing", "/v1/chat", "/v1/videos/video_x/nothing"])("3: an unknown path %s is 404 in JSON", async (path) => {
    const response = await rig.call(path);
    expect([response.status, (await failureOf(response)).error.code]).toEqual([404, "unknown_url"]);
  });

  test.each([
    "/v1/models",
    "/v1/chat/completions",
    "/v1/videos/video_x/content",
    "/v1beta/models/m:generateContent",
    "/upload/v1beta/files",
  ])("6: a preflight to %s is 204 with what a browser needs", async (path) => {
    const asked = "authorization,x-goog-api-key,x-stainless-retry-count";
    const response = await fetch(`${rig.url}${path}`, {
      method: "OPTIONS",
      headers: { origin: "https://chat.example", "access-control-request-method": "POST", "access-control-request-headers": asked },
    });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(response.headers.get("access-control-allow-headers")).toBe(asked);
    expect(response.headers.get("access-control-allow-methods")).toMatch(/GET.*POST.*DELETE/);
  });

  test("6: responses and refusals can be read from any page", async () => {
    for (const response of [await rig.call("/v1/models"), await fetch(`${rig.url}/v1/models`), await rig.call("/v1/nothing")])
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

test("9: a stream begins at once and says how long it has taken at least every 10 seconds while the upstream is silent", async () => {
  const clock = virtualClock(Date.now());
  await using own = await startRig({ clock, simulator: { faults: "gemini.generate=hang" } });
  const response = await own.chat({ model: MODEL, stream: true });
  let text = "";
  const read = (async () => {
    for await (const bytes of response.body!) text += new TextDecoder().decode(bytes);
  })().catch(() => {});
  await until(() => text.includes("Drawing"));
  expect(JSON.parse(framesOf(text)[0]!).choices[0].delta.role).toBe("assistant");
  for (let second = 10; second <= 30; second += 10) {
    const before = text.length;
    await clock.advance(10_000);
    await until(() => text.slice(before).includes("\n\n"));
    expect(text.slice(before)).toMatch(/^data: .*"reasoning_content":"Drawing[^"]* \d+ s so far/m);
  }
  await own.simulator.stop();
  await read;
});

describe("11: images that a request names", () => {
  const picture = { port: 0, fetch: () => new Response(Buffer.from(PIXEL, "base64"), { headers: { "content-type": "image/png" } }) };

  test("a data URL and an address are fetched and sent as bytes", async () => {
    await using server = Bun.serve(picture);
    const sent = new Bun.CryptoHasher("sha256").update(Buffer.from(PIXEL, "base64")).digest("hex");
    for (const url of [`data:image/png;base64,${PIXEL}`, `http://localhost:${server.port}/a.png`]) {
      expect((await ask(words, { type: "image_url", image_url: { url } })).status).toBe(200);
      expect(lastSent().includes(PIXEL) || lastSent().includes(sent)).toBe(true);
    }
  });

  test.each([
    ["text in place of an object", { type: "image_url", image_url: `data:image/png;base64,${PIXEL}` }],
    ["the form of Responses", { type: "input_image", image_url: `data:image/png;base64,${PIXEL}` }],
    ["a file with its data", { type: "file", file: { file_data: `data:image/png;base64,${PIXEL}`, filename: "a.png" } }],
  ])("%s is understood", async (_name, part) => {
    expect((await ask(words, part)).status).toBe(200);
    expect(lastSent()).toMatch(/"inlineData":\{"mimeType":"image\/png"/);
  });

  test.each([
    ["http://127.0.0.1:1/a.png", 400],
    ["http://[::1]/a.png", 400],
    ["http://169.254.169.254/latest/meta-data", 400],
    ["http://10.0.0.1/a.png", 400],
    ["ftp://pictures.example/a.png", 400],
    // `file:` speaks of the key's own uploads.
    ["file:///etc/passwd", 404],
  ])("%s is refused by its field, without an upstream call", async (url, status) => {
    const before = rig.simulator.counts().total.requests;
    const response = await ask(words, { type: "image_url", image_url: { url } });
    expect(response.status).toBe(status);
    expect((await failureOf(response)).error.param).toBe("messages[0].content[1].image_url");
    expect(rig.simulator.counts().total.requests).toBe(before);
  });

  test("an address in an assistant's text that is not ours is text", async () => {
    const messages = [
      { role: "user", content: "a fox" },
      { role: "assistant", content: "![x](http://127.0.0.1:1/never.png)" },
      { role: "user", content: "now blue" },
    ];
    expect((await rig.chat({ model: MODEL, messages })).status).toBe(200);
    expect(lastSent()).toContain("never.png");
  });
});

describe("15: a video model in chat", () => {
  test("reports its progress as reasoning and ends with an address that players take, which knows ranges", async () => {
    const frames = framesOf(await (await rig.chat({ model: "veo-3.1-generate-preview", stream: true })).text());
    expect(frames.at(-1)).toBe("[DONE]");
    const chunks = frames.slice(0, -1).map((data) => JSON.parse(data) as Chunk);
    expect(chunks[0]!.choices[0]!.delta.role).toBe("assistant");
    expect(chunks.filter(({ choices }) => choices[0]?.delta.reasoning_content).length).toBeGreaterThan(1);
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe("stop");
    const content = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    const url = /\((http[^)?&]+\.mp4)\)/.exec(content)![1]!;
    const part = await fetch(url, { headers: { range: "bytes=0-99" } });
    expect([part.status, part.headers.get("content-type"), (await part.bytes()).length]).toEqual([206, "video/mp4", 100]);
  });

  test.each([
    ["html_block", /^<video src="(http\S+\.mp4)" controls>\n\1\n<\/video>$/m],
    ["html_fence", /^```html\n[^`]*<video[^`]*```$/m],
    ["link", /^\[[^\]]+\]\(http\S+\.mp4\)$/m],
  ])("in the form %s, when it is asked for", async (form, shape) => {
    const response = await rig.chat({ model: "sora-2" }, { headers: { "x-video-output": form } });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]!.message.content).toMatch(shape);
  });

  test("goes on when the client leaves", async () => {
    const controller = new AbortController();
    const response = await rig.chat({ model: "sora-2", stream: true }, { signal: controller.signal });
    const id = response.headers.get("x-flow2api-job")!;
    controller.abort();
    await until(async () => ((await (await rig.call(`/v1/videos/${id}`)).json()) as { status: string }).status === "completed");
  });
});
