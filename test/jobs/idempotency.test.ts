// Idempotency-Key on the routes that answer with a conversation: chat, responses, generateContent. One submission, one charge, one response.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../keys.ts";
import { framesOf, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const MODEL = "gemini-3.1-flash-image";
const WORDS = "Here is your image.";

type Part = { text?: string; thought?: boolean; inlineData?: { data: string } };
type Choice = { message: { content: string; images?: { image_url: { url: string } }[] }; finish_reason: string };
type Item = { id: string; type: string; result?: string; content?: { text: string }[] };
type Answer = {
  id: string;
  choices: Choice[];
  output: Item[];
  candidates: { content: { parts: Part[] } }[];
  usage: { total_tokens: number };
  error: { code: string; message: string };
};

let rig: Rig;
let names = 0;
const fresh = () => `name-${++names}`;

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A route with a body that it makes one image of. */
const ROUTES: [name: string, path: string, body: object][] = [
  ["chat", "/v1/chat/completions", { model: MODEL, messages: [{ role: "user", content: "a fox" }] }],
  [
    "chat with pictures beside the text",
    "/v1/chat/completions",
    { model: MODEL, modalities: ["image", "text"], messages: [{ role: "user", content: "a fox" }] },
  ],
  [
    "chat below Google's prefix",
    "/v1beta/openai/chat/completions",
    { model: MODEL, messages: [{ role: "user", content: "a fox" }], stream_options: { include_usage: true } },
  ],
  ["responses", "/v1/responses", { model: MODEL, input: "a fox" }],
  [
    "responses by the tool",
    "/v1/responses",
    { model: "gpt-5.2", input: "a fox", tools: [{ type: "image_generation", output_format: "webp" }] },
  ],
  [
    "generateContent",
    `/v1beta/models/${MODEL}:generateContent`,
    { contents: "a fox", generationConfig: { thinkingConfig: { includeThoughts: true } } },
  ],
];

const send = (path: string, body: object, name: string, { own = rig, ...init }: RequestInit & { own?: Rig } = {}) =>
  own.call(path, { ...init, json: body, headers: { "idempotency-key": name } });
const ask = async (...args: Parameters<typeof send>) => (await (await send(...args)).json()) as Answer;
const streamed = async (path: string, body: object, name: string) =>
  framesOf(await (await send(...streamOf(path, body), name)).text()).filter((frame) => frame !== "[DONE]");
/** The same request with its response as a stream; Gemini has a method of its own for that. */
const streamOf = (path: string, body: object): [string, object] => [path, { ...body, stream: true }];

const accepted = (own = rig) => own.simulator.counts().total.accepted;
const keyId = async (own: Rig) => (await own.context.store.listKeys())[0]!.id;
/** What the key has used in all, when nothing is under way. */
async function paid(own = rig) {
  const id = await keyId(own);
  await until(() => own.context.limits.gauges().reservations === 0);
  return own.context.limits.usage(id).total;
}

describe.each(ROUTES)("%s", (_, path, body) => {
  test("an empty name is none", async () => {
    expect((await send(path, body, "")).status).toBe(200);
  });

  test("twenty at once are one submission, one charge and one response; so is the next", async () => {
    const name = fresh();
    const [before, paidBefore] = [accepted(), await paid()];
    const responses = await Promise.all(Array.from({ length: 20 }, () => ask(path, body, name)));
    responses.push(await ask(path, body, name));
    expect(new Set(responses.map((result) => JSON.stringify({ ...result, responseId: "" }))).size).toBe(1);
    expect(JSON.stringify(responses[0])).toContain(WORDS);
    expect(accepted() - before).toBe(1);
    const { images, usd } = await paid();
    expect([images - paidBefore.images, usd > paidBefore.usd]).toEqual([1, true]);
  });

  test("another body under the same name is a conflict, and asks no upstream", async () => {
    const name = fresh();
    await ask(path, body, name);
    const before = accepted();
    const other = JSON.parse(JSON.stringify(body).replace("a fox", "a cat"));
    expect((await send(path, other, name)).status).toBe(409);
    expect((await send(path, body, fresh())).status).toBe(200);
    expect(accepted() - before).toBe(1);
  });
});

describe.each([ROUTES[0]!, ROUTES[3]!, ROUTES[5]!])("%s", (_, path, body) => {
  test("a client that leaves finds it again", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=latency(150)" } });
    const name = fresh();
    const left = new AbortController();
    const leaving = send(path, body, name, { own, signal: left.signal });
    await until(() => own.simulator.counts().total.requests > 0);
    left.abort();
    expect(await leaving.catch(() => "gone")).toBe("gone");
    expect(JSON.stringify(await ask(path, body, name, { own }))).toContain(WORDS);
    expect(accepted(own)).toBe(1);
  });

  test("a failure that cost nothing may be repeated", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=invalid" } });
    const name = fresh();
    expect((await send(path, body, name, { own })).status).toBe(400);
    own.simulator.setFaults("");
    const [result, again] = [await ask(path, body, name, { own }), await ask(path, body, name, { own })];
    expect(JSON.stringify(result)).toContain(WORDS);
    expect({ ...again, responseId: "" }).toEqual({ ...result, responseId: "" } as never);
    expect(accepted(own)).toBe(1);
  });

  test("one that was charged for is returned again", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=lost" } });
    const name = fresh();
    const failures = [await ask(path, body, name, { own }), await ask(path, body, name, { own })];
    expect(failures[0]!.error.message).toBe(failures[1]!.error.message);
    expect(accepted(own)).toBe(1);
  });

  test.each(["blocked", "image-safety", "text"])("%s is returned again as it was, and as without a name", async (fault) => {
    await using own = await startRig({ simulator: { faults: `gemini.generate=${fault}` } });
    const shapeOf = async (response: Response) => {
      const text = (await response.text()).replace(/"(id|responseId|created|created_at)":("[^"]*"|\d+)/g, "");
      return `${response.status} ${text}`;
    };
    const without = await shapeOf(await own.call(path, { json: body }));
    const calls = () => own.simulator.counts().total.requests;
    const before = calls();
    const name = fresh();
    for (let time = 0; time < 2; time++) expect(await shapeOf(await send(path, body, name, { own }))).toBe(without);
    expect(calls() - before).toBe(1);
  });
});

describe("streamed or not, the same request is one", () => {
  const chunks = (frames: string[]) => frames.map((one) => JSON.parse(one));

  test.each([ROUTES[0]!, ROUTES[1]!, ROUTES[2]!])("%s", async (_, path, body) => {
    const name = fresh();
    const before = accepted();
    const first = chunks(await streamed(path, body, name));
    const whole = await ask(path, body, name);
    const again = chunks(await streamed(path, body, name));
    expect(accepted() - before).toBe(1);
    for (const stream of [first, again]) {
      const deltas = stream.flatMap(({ choices }) => choices.map(({ delta }: { delta: object }) => delta));
      const said = deltas.map(({ content = "" }: { content?: string }) => content).join("");
      expect(said.trim()).toBe(whole.choices[0]!.message.content.trim());
      const pictures = deltas.flatMap(({ images = [] }: Partial<Choice["message"]>) => images);
      expect(pictures).toEqual(whole.choices[0]!.message.images ?? []);
      expect(new Set(stream.map(({ id }) => id))).toEqual(new Set([whole.id]));
      if ("stream_options" in body) expect(stream.at(-1)).toMatchObject({ usage: whole.usage });
    }
  });

  test.each([ROUTES[3]!, ROUTES[4]!])("%s", async (_, path, body) => {
    const name = fresh();
    const before = accepted();
    const whole = await ask(path, body, name);
    const events = chunks(await streamed(path, body, name));
    expect(events.at(-1)).toEqual({ type: "response.completed", sequence_number: events.length - 1, response: whole });
    expect(accepted() - before).toBe(1);
  });

  test("streamGenerateContent", async () => {
    const name = fresh();
    const before = accepted();
    const path = `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`;
    const body = { contents: "a fox", generationConfig: { thinkingConfig: { includeThoughts: true } } };
    const partsOf = async () =>
      framesOf(await (await send(path, body, name)).text()).flatMap(
        (one) => (JSON.parse(one) as Answer).candidates[0]!.content?.parts ?? [],
      );
    const [first, again] = [await partsOf(), await partsOf()];
    expect(again).toEqual(first);
    expect(first.find(({ thought, text }) => thought && text)?.text).toContain("I place the light first");
    expect(accepted() - before).toBe(1);
  });

  test("the events of a chat report how it goes on", async () => {
    const [path, body] = [ROUTES[0]![1], ROUTES[0]![2]];
    expect((await streamed(path, body, fresh())).join("")).toContain('"reasoning_content":"Drawing');
  });
});

test("a name is of its route: chat and responses are two requests", async () => {
  const name = fresh();
  const before = accepted();
  for (const [, path, body] of [ROUTES[0]!, ROUTES[3]!]) expect((await send(path, body, name)).status).toBe(200);
  expect(accepted() - before).toBe(2);
});

test.each(["chat/completions", "responses"])("both addresses of %s are one", async (route) => {
  const name = fresh();
  const before = accepted();
  const body = { model: MODEL, input: "a fox", messages: [{ role: "user", content: "a fox" }] };
  const responses = await Promise.all(["/v1", "/v1beta/openai"].map((prefix) => ask(`${prefix}/${route}`, body, name)));
  expect([responses[1], accepted() - before]).toEqual([responses[0], 1] as never);
});

test("another form of the image is another request", async () => {
  const name = fresh();
  const body = { model: MODEL, messages: [{ role: "user", content: "a fox" }] };
  expect((await send("/v1/chat/completions", body, name)).status).toBe(200);
  expect((await send("/v1/chat/completions", { ...body, modalities: ["text", "image"] }, name)).status).toBe(409);
  expect((await send("/v1/responses", { model: MODEL, input: "a fox" }, name)).status).toBe(200);
  expect((await send("/v1/responses", { model: MODEL, input: "a fox", metadata: { a: "b" } }, name)).status).toBe(409);
});

test("several images of one chat are returned again, all of them", async () => {
  const name = fresh();
  const before = accepted();
  const body = { model: MODEL, n: 3, messages: [{ role: "user", content: "a fox" }] };
  const [first, again] = [await ask("/v1/chat/completions", body, name), await ask("/v1/chat/completions", body, name)];
  expect(first.choices[0]!.message.content.match(/!\[image\]/g)).toHaveLength(3);
  expect([again, accepted() - before]).toEqual([first, 3] as never);
});

test("the result under a key is the id of the response: a repetition goes on from the same", async () => {
  const name = fresh();
  const body = { model: MODEL, input: "a fox" };
  const { id } = await ask("/v1/responses", body, name);
  const next = { model: MODEL, input: "now blue", previous_response_id: id };
  const second = fresh();
  const before = accepted();
  const [first, again] = [await ask("/v1/responses", next, second), await ask("/v1/responses", next, second)];
  expect([again, accepted() - before]).toEqual([first, 1] as never);
});

test("a name that is no name is refused by every route", async () => {
  for (const [, path, body] of ROUTES) expect((await send(path, body, "x".repeat(256))).status).toBe(400);
});
