// The official OpenAI SDK, OpenRouter's provider and the AI SDK against the executable. Numbers are those of the acceptance checks.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { type Program, startProgram } from "../executable.ts";

setDefaultTimeout(30_000);

let program: Program;
let client: OpenAI;
const clientOf = (one: Program, options: Partial<ConstructorParameters<typeof OpenAI>[0]> = {}) =>
  new OpenAI({ baseURL: `${one.url}/v1`, apiKey: one.key, ...options });
const PROMPT = [{ role: "user" as const, content: "a red fox" }];
const MODEL = "gemini-nano-banana-2.1";
const LINK = /!\[image\]\((http:\/\/[^)]+\.(?:png|jpg))\)/;

beforeAll(async () => {
  program = await startProgram();
  client = clientOf(program);
});
afterAll(() => program[Symbol.asyncDispose]());

describe("openai", () => {
  test("1: a wrong key is an AuthenticationError with a request id", async () => {
    const error = await clientOf(program, { apiKey: "wrong" })
      .models.list()
      .then(
        () => null,
        (failure) => failure,
      );
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect([error.status, error.code, error.requestID]).toEqual([401, "invalid_api_key", expect.stringMatching(/^req_/)]);
  });

  test("2: models are listed, one with a slash is found, an unknown one is a NotFoundError", async () => {
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(
      expect.arrayContaining(["gemini-nano-banana-2.1", "gemini-3-pro-image", "gemini-3-pro-image-preview", "imagen-4.0-generate-001"]),
    );
    for (const spelled of ["gemini-3.1-flash-image-landscape", "dall-e-3"])
      expect((await client.models.retrieve(spelled)).id).toBe(spelled);
    expect((await client.models.retrieve("google/gemini-3-pro-image")).id).toBe("google/gemini-3-pro-image");
    const error = await client.models.retrieve("nothing-like-it").then(
      () => null,
      (failure) => failure,
    );
    expect([error instanceof OpenAI.NotFoundError, error.code]).toEqual([true, "model_not_found"]);
  });

  test("7: chat gives a link that anybody can read", async () => {
    const { choices, usage } = await client.chat.completions.create({ model: MODEL, messages: PROMPT });
    const [, url] = LINK.exec(choices[0]!.message.content ?? "")!;
    const picture = await fetch(url!);
    expect([picture.status, picture.headers.get("content-type")?.startsWith("image/")]).toEqual([200, true]);
    expect(usage?.total_tokens).toBeGreaterThan(1000);
  });

  test("9: streaming yields role, reasoning, one image, a finish and the usage", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: PROMPT,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const content = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
    expect(content).toMatch(LINK);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(1000);
  });

  test("14: a client that goes away stops the upstream call and frees the slot", async () => {
    await using own = await startProgram({
      simulator: { faults: "gemini.generate=hang" },
      env: { FLOW2API_GENERATION_ON_DISCONNECT: "abort" },
    });
    const controller = new AbortController();
    const stream = await clientOf(own, { maxRetries: 0 }).chat.completions.create(
      { model: MODEL, messages: PROMPT, stream: true },
      { signal: controller.signal },
    );
    for await (const chunk of stream) if (JSON.stringify(chunk).includes("Drawing")) break;
    controller.abort();
    const metrics = async () => (await fetch(`${own.url}/metrics`)).text();
    await until(async () => (await metrics()).includes("flow2api_image_inflight 0"));
    expect(await metrics()).toContain('result="cancelled"} 1');
    expect(own.logged()).not.toContain('"level":"error"');
  });
});

describe("automatic retries", () => {
  const attempt = async (
    faults: string,
    options: { env?: Record<string, string>; tokens?: { provider: string; secret: string }[] } = {},
    maxRetries = 2,
  ) => {
    await using own = await startProgram({ simulator: { faults }, ...options });
    const error = await clientOf(own, { maxRetries })
      .chat.completions.create({ model: MODEL, messages: PROMPT })
      .then(
        () => null,
        (failure) => failure,
      );
    return { error, accepted: own.simulator.counts().total.accepted };
  };
  const ONE = { tokens: [{ provider: "gemini", secret: "alpha-project.key-one" }] };

  test.each([
    ["lost", 502],
    ["504", 504],
    ["cut", 502],
  ])("4: %s is submitted exactly once", async (fault, status) => {
    const { error, accepted } = await attempt(`gemini.generate=${fault}`);
    expect([error.status, accepted]).toEqual([status, 1]);
  });

  test("4: a timeout after dispatch is 504, submitted exactly once", async () => {
    const { error, accepted } = await attempt("gemini.generate=hang", { env: { FLOW2API_GENERATION_IMAGE_TIMEOUT: "5" } });
    expect([error.status, error.code, accepted]).toEqual([504, "timeout", 1]);
  });

  test("5: a per-minute limit is a RateLimitError with Retry-After; the SDK's retry succeeds when the token is back", async () => {
    const { error, accepted } = await attempt("gemini.generate=429-minute(1):once", ONE);
    expect([error, accepted]).toEqual([null, 1]);
    const limited = await attempt("gemini.generate=429-minute(59)", ONE, 0);
    expect(limited.error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(Number(limited.error.headers.get("retry-after"))).toBeWithin(1, 61);
  });

  test("13: a stream that fails raises an APIError", async () => {
    await using own = await startProgram({ simulator: { faults: "gemini.generate=503" }, env: { FLOW2API_GENERATION_MAX_ATTEMPTS: "1" } });
    const read = async () => {
      for await (const _ of await clientOf(own).chat.completions.create({ model: MODEL, messages: PROMPT, stream: true }));
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
  });
});

describe("10: other clients", () => {
  test("the AI SDK's openai-compatible provider streams the Markdown", async () => {
    const provider = createOpenAICompatible({ name: "flow2api", baseURL: `${program.url}/v1`, apiKey: program.key });
    const { text } = streamText({ model: provider(MODEL), prompt: "a red fox" });
    expect(await text).toMatch(LINK);
  });

  test("OpenRouter's provider yields one image as a file", async () => {
    const provider = createOpenRouter({ baseURL: `${program.url}/v1`, apiKey: program.key });
    const { files } = await generateText({
      model: provider.chat(MODEL, { extraBody: { modalities: ["image", "text"] } }),
      prompt: "a red fox",
    });
    expect(files).toHaveLength(1);
    expect([...files[0]!.uint8Array.slice(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
  });
});

/** Waits for a state of another process; 10 s at most. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await Bun.sleep(20)) if (await holds()) return;
  throw new Error("It never came to be");
}
