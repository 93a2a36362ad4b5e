// /v1/responses, end to end, with the official client. Numbers are those of the acceptance checks in the wire reference.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { BadRequestError } from "openai";
import type { ResponseCreateParamsNonStreaming, ResponseStreamEvent } from "openai/resources/responses/responses";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-nano-banana-2.1";
type Part = { text?: string; inlineData?: { data: { sha256: string } }; thoughtSignature?: string };
type Call = { id: string; type: "image_generation_call"; status: string; result: string; output_format: string };

let rig: Rig;
let client: OpenAI;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI] });
  client = clientOf(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

const clientOf = (own: Rig) => new OpenAI({ apiKey: own.key, baseURL: `${own.url}/v1`, maxRetries: 0 });
const create = (body: Partial<ResponseCreateParamsNonStreaming> = {}) =>
  client.responses.create({ model: MODEL, input: "a fox", ...body } as ResponseCreateParamsNonStreaming);
const callIn = (response: { output: unknown[] }) => response.output.find((item) => (item as Call).type === "image_generation_call") as Call;
const bytesOf = ({ result }: Call) => Buffer.from(result, "base64");
const hashOf = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
const lastCall = () => rig.simulator.calls().findLast(({ operation }) => operation === "gemini.generate")!;
/** What went upstream last: each turn's role and parts, images by their hash. */
const sentTurns = () => {
  const { contents } = lastCall().body as { contents: { role: string; parts: Part[] }[] };
  return contents.map(({ role, parts }) => [role, ...parts.map(({ text, inlineData }) => inlineData?.data.sha256 ?? text)]);
};

describe("one response", () => {
  test("29: an image model generates without naming the tool", async () => {
    const response = await create();
    const call = callIn(response);
    expect(call).toMatchObject({ status: "completed", size: "1024x1024", background: "opaque" });
    expect(["png", "jpeg"]).toContain(call.output_format);
    expect(bytesOf(call).byteLength).toBeGreaterThan(100);
    expect(response.output_text).toContain("Here is your image");
    expect(response).toMatchObject({ status: "completed", model: MODEL, error: null, usage: { total_tokens: expect.any(Number) } });
  });

  test("29: any other model calls the tool, with the tool's options", async () => {
    const tool = {
      type: "image_generation",
      model: "gemini-3.1-flash-image",
      size: "1536x1024",
      output_format: "webp",
      quality: "high",
    } as const;
    const response = await create({ model: "gpt-5.2", tools: [tool], tool_choice: { type: "image_generation" } });
    expect(callIn(response)).toMatchObject({ output_format: "webp", quality: "high", size: "1264x848" });
    expect(bytesOf(callIn(response)).subarray(8, 12).toString()).toBe("WEBP");
    expect([response.model, response.tools, lastCall().path]).toMatchObject([
      "gpt-5.2",
      [tool],
      expect.stringContaining("gemini-3.1-flash-image"),
    ]);
  });

  test("another model without the tool is unknown", async () =>
    expect(await create({ model: "gpt-5.2" }).catch((error: unknown) => error)).toMatchObject({ status: 404, code: "model_not_found" }));

  test("instructions, developer messages, images and a mask reach the upstream in their places", async () => {
    const png = `data:image/png;base64,${bytesOf(callIn(await create({ tools: [{ type: "image_generation", output_format: "png" }] }))).toString("base64")}`;
    await create({
      instructions: "Be bright.",
      input: [
        { role: "developer", content: "Be round." },
        {
          role: "user",
          content: [
            { type: "input_text", text: "blue" },
            { type: "input_image", image_url: png, detail: "auto" },
          ],
        },
      ],
      tools: [{ type: "image_generation", input_image_mask: { image_url: png } }],
    });
    const { systemInstruction } = lastCall().body as { systemInstruction: { parts: Part[] } };
    expect(systemInstruction.parts[0]!.text).toBe("Be bright.\n\nBe round.");
    const hash = hashOf(Buffer.from(png.split(",")[1]!, "base64"));
    expect(sentTurns()).toEqual([["user", "blue", hash, expect.stringContaining("mask"), hash]]);
  });

  test("a greeting gets words and costs nothing", async () => {
    const before = rig.simulator.counts().total.requests;
    expect((await create({ input: "hi" })).output_text).toStartWith("Hello");
    expect(rig.simulator.counts().total.requests).toBe(before);
  });
});

describe("going on", () => {
  test("from the response before, with the upstream's mark on its image", async () => {
    const first = await create();
    const second = await create({ previous_response_id: first.id, input: "now blue" });
    const turns = sentTurns();
    expect(turns.map(([role]) => role)).toEqual(["user", "model", "user"]);
    expect([turns[0]![1], turns[1]!.at(-1), turns[2]![1]]).toEqual(["a fox", hashOf(bytesOf(callIn(first))), "now blue"]);
    expect(JSON.stringify(lastCall().body)).toContain("thoughtSignature");
    await create({ previous_response_id: second.id, input: "now green" });
    expect(sentTurns().map(([role]) => role)).toEqual(["user", "model", "user", "model", "user"]);
  });

  test.each(["id and result", "id alone", "reference", "result of another gateway"])("from an earlier image by its %s", async (how) => {
    const call = callIn(await create());
    const id = how === "result of another gateway" ? "ig_unknown" : call.id;
    const item = how === "reference" ? { type: "item_reference", id } : { ...call, id, result: how === "id alone" ? null : call.result };
    await create({ input: [{ role: "user", content: "a fox" }, item, { role: "user", content: "now blue" }] as never });
    expect(sentTurns()).toEqual([
      ["user", "a fox"],
      ["model", hashOf(bytesOf(call))],
      ["user", "now blue"],
    ]);
  });

  test("from a response that can be viewed as it was, page by page, until it is deleted", async () => {
    const first = await create({
      instructions: "Be bright.",
      metadata: { a: "b" },
      tools: [{ type: "image_generation", output_format: "webp" }],
    });
    expect(await client.responses.retrieve(first.id)).toMatchObject({ ...first });
    const second = await create({ previous_response_id: first.id, input: "now blue" });
    const list = (query: object) => client.responses.inputItems.list(second.id, query);
    const newest = await list({});
    expect(newest.data.map(({ type }) => type)).toEqual(["message", "image_generation_call", "message", "message"]);
    expect((newest.data[1] as Call).result.length).toBeGreaterThan(100);
    const page = await list({ order: "asc", limit: 3 });
    expect(page.data).toEqual(newest.data.slice(1).reverse());
    expect([page.has_more, (await page.getNextPage()).data]).toEqual([true, newest.data.slice(0, 1)]);
    await client.responses.delete(first.id);
    expect(await client.responses.retrieve(first.id).catch((error: unknown) => error)).toMatchObject({ status: 404 });
    expect((await client.responses.retrieve(second.id)).id).toBe(second.id);
  });

  test("with null in place of an image that is past its age", async () => {
    const { id } = await create();
    const { response, pictures } = (await rig.context.responses.find(id, 1)) as { response: object; pictures: Record<string, string> };
    for (const mediaId of Object.values(pictures)) await rig.context.media.remove(mediaId);
    expect(await client.responses.retrieve(id)).toMatchObject(response);
    expect(callIn(await client.responses.retrieve(id))).toMatchObject({ status: "completed", result: null } as never);
    await create({ previous_response_id: id, input: "now blue" });
    expect(sentTurns().map(([role]) => role)).toEqual(["user", "model", "user"]);
  });

  test.each([
    ["its own", 1, ["message", "image_generation_call", "message"]],
    ["another key's", 999, ["message", "message"]],
  ])("with the image that it named and nobody read: %s", async (_whose, keyId, types) => {
    const { id, ext } = await rig.context.media.storeBytes(PIXEL_PNG, { origin: "input", keyId, requestId: null });
    const input = [
      { role: "user", content: "a fox" },
      { role: "assistant", content: `![it](${rig.url}/media/${id}.${ext})` },
      { role: "user", content: "Summarize the conversation into a short title" },
    ];
    const response = await create({ input: input as never });
    const { data } = await client.responses.inputItems.list(response.id, { order: "asc" });
    expect(data.map(({ type }) => type)).toEqual(types as never);
  });

  test.each(["limit=0", "limit=101", "limit=x"])("not by pages of %s", async (query) => {
    const { id } = await create();
    expect((await rig.call(`/v1/responses/${id}/input_items?${query}`)).status).toBe(400);
  });

  test("not from what was not to be stored, or never was", async () => {
    const { id } = await create({ store: false });
    for (const previous_response_id of [id, "resp_unknown"]) {
      const thrown = await create({ previous_response_id }).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ status: 400, code: "previous_response_not_found", param: "previous_response_id" });
    }
  });
});

describe("events", () => {
  const PICTURE = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
  ];
  const TEXT = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
  ];
  const eventsOf = async (own: OpenAI, body: object = {}) =>
    (await Array.fromAsync(await own.responses.create({ model: MODEL, input: "a fox", stream: true, ...body }))) as ResponseStreamEvent[];

  test("29: come in the order that clients check, numbered, and end with the whole response", async () => {
    const events = await eventsOf(client, { tools: [{ type: "image_generation", partial_images: 2 }] });
    expect(events.map(({ type }) => type)).toEqual([
      ...PICTURE,
      "response.image_generation_call.partial_image",
      "response.image_generation_call.completed",
      "response.output_item.done",
      ...TEXT,
      "response.completed",
    ] as never);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const last = events.at(-1)!;
    expect(last.type === "response.completed" && last.response.output.map(({ type }) => type)).toEqual([
      "image_generation_call",
      "message",
    ]);
  });

  test("29: finalResponse() of the official client resolves with the image", async () => {
    const response = await client.responses.stream({ model: MODEL, input: "a fox" }).finalResponse();
    expect(callIn(response as { output: unknown[] }).result.length).toBeGreaterThan(100);
    await create({ previous_response_id: response.id, input: "now blue" });
    expect(sentTurns().map(([role]) => role)).toEqual(["user", "model", "user"]);
  });

  test("words of our own come without an image that is under way", async () => {
    const events = await eventsOf(client, { input: "hi" });
    expect(events.map(({ type }) => type)).toEqual(["response.created", "response.in_progress", ...TEXT, "response.completed"] as never);
  });

  test("words instead of an image: the call fails, the response does not", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=text" } });
    const response = await clientOf(own).responses.stream({ model: MODEL, input: "a fox" }).finalResponse();
    expect([response.status, callIn(response as never).status, response.output_text]).toEqual([
      "completed",
      "failed",
      expect.stringContaining("I cannot draw"),
    ]);
  });

  test.each([
    ["image-safety", {}, "image_content_policy_violation"],
    ["text", { tool_choice: { type: "image_generation" } }, "server_error"],
  ])("%s with %j is response.failed", async (fault, body, code) => {
    await using own = await startRig({ simulator: { faults: `gemini.generate=${fault}` } });
    const events = await eventsOf(clientOf(own), body);
    const last = events.at(-1)!;
    expect(last).toMatchObject({ type: "response.failed", response: { status: "failed", error: { code } } });
    expect(events.at(-2)).toMatchObject({
      type: "response.output_item.done",
      item: { status: "failed", error: { code: expect.any(String) } },
    });
  });

  test("a refusal without streaming is an error", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=blocked" } });
    const thrown = await clientOf(own)
      .responses.create({ model: MODEL, input: "a fox" })
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(BadRequestError);
    expect(thrown).toMatchObject({ code: "moderation_blocked" });
  });
});
