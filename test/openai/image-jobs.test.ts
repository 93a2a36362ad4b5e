// Images as jobs and under an Idempotency-Key, end to end.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { framesOf, GEMINI, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
type Answer = {
  id?: string;
  status?: string;
  data?: { b64_json: string }[];
  output_format?: string;
  error?: { code: string; message: string };
};

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI] });
});
afterAll(() => rig[Symbol.asyncDispose]());

const generate = (own: Rig, body: object = {}, headers: Record<string, string> = {}) =>
  own.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox", ...body }, headers });
const answerOf = async (response: Response) => (await response.json()) as Answer;
const accepted = (own: Rig) => own.simulator.counts().total.accepted;
/** Reads the events of a job to their end. */
const eventsOf = async (own: Rig, location: string) => {
  const text = await (await own.call(`${location}/events`)).text();
  return { names: [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]), last: JSON.parse(framesOf(text).at(-1)!) as Answer };
};

describe("a job", () => {
  test.each([
    ["background: true", { background: true }, {}],
    ["Prefer: respond-async", {}, { prefer: "wait=5, respond-async" }],
  ])("%s is answered with its address, where its events and its response are", async (_name, body, headers) => {
    const response = await generate(rig, { output_format: "webp", ...body }, headers as Record<string, string>);
    const location = response.headers.get("location")!;
    expect([response.status, location]).toEqual([202, expect.stringMatching(/^\/v1\/images\/generations\/image_[a-z2-7]{26}$/)]);
    const { names, last } = await eventsOf(rig, location);
    expect([names.at(-1), last.output_format]).toEqual(["image_job.completed", "webp"]);
    const done = await rig.call(location);
    const result = await answerOf(done);
    expect([done.status, Buffer.from(result.data![0]!.b64_json, "base64").subarray(8, 12).toString()]).toEqual([200, "WEBP"]);
  });

  test("that failed says why, where it would have answered", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=image-safety" } });
    const location = (await generate(own, { background: true })).headers.get("location")!;
    const { names, last } = await eventsOf(own, location);
    expect([names.at(-1), last.error?.code]).toEqual(["image_job.failed", "moderation_blocked"]);
    const response = await own.call(location);
    expect([response.status, response.headers.get("x-should-retry"), (await answerOf(response)).error?.code]).toEqual([
      400,
      "false",
      "moderation_blocked",
    ]);
  });

  test("can be cancelled", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=hang" }, settings: { "server.drain_timeout": 0 } });
    const location = (await generate(own, { background: true })).headers.get("location")!;
    expect((await own.call(location, { method: "DELETE" })).status).toBe(200);
  });

  test.each(["/v1/images/generations/image_aaaaaaaaaaaaaaaaaaaaaaaaaa", "/v1/images/generations/nonsense"])(
    "%s is not there",
    async (path) => {
      for (const [suffix, method] of [
        ["", "GET"],
        ["/events", "GET"],
        ["", "DELETE"],
      ] as const) {
        expect((await rig.call(path + suffix, { method })).status).toBe(404);
      }
    },
  );
});

describe("under an Idempotency-Key", () => {
  const named = (name: string) => ({ "idempotency-key": name });

  test("the same request is one generation, with the same images, streamed or not", async () => {
    const before = accepted(rig);
    const responses = await Promise.all([1, 2].map(async () => answerOf(await generate(rig, {}, named("one")))));
    const again = await answerOf(await generate(rig, {}, named("one")));
    const events = framesOf(await (await generate(rig, { stream: true }, named("one"))).text());
    expect(JSON.parse(events.at(-1)!)).toMatchObject({ type: "image_generation.completed", b64_json: again.data![0]!.b64_json });
    expect(new Set([...responses, again].map(({ data }) => data![0]!.b64_json)).size).toBe(1);
    expect(accepted(rig) - before).toBe(1);
  });

  test("another request is a conflict", async () => {
    expect((await generate(rig, {}, named("two"))).status).toBe(200);
    const response = await generate(rig, { prompt: "a cat" }, named("two"));
    expect([response.status, (await answerOf(response)).error?.code]).toEqual([409, "idempotency_key_in_use"]);
  });

  test("a refusal is an error, as without", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=blocked" } });
    const response = await generate(own, {}, named("three"));
    expect([response.status, (await answerOf(response)).error?.code]).toEqual([400, "moderation_blocked"]);
  });

  test("words instead of an image are reported, as without", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=text" } });
    const { error } = await answerOf(await generate(own, {}, named("four")));
    expect(error).toMatchObject({ code: "no_image_generated", message: expect.stringContaining("I cannot draw") });
  });
});
