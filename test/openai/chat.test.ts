// Chat, end to end: a real server, a real upstream over HTTP. Numbers are those of the acceptance checks in the wire reference.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FLOW, framesOf, GEMINI, type Rig, startRig } from "../rig.ts";

type Message = { content: string; images?: { type: string; image_url: { url: string } }[] };
type Completion = {
  id: string;
  model: string;
  choices: { message: Message; finish_reason: string }[];
  usage: Record<string, number>;
  error?: Record<string, unknown>;
};
type Chunk = {
  id: string;
  model: string;
  choices: {
    delta: { role?: string; content?: string; reasoning_content?: string; images?: Message["images"] };
    finish_reason: string | null;
  }[];
  usage?: unknown;
  error?: unknown;
};

const LINK = /!\[[^\]]*\]\((https?:\/\/[^)\s]+\.(png|jpg|webp))\)/;
const completionOf = async (response: Response) => (await response.json()) as Completion;
const chunksOf = async (response: Response) =>
  framesOf(await response.text())
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as Chunk);
const pngOf = (width: number, height: number) => ({ width, height });

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW] });
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("without streaming", () => {
  test("7: the response is one Markdown link, readable without a key, and no images field", async () => {
    const { choices, usage, model } = await completionOf(await rig.chat());
    const { message, finish_reason } = choices[0]!;
    expect([model, finish_reason, "images" in message]).toEqual(["gemini-3.1-flash-image", "stop", false]);
    const url = LINK.exec(message.content)?.[1];
    const picture = await fetch(url!);
    expect(picture.status).toBe(200);
    expect(picture.headers.get("content-type")).toStartWith("image/");
    expect(usage).toMatchObject({ completion_tokens: expect.any(Number), total_tokens: expect.any(Number) });
  });

  test("8: modalities with image give message.images and no Markdown", async () => {
    const { choices } = await completionOf(await rig.chat({ modalities: ["image", "text"] }));
    const { message } = choices[0]!;
    expect(message.images).toEqual([{ type: "image_url", index: 0, image_url: { url: expect.stringMatching(/^data:image\//) } }] as never);
    expect(message.content).not.toContain("![");
  });

  test("n images are n upstream calls and n links", async () => {
    const before = rig.simulator.counts().total.accepted;
    const { choices } = await completionOf(await rig.chat({ n: 3 }));
    expect([choices[0]!.message.content.match(/!\[image]/g)?.length, rig.simulator.counts().total.accepted - before]).toEqual([3, 3]);
  });

  test("3: unknown fields are ignored", async () =>
    expect((await rig.chat({ tools: [], temperature: 1, whatever: { deep: [1] } })).status).toBe(200));

  test.each([
    ["gemini-3.1-flash-image-landscape", pngOf(1376, 768)],
    ["gemini-3.1-flash-image-portrait-2k", pngOf(1536, 2752)],
    ["gemini-3.1-flash-image-square", pngOf(1024, 1024)],
  ])("%s generates the pixels that its name promises", async (model, pixels) => {
    const { choices } = await completionOf(await rig.chat({ model }));
    const id = /\/media\/([a-z2-7]{26})/.exec(choices[0]!.message.content)![1]!;
    expect(await rig.context.media.get(id)).toMatchObject(pixels);
  });

  test("an image of the user reaches the upstream as it is, by data URL and by our own link", async () => {
    const made = await completionOf(await rig.chat());
    const url = LINK.exec(made.choices[0]!.message.content)![1]!;
    const content = [
      { type: "text", text: "make it blue" },
      { type: "image_url", image_url: { url } },
    ];
    expect((await rig.chat({ messages: [{ role: "user", content }] })).status).toBe(200);
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    const data = `data:image/png;base64,${bytes.toString("base64")}`;
    expect(
      (
        await rig.chat({
          messages: [
            {
              role: "user",
              content: [
                { type: "image_url", image_url: { url: data } },
                { type: "text", text: "again" },
              ],
            },
          ],
        })
      ).status,
    ).toBe(200);
  });

  test("11: our image in an assistant's text goes upstream in a model turn; a stranger's is never fetched", async () => {
    const made = await completionOf(await rig.chat({ model: "gemini-nano-banana-2.1" }));
    const messages = [
      { role: "user", content: "a fox" },
      { role: "assistant", content: `${made.choices[0]!.message.content}\n![x](http://127.0.0.1:1/never.png)` },
      { role: "user", content: "now blue" },
    ];
    expect((await rig.chat({ model: "gemini-nano-banana-2.1", messages })).status).toBe(200);
    const sent = JSON.stringify(rig.simulator.calls().findLast((call) => call.operation === "gemini.generate"));
    expect(sent).toContain('"role":"model"');
    expect(sent).toMatch(/inline_?[dD]ata/);
  });
});

describe("streamed", () => {
  test("9: role at once, progress as reasoning, the whole image in one chunk, a finish, usage, [DONE]", async () => {
    const response = await rig.chat({ stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    const text = await response.text();
    const frames = framesOf(text);
    const chunks = frames.slice(0, -1).map((data) => JSON.parse(data) as Chunk);
    expect(frames.at(-1)).toBe("[DONE]");
    expect(chunks[0]!.choices[0]!.delta.role).toBe("assistant");
    expect(new Set(chunks.map(({ id, model }) => `${id} ${model}`)).size).toBe(1);
    expect(chunks.filter((chunk) => LINK.test(chunk.choices[0]?.delta.content ?? ""))).toHaveLength(1);
    expect(chunks.some((chunk) => chunk.choices[0]?.delta.reasoning_content?.includes("Drawing"))).toBe(true);
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(64 * 1024);
  });

  test("8: delta.images when they are asked for", async () => {
    const chunks = await chunksOf(await rig.chat({ stream: true, image_config: { aspect_ratio: "1:1" } }));
    const images = chunks.flatMap((chunk) => chunk.choices[0]?.delta.images ?? []);
    expect(images).toHaveLength(1);
    expect(images[0]!.image_url.url).toStartWith("data:image/");
  });

  test("without include_usage there is no usage chunk", async () => {
    const chunks = await chunksOf(await rig.chat({ stream: true }));
    expect(chunks.every((chunk) => chunk.choices.length === 1)).toBe(true);
  });
});

describe("what the upstream says", () => {
  const withFault = async (fault: string, body = {}, model = "gemini-nano-banana-2.1") => {
    await using own = await startRig({ simulator: { faults: fault } });
    return completionOf(await own.chat({ model, ...body }));
  };

  test.each(["gemini.generate=draft", "gemini.generate=draft-late"])(
    "12: an interim image in a thought is never delivered (%s)",
    async (fault) => {
      const { choices } = await withFault(fault);
      expect(choices[0]!.message.content.match(/!\[image]/g)).toHaveLength(1);
    },
  );

  test.each(["blocked", "image-safety"])("13: %s is content_filter with an explanation", async (fault) => {
    const { choices } = await withFault(`gemini.generate=${fault}`);
    expect(choices[0]).toMatchObject({ finish_reason: "content_filter", message: { content: expect.stringMatching(/./) } });
  });

  test("13: a refusal is an error when the setting says so", async () => {
    await using own = await startRig({
      simulator: { faults: "gemini.generate=image-safety" },
      settings: { "generation.refusal": "error" },
    });
    const response = await own.chat();
    expect([response.status, ((await response.json()) as Completion).error]).toMatchObject([400, { code: "moderation_blocked" }]);
  });

  test("nothing at all is reported without a reason in brackets", async () => {
    const { error } = await withFault("gemini.generate=empty");
    expect(error).toMatchObject({ message: "The model returned no image.", code: "no_image_generated" });
  });

  test("text instead of an image is shown as text", async () => {
    const { choices } = await withFault("gemini.generate=text");
    expect(choices[0]!.finish_reason).toBe("stop");
    expect(choices[0]!.message.content).not.toContain("![");
  });
});

test("a retired model is served by its successor, said in a header and the log; switched off it is refused", async () => {
  const response = await rig.chat({ model: "dall-e-3" });
  expect(response.status).toBe(200);
  expect(response.headers.get("x-flow2api-successor")).toContain('for="dall-e-3"');
  const reported = rig.logged
    .map((line) => JSON.parse(line))
    .filter(({ message }) => message === "A retired model is served by its successor");
  expect(reported).toContainEqual(expect.objectContaining({ requested: "dall-e-3", family: expect.any(String) }));
  await using strict = await startRig({ settings: { "generation.successors": false } });
  expect((await strict.chat({ model: "dall-e-3" })).status).toBe(503);
});

describe("a model that the upstream has retired is served by its successor within the request", () => {
  const model = "gemini-3.1-flash-image";
  const prompt = { contents: [{ role: "user", parts: [{ text: "a fox" }] }] };
  test.each([
    ["/v1/chat/completions", { model, messages: [{ role: "user", content: "a fox" }] }],
    ["/v1/chat/completions", { model, messages: [{ role: "user", content: "a fox" }], n: 3 }],
    ["/v1/images/generations", { model, prompt: "a fox" }],
    ["/v1/responses", { model, input: "a fox" }],
    [`/v1beta/models/${model}:generateContent`, prompt],
  ])("%s %j", async (path, json) => {
    await using own = await startRig();
    own.simulator.setFaults(`gemini.generate=retired(${model})`);
    const response = await own.call(path, { json });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-flow2api-successor")).toMatch(new RegExp(`^gemini-\\S+; for="${model}"$`));
    const [row] = await own.context.requests.list({ limit: 1 });
    expect(row).toMatchObject({ outcome: "ok", model, family: "gemini-nano-banana-2.1" });
    expect(row!.attempts.map(({ family, outcome }) => [family, outcome])).toContainEqual([model, "upstream_model_denied"]);
  });

  test("in a stream, and as a job under an Idempotency-Key, whose repetition names it as well", async () => {
    await using own = await startRig({ simulator: { faults: `gemini.generate=retired(${model})` } });
    const text = await (await own.chat({ model, stream: true })).text();
    expect([text.includes("/media/"), text.includes('"error"')]).toEqual([true, false]);
    await using other = await startRig({ simulator: { faults: `gemini.generate=retired(${model})` } });
    for (const _ of [1, 2]) {
      const response = await other.chat({ model }, { headers: { "idempotency-key": "one" } });
      expect([response.status, response.headers.get("x-flow2api-successor")]).toEqual([200, expect.stringContaining(`for="${model}"`)]);
    }
    expect(other.simulator.counts().total.charged).toBe(1);
  });

  test("not while successors are switched off, and not when all of them are retired as well", async () => {
    await using strict = await startRig({
      settings: { "generation.successors": false },
      simulator: { faults: `gemini.generate=retired(${model})` },
    });
    expect((await strict.chat({ model })).status).toBe(503);
    await using none = await startRig({ simulator: { faults: "gemini.generate=retired" } });
    expect((await none.chat({ model })).status).toBe(503);
  });
});

test("an unknown model is 404 with the nearest known ids", async () => {
  const response = await rig.chat({ model: "gemini-3-pro-imag" });
  const { error } = await completionOf(response);
  expect([response.status, error]).toMatchObject([
    404,
    { code: "model_not_found", param: "model", message: expect.stringContaining("gemini-3-pro-image") },
  ]);
});

test("an auxiliary call gets text and costs nothing", async () => {
  const before = rig.simulator.counts().total.requests;
  const { choices } = await completionOf(await rig.chat({ messages: [{ role: "user", content: "hi" }] }));
  expect(choices[0]!.message.content).toStartWith("Hello");
  expect(rig.simulator.counts().total.requests).toBe(before);
});
