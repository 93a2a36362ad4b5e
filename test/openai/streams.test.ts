// Streams of the OpenAI API as strict readers take them: no event without data, no comment in chat, no reasoning after content.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Clock, systemClock } from "../../src/clock.ts";
import { framesOf, GEMINI, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-3.1-flash-image";
type Delta = { role?: string; content?: string; reasoning_content?: string; images?: { image_url: { url: string } }[] };

/** A hundred times as fast as the system's: an upstream of 600 ms takes a minute. */
function fastClock(): Clock {
  const start = Date.now();
  return { now: () => start + (Date.now() - start) * 100, after: (ms, task) => systemClock.after(ms / 100, task) };
}

/** The rule of openai-go before 3.43 (ssestream): every blank line dispatches an event, whose data is parsed. */
function readLikeOpenaiGo(text: string): unknown[] {
  const events: unknown[] = [];
  let data = "";
  for (const line of text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined)) {
    if (line === "") {
      if (data.startsWith("[DONE]")) return events;
      events.push(JSON.parse(data));
      data = "";
    } else if (line.startsWith("data:")) data += line.slice(5).trimStart();
  }
  return events;
}

/** The rule of langchaingo before 0.1.14: every line that is not empty holds JSON, after `data:` where that stands. */
function readLikeLangchaingo(text: string): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => line.replace(/^data:/, "").trim()).flatMap((data) => (data === "[DONE]" ? [] : [JSON.parse(data)]));
}

const deltasOf = (text: string): Delta[] =>
  framesOf(text)
    .filter((data) => data !== "[DONE]")
    .flatMap((data) => (JSON.parse(data) as { choices: { delta: Delta }[] }).choices.map(({ delta }) => delta));

/** Places of reasoning that follow the first content. */
function lateReasoning(deltas: Delta[]): number[] {
  const first = deltas.findIndex(({ content, images }) => Boolean(content) || images);
  return deltas.flatMap(({ reasoning_content }, index) => (reasoning_content !== undefined && index > first ? [index] : []));
}

const CHAT = { model: MODEL, stream: true, messages: [{ role: "user", content: "a fox" }] };
const slow = (settings: Parameters<typeof startRig>[0] = {}): Promise<Rig> =>
  startRig({ clock: fastClock(), simulator: { faults: "gemini.generate=latency(600)" }, ...settings });

const STREAMS: [name: string, path: string, body: object][] = [
  ["chat", "/v1/chat/completions", CHAT],
  ["chat with images beside the text", "/v1/chat/completions", { ...CHAT, modalities: ["image", "text"] }],
  ["chat with two images", "/v1/chat/completions", { ...CHAT, n: 2 }],
  ["responses", "/v1/responses", { model: MODEL, input: "a fox", stream: true }],
  ["images", "/v1/images/generations", { model: MODEL, prompt: "a fox", stream: true }],
  ["images with drafts", "/v1/images/generations", { model: "gemini-3-pro-image", prompt: "a fox", stream: true, partial_images: 2 }],
];

describe.each(STREAMS)("%s, while the upstream takes a minute", (name, path, body) => {
  test("strict readers read it to its end", async () => {
    await using rig = await slow();
    const text = await (await rig.call(path, { json: body })).text();
    expect(readLikeOpenaiGo(text).length).toBeGreaterThan(0);
    expect(text).not.toContain(": ping\n\n");
    if (!name.startsWith("chat")) return;
    expect(readLikeLangchaingo(text).length).toBeGreaterThan(3);
    expect(text).not.toMatch(/^:/m);
    const deltas = deltasOf(text);
    expect(lateReasoning(deltas)).toEqual([]);
    const beats = deltas.filter(({ reasoning_content }) => reasoning_content?.includes("s so far"));
    expect(beats.length).toBeGreaterThanOrEqual(2);
  });
});

test("the images stream is kept alive before its first event, and begins with one where that comes soon", async () => {
  await using rig = await startRig({
    clock: fastClock(),
    simulator: { faults: "gemini.generate=latency(1500)" },
    settings: { "generation.image_timeout": 3600 },
  });
  const body = { model: MODEL, prompt: "a fox", stream: true };
  const text = await (await rig.call("/v1/images/generations", { json: body })).text();
  expect(text.split(": ping\n").length).toBeGreaterThan(4);
  expect(text).toContain("event: image_generation.completed\n");
  rig.simulator.setFaults("");
  expect(await (await rig.call("/v1/images/generations", { json: body })).text()).toMatch(/^event: /);
});

test("a request that waits in the queue gets its position", async () => {
  await using rig = await slow({ tokens: [{ ...GEMINI, imageConcurrency: 1 }] });
  const texts = await Promise.all([1, 2].map(async () => (await rig.call("/v1/chat/completions", { json: CHAT })).text()));
  expect(texts.filter((text) => /Waiting in the queue: position 1[^"]* s so far/.test(text))).toHaveLength(1);
});

test.each([
  [false, false],
  [true, true],
])("with chat.show_token = %p the token's label is in the stream: %p", async (isOn, isShown) => {
  await using rig = await startRig({ settings: { "chat.show_token": isOn } });
  const text = await (await rig.call("/v1/chat/completions", { json: CHAT })).text();
  expect(text.includes(GEMINI.label!)).toBe(isShown);
});

test("an image beyond chat.max_line_kb comes as a link, one within it stays whole in one delta", async () => {
  await using rig = await startRig({ settings: { "chat.max_line_kb": 64 } });
  const contents = async (form: string, size: string) => {
    const body = { ...CHAT, model: "gemini-3-pro-image", size };
    const text = await (await rig.call("/v1/chat/completions", { json: body, headers: { "x-image-output": form } })).text();
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(64 * 1024);
    return deltasOf(text).flatMap(({ content, images }) =>
      content?.includes("![image]") || images ? [JSON.stringify({ content, images })] : [],
    );
  };
  for (const form of ["markdown_data", "images"]) {
    expect((await contents(form, "1K")).filter((content) => content.includes("data:image/"))).toHaveLength(1);
    const long = await contents(form, "4K");
    expect(long).toHaveLength(1);
    expect(long[0]).toContain("![image](http");
  }
});
