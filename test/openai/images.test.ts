// The images endpoints and files, end to end, with the official client and raw forms. Numbers are those of the acceptance checks.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { BadRequestError, NotFoundError, toFile } from "openai";
import { systemClock } from "../../src/clock.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { newKey } from "../../src/ids.ts";
import { framesOf, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
type Answer = {
  data: { b64_json?: string; url?: string }[];
  output_format: string;
  size: string;
  quality?: string;
  usage: Record<string, number>;
  error?: Record<string, unknown>;
};
type Part = { text?: string; inlineData?: { mimeType: string; data: { sha256: string } } };

let rig: Rig;
let client: OpenAI;
/** Images that look apart, as an upstream made them. */
let pictures: Buffer<ArrayBuffer>[];

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
  client = new OpenAI({ apiKey: rig.key, baseURL: `${rig.url}/v1`, maxRetries: 0 });
  const { data } = await generate({ n: 3, size: "512x512" }).then((response) => response.json() as Promise<Answer>);
  pictures = data.map(({ b64_json }) => Buffer.from(b64_json!, "base64"));
});
afterAll(() => rig[Symbol.asyncDispose]());

const generate = (body: object = {}) => rig.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox", ...body } });
const answerOf = async (response: Response) => (await response.json()) as Answer;
const bytesOf = (response: { data?: { b64_json?: string }[] }, index = 0) => Buffer.from(response.data![index]!.b64_json!, "base64");
const typeOf = (bytes: Uint8Array) => (bytes[0] === 0x89 ? "png" : bytes[0] === 0xff ? "jpeg" : bytes[0] === 0x52 ? "webp" : "other");
const hashOf = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
const accepted = () => rig.simulator.counts().total.accepted;
const lastSent = () => {
  const call = rig.simulator.calls().findLast(({ operation }) => operation === "gemini.generate")!;
  return call.body as { contents: { role: string; parts: Part[] }[]; generationConfig: Record<string, unknown> };
};
/** The parts of the last upstream call: texts as they are, images by number. */
const sentParts = () =>
  lastSent().contents[0]!.parts.map((part) =>
    part.inlineData ? pictures.findIndex((bytes) => hashOf(bytes) === part.inlineData!.data.sha256) : part.text,
  );

describe("generations", () => {
  test("16: without response_format the bytes are inside, of the type that is reported", async () => {
    const result = await client.images.generate({ model: MODEL, prompt: "a fox" });
    expect(typeOf(bytesOf(result))).toBe(result.output_format as string);
    expect(result).toMatchObject({
      size: "1024x1024",
      background: "opaque",
      usage: { input_tokens: expect.any(Number), input_tokens_details: { text_tokens: expect.any(Number), image_tokens: 0 } },
    });
    expect("quality" in result).toBe(false);
  });

  test("16: response_format url gives a link that anybody can read", async () => {
    const { data } = await answerOf(await generate({ response_format: "url" }));
    const picture = await fetch(data[0]!.url!);
    expect([picture.status, picture.headers.get("content-type")]).toEqual([200, expect.stringMatching(/^image\//)]);
  });

  test("16: n images are n upstream calls", async () => {
    const before = accepted();
    const { data } = await answerOf(await generate({ n: 3 }));
    expect([data.length, accepted() - before]).toEqual([3, 3]);
  });

  test("16: one success among failures is a success", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=text:2" } });
    const response = await own.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox", n: 3 } });
    expect([response.status, (await answerOf(response)).data.length]).toEqual([200, 1]);
  });

  test.each([
    ["1024x1536", MODEL, { aspectRatio: "2:3", imageSize: "1K" }, "848x1264"],
    ["3840x2160", MODEL, { aspectRatio: "16:9", imageSize: "4K" }, "5504x3072"],
    ["auto", MODEL, { aspectRatio: "1:1" }, "1024x1024"],
    ["512x512", "gemini-nano-banana-2.1", { aspectRatio: "1:1", imageSize: "1K" }, "1024x1024"],
    ["16:9", MODEL, { aspectRatio: "16:9" }, "1376x768"],
  ])("17: size %s of %s", async (size, model, imageConfig, pixels) => {
    const result = await answerOf(await generate({ size, model }));
    expect([lastSent().generationConfig.imageConfig, result.size]).toEqual([imageConfig, pixels] as never);
  });

  test.each([
    ["hd", "high", "2K"],
    ["low", "low", "512"],
    ["auto", undefined, undefined],
  ])("quality %s is reported as %p and sent as %p", async (quality, told, imageSize) => {
    const result = await answerOf(await generate({ quality }));
    const sent = lastSent().generationConfig.imageConfig as { imageSize?: string } | undefined;
    expect([result.quality, sent?.imageSize]).toEqual([told, imageSize]);
  });

  test.each(["jpeg", "webp", "png"] as const)("20: output_format %s", async (format) => {
    const result = await client.images.generate({ model: MODEL, prompt: "a fox", output_format: format, output_compression: 60 });
    expect([typeOf(bytesOf(result)), result.output_format]).toEqual([format, format]);
  });

  test("a lower compression is a smaller image, also by link", async () => {
    const sizes = await Promise.all(
      [10, 90].map(async (output_compression) => {
        const { data } = await answerOf(await generate({ output_format: "webp", output_compression, response_format: "url" }));
        expect(data[0]!.url).toEndWith(".webp");
        return (await (await fetch(data[0]!.url!)).bytes()).byteLength;
      }),
    );
    expect(sizes[0]!).toBeLessThan(sizes[1]!);
  });

  test("an image in a generation is an edit; a negative prompt is said in words", async () => {
    const image = `data:image/png;base64,${pictures[1]!.toString("base64")}`;
    expect((await generate({ input_references: [{ type: "image_url", image_url: { url: image } }], negative_prompt: "text" })).status).toBe(
      200,
    );
    expect(sentParts()).toEqual(["a fox\n\nAvoid: text", 1]);
  });

  test.each([
    [{ prompt: undefined }, "prompt"],
    [{ n: 11 }, "n"],
    [{ size: "huge" }, "size"],
    [{ output_format: "gif" }, "output_format"],
    [{ response_format: "file" }, "response_format"],
    [{ image: { wrong: true } }, "image"],
    [{ images: [{ file_id: "file-aaaaaaaaaaaaaaaaaaaaaaaaaa" }] }, "images[0].file_id"],
  ])("%j is refused by its name, and costs nothing", async (body, param) => {
    const before = accepted();
    const { error } = await answerOf(await generate(body));
    expect([error?.param, accepted() - before]).toEqual([param, 0]);
  });

  test("every client's way there is open, variations are explained", async () => {
    const json = { model: MODEL, prompt: "a fox" };
    expect((await rig.call("/v1/images", { json })).status).toBe(200);
    expect((await rig.call("/v1beta/openai/images/generations", { json })).status).toBe(200);
    expect((await rig.call("/v1beta/openai/models/gemini-3-pro-image")).status).toBe(200);
    expect(await answerOf(await rig.call("/v1/images/variations", { json }))).toMatchObject({
      error: { message: expect.stringContaining("edits") },
    });
  });
});

describe("18: edits send the prompt first, then the images in order", () => {
  const file = (index: number, name = `${index}.png`, type = "image/png") => toFile(pictures[index]!, name, { type });
  const form = (...entries: [string, string | Blob, string?][]) => {
    const body = new FormData();
    for (const [name, value, fileName] of [["model", MODEL], ["prompt", "blue"], ...entries] as typeof entries) {
      if (typeof value === "string") body.append(name, value);
      else body.append(name, value, fileName);
    }
    return rig.call("/v1/images/edits", { method: "POST", body });
  };
  const blob = (index: number, type = "application/octet-stream") => new Blob([pictures[index]!], { type });

  test("one file of the official client", async () => {
    await client.images.edit({ model: MODEL, prompt: "blue", image: await file(0) });
    expect(sentParts()).toEqual(["blue", 0]);
  });

  test("several files of the official client, with options as text", async () => {
    const result = await client.images.edit({
      model: MODEL,
      prompt: "blue",
      image: [await file(2), await file(0)],
      n: 2,
      output_format: "webp",
    });
    expect([sentParts(), result.data?.length, result.output_format]).toEqual([["blue", 2, 0], 2, "webp"]);
  });

  test.each([
    [
      "Open WebUI",
      [
        ["image[]", 0],
        ["image[]", 1],
      ],
    ],
    ["the AI SDK, a nameless blob", [["image", 0]]],
    [
      "repeated names",
      [
        ["image", 1],
        ["image", 0],
      ],
    ],
    [
      "numbered names",
      [
        ["image[0]", 1],
        ["image[1]", 2],
      ],
    ],
  ] as [string, [string, number][]][])("%s", async (_name, files) => {
    const response = await form(["response_format", "b64_json"], ...files.map(([name, index]): [string, Blob] => [name, blob(index)]));
    expect([response.status, sentParts()]).toEqual([200, ["blue", ...files.map(([, index]) => index)]]);
  });

  test("JSON with data URLs", async () => {
    const images = [2, 1].map((index) => ({ image_url: `data:image/png;base64,${pictures[index]!.toString("base64")}` }));
    expect((await rig.call("/v1/images/edits", { json: { model: MODEL, prompt: "blue", images } })).status).toBe(200);
    expect(sentParts()).toEqual(["blue", 2, 1]);
  });

  test("a mask comes last, and is explained", async () => {
    await client.images.edit({ model: MODEL, prompt: "blue", image: await file(0), mask: await file(1) });
    expect(sentParts()).toEqual(["blue", 0, expect.stringContaining("mask"), 1]);
  });

  test.each([
    ["17 files", () => form(...Array.from({ length: 17 }, (): [string, Blob] => ["image[]", blob(0)])), "image"],
    ["15 files, where the model takes 14", () => form(...Array.from({ length: 15 }, (): [string, Blob] => ["image[]", blob(0)])), "image"],
    ["no picture", () => form(), "image"],
    ["a file that is no picture", () => form(["image", new Blob(["hello"]), "a.png"]), "image"],
    ["a word for a number", () => form(["image", blob(0)], ["n", "many"]), "n"],
  ])("%s is refused", async (_name, send, param) => {
    const before = accepted();
    const response = await send();
    expect([response.status, (await answerOf(response)).error?.param, accepted() - before]).toEqual([400, param, 0]);
  });
});

describe("19: streams", () => {
  test("the official client gets interim images, then the image with usage", async () => {
    const stream = await client.images.generate({ model: "gemini-nano-banana-2.1", prompt: "a fox", stream: true, partial_images: 2 });
    const events = await Array.fromAsync(stream);
    expect(events.map(({ type }) => type)).toEqual(["image_generation.partial_image", "image_generation.completed"]);
    expect(events[0]).toMatchObject({ partial_image_index: 0, b64_json: expect.stringMatching(/^[\w+/]+=*$/) });
    expect(events.at(-1)).toMatchObject({ quality: "auto", size: "1024x1024", usage: { total_tokens: expect.any(Number) } });
  });

  test("edits name their events so, one completed for each image, with usage reported once", async () => {
    const image = await toFile(pictures[0]!, "a.png");
    const events = await Array.fromAsync(await client.images.edit({ model: MODEL, prompt: "blue", image, stream: true, n: 2 }));
    expect(events.map(({ type }) => type)).toEqual(["image_edit.completed", "image_edit.completed"]);
    const totals = events.map((event) => ("usage" in event ? event.usage.total_tokens : null));
    expect([totals[0], totals[1]! > 0]).toEqual([0, true]);
  });

  test("a refusal is an event that the client throws", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=image-safety" } });
    const response = await own.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox", stream: true } });
    const text = await response.text();
    expect(text).toContain("event: error");
    expect(JSON.parse(framesOf(text).at(-1)!)).toMatchObject({ error: { code: "moderation_blocked" } });
  });
});

describe("21: no image", () => {
  const refused = async (fault: string) => {
    await using own = await startRig({ simulator: { faults: `gemini.generate=${fault}` } });
    const sdk = new OpenAI({ apiKey: own.key, baseURL: `${own.url}/v1`, maxRetries: 0 });
    return await sdk.images.generate({ model: MODEL, prompt: "a fox" }).catch((error: unknown) => error as BadRequestError);
  };
  test.each([
    ["text", "no_image_generated", { message: expect.stringContaining("I cannot draw that") }],
    ["no-image", "no_image_generated", {}],
    ["blocked", "moderation_blocked", { moderation_details: { moderation_stage: "input", categories: [] } }],
    ["image-safety", "moderation_blocked", { moderation_details: { moderation_stage: "output", categories: [] } }],
  ])("%s is %s", async (fault, code, error) => {
    const thrown = await refused(fault);
    expect(thrown).toBeInstanceOf(BadRequestError);
    expect(thrown).toMatchObject({ code, error, type: "image_generation_user_error" });
  });
});

describe("files", () => {
  test("are uploaded once, used by id, listed, read and deleted", async () => {
    const made = await client.files.create({ file: await toFile(pictures[1]!, "fox one.png"), purpose: "vision" });
    expect(made).toMatchObject({ filename: "fox one.png", purpose: "vision", bytes: pictures[1]!.byteLength });
    expect(made.id).toMatch(/^file-[a-z2-7]{26}$/);
    expect(await client.files.retrieve(made.id)).toEqual(made);
    expect((await Array.fromAsync(client.files.list({ limit: 1 }))).map(({ id }) => id)).toContain(made.id);
    expect(Buffer.from(await (await client.files.content(made.id)).arrayBuffer()).equals(pictures[1]!)).toBe(true);

    const json = { model: MODEL, prompt: "blue", images: [{ file_id: made.id }] };
    expect((await rig.call("/v1/images/edits", { json })).status).toBe(200);
    expect(sentParts()).toEqual(["blue", 1]);
    const content = [
      { type: "text", text: "green" },
      { type: "file", file: { file_id: made.id } },
    ];
    expect((await rig.chat({ messages: [{ role: "user", content }] })).status).toBe(200);
    expect(sentParts()).toEqual(["green", 1]);

    expect(await client.files.delete(made.id)).toMatchObject({ id: made.id, deleted: true });
    expect(await client.files.retrieve(made.id).catch((error: unknown) => error)).toBeInstanceOf(NotFoundError);
    expect((await rig.call("/v1/images/edits", { json })).status).toBe(404);
  });

  test("are gone when their time is over, which they report, before anything has deleted them", async () => {
    let ahead = 0;
    const clock = { now: () => Date.now() + ahead, after: systemClock.after };
    await using own = await startRig({ clock, settings: { "media.input_max_age_days": 2 } });
    const form = new FormData();
    form.append("file", new File([pictures[1]!], "fox.png"));
    const file = (await (await own.call("/v1/files", { method: "POST", body: form })).json()) as { id: string; expires_at: number };
    const google = { headers: { "x-goog-api-key": own.key } };
    const here = async () => {
      const { data } = (await (await own.call("/v1/files")).json()) as { data: unknown[] };
      const edit = { model: MODEL, prompt: "blue", images: [{ file_id: file.id }] };
      const [shown, used] = await Promise.all([own.call(`/v1/files/${file.id}`), own.call("/v1/images/edits", { json: edit })]);
      const asGoogle = await fetch(`${own.url}/v1beta/files/${file.id.replace("file-", "")}`, google);
      return [data.length, shown.status, used.status, asGoogle.status];
    };
    ahead = file.expires_at * 1000 - Date.now() - 60_000;
    expect(await here()).toEqual([1, 200, 200, 200]);
    ahead += 61_000;
    expect(await here()).toEqual([0, 404, 404, 403]);
    expect(await own.context.media.get(file.id.replace("file-", ""))).not.toBeNull();
  });

  test("what is no image and no video is refused", async () => {
    const upload = client.files.create({ file: await toFile(Buffer.from('{"a":1}'), "batch.jsonl"), purpose: "batch" });
    expect(await upload.catch((error: unknown) => error)).toMatchObject({ status: 400, param: "file" });
  });

  test("another key's file is not there", async () => {
    const { id } = await client.files.create({ file: await toFile(pictures[0]!, "a.png"), purpose: "vision" });
    const { key } = await otherKey(rig);
    const headers = { authorization: `Bearer ${key}` };
    const before = accepted();
    const responses = await Promise.all([
      rig.call(`/v1/files/${id}`, { headers }),
      rig.call(`/v1/files/${id}/content`, { headers }),
      rig.call(`/v1/files/${id}`, { method: "DELETE", headers }),
      rig.call("/v1/images/edits", { json: { model: MODEL, prompt: "blue", images: [{ file_id: id }] }, headers }),
    ]);
    expect([responses.map(({ status }) => status), accepted() - before]).toEqual([[404, 404, 404, 404], 0]);
    expect(((await (await rig.call("/v1/files", { headers })).json()) as { data: unknown[] }).data).toEqual([]);
    expect((await client.files.retrieve(id)).id).toBe(id);
  });
});

/** A second key of the same gateway, known to the running server. */
async function otherKey({ context }: Rig) {
  const { key, prefix } = newKey();
  await context.store.insertKey({ name: "other", hash: hashKey(key), prefix }, Date.now());
  context.keys.load(await context.store.listKeys(), await context.store.listKeyHashes());
  return { key };
}
