// The Gemini provider against small servers that answer what each case needs.
import { describe, expect, test } from "bun:test";
import type { ImageRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { createLog } from "../../log.ts";
import type { ProviderToken } from "../provider.ts";
import { builtInModels, collect, memoryCall } from "../testing.ts";
import { createGemini } from "./client.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary";
const token: ProviderToken = { id: 1, secret: KEY, proxy: null, state: {} };
const image: ImageRequest = { family: "gemini-nano-banana-2.1", turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }] };
/** Long enough that its response is not parsed in memory. */
const TEST_IMAGE = Buffer.alloc(600_000, "picture");

type Handler = (request: Request) => Response | Promise<Response>;

function setUp(handler: Handler) {
  const requests: { method: string; url: URL; headers: Headers; body: string }[] = [];
  const lines: string[] = [];
  const server: Bun.Server<undefined> = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request): Promise<Response> {
      const copy = request.clone();
      requests.push({ method: request.method, url: new URL(request.url), headers: request.headers, body: await copy.text() });
      return handler(request);
    },
  });
  const log = createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) });
  const gemini = createGemini({ models: builtInModels("gemini"), baseUrl: `${server.url.origin}/`, now: () => NOW, log });
  return { gemini, requests, lines, server, ...memoryCall(), [Symbol.asyncDispose]: () => server.stop(true) };
}

/** Runs a generation to its end; what it threw comes last. */
async function run(set: ReturnType<typeof setUp>, change: Partial<ImageRequest> = {}) {
  const { events, error } = await collect(set.gemini, [{ ...image, ...change }, token, set.call]);
  if (error !== undefined) expect(error).toBeInstanceOf(AppError);
  return { events, error: (error ?? null) as AppError | null };
}

const part = (data: Buffer, more = {}) => ({ inlineData: { mimeType: "image/png", data: data.toString("base64") }, ...more });
const answerOf = (...parts: unknown[]) => ({ candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }] });
const sse = (...events: unknown[]) => events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("");

/** A body that ends after `text` by closing the socket. */
const cutAfter = (text: string) =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(text));
        setTimeout(() => controller.error(undefined), 5);
      },
    }),
  );

describe("one image", () => {
  test("is asked for once, with the key in its header alone, and comes as a finished temp file", async () => {
    await using set = setUp(() => Response.json(answerOf({ text: "Here." }, part(TEST_IMAGE, { thoughtSignature: "c2ln" }))));
    const { events, error } = await run(set);
    expect(error).toBeNull();
    expect(events).toEqual([
      { type: "progress", stage: "generating" },
      { type: "submitted" },
      { type: "text", text: "Here.", thought: false },
      { type: "image", draft: { path: "0", bytes: TEST_IMAGE.byteLength, mime: "image/png" }, thought: false, signature: "c2ln" },
      { type: "finish", finish: "stop", upstreamReason: "STOP", usage: null },
    ]);
    expect(set.drafts.files[0]!.bytes.equals(TEST_IMAGE)).toBe(true);
    const [request, ...others] = set.requests;
    expect(others).toEqual([]);
    expect(request!.url.pathname + request!.url.search).toBe("/v1beta/models/gemini-nano-banana-2.1:generateContent");
    expect(request!.headers.get("x-goog-api-key")).toBe(KEY);
    expect(request!.headers.get("authorization")).toBeNull();
    expect(request!.headers.get("content-length")).toBe(String(request!.body.length));
    expect(request!.url.href + request!.body).not.toContain(KEY);
  });

  test("that is small comes the same way", async () => {
    await using set = setUp(() => Response.json(answerOf(part(Buffer.from("small")))));
    const { events } = await run(set);
    expect(events[2]).toMatchObject({ type: "image", draft: { path: "0", bytes: 5, mime: "image/png" } });
    expect(set.drafts.states()).toEqual(["closed"]);
  });

  test("comes from a stream when thoughts are wanted, thoughts as they flow and the image last", async () => {
    const interim = Buffer.alloc(100_000, "draft");
    const events = [
      { candidates: [{ content: { parts: [{ text: "light first", thought: true }] } }] },
      { candidates: [{ content: { parts: [part(interim, { thought: true })] } }] },
      { candidates: [{ content: { parts: [part(TEST_IMAGE)] } }] },
      { candidates: [{ content: { parts: [{ text: "" }] }, finishReason: "STOP" }], usageMetadata: { candidatesTokenCount: 9 } },
    ];
    await using set = setUp(() => new Response(sse(...events), { headers: { "content-type": "text/event-stream" } }));
    const { events: seen } = await run(set, { includeThoughts: true });
    expect(set.requests[0]!.url.pathname + set.requests[0]!.url.search).toEndWith(":streamGenerateContent?alt=sse");
    expect(seen.slice(2)).toMatchObject([
      { type: "text", text: "light first", thought: true },
      { type: "image", thought: true, draft: { path: "0", bytes: interim.byteLength } },
      { type: "image", thought: false, draft: { path: "1", bytes: TEST_IMAGE.byteLength } },
      { type: "finish", finish: "stop", usage: { outputImage: 9 } },
    ]);
    expect(set.drafts.states()).toEqual(["closed", "closed"]);
  });
});

describe("what breaks after a response began may have been charged and leaves no file", () => {
  const text = JSON.stringify(answerOf(part(TEST_IMAGE)));
  const stream = sse(answerOf(part(TEST_IMAGE))).replace(',"finishReason":"STOP"', "");
  test.each([
    ["a socket closed in the middle", false, () => cutAfter(text.slice(0, 200_000)), "cut_off"],
    ["a socket closed in the middle of a stream", true, () => cutAfter(stream.slice(0, 200_000)), "cut_off"],
    ["a stream that stops after a part", true, () => new Response(stream), "cut_off"],
    ["a stream without any event", true, () => new Response(""), "cut_off"],
    ["a body that ends inside the picture", false, () => new Response(text.slice(0, -100)), "cut_off"],
    ["what is not JSON", false, () => new Response(`${text.slice(0, 40)}\n}}]garbled`), "malformed"],
    ["an event that is not JSON", true, () => new Response(`${sse(answerOf({ text: "a" }))}data: }}]\n\n`), "malformed"],
    ["a page", false, () => new Response("<html>", { headers: { "content-type": "text/html" } }), "malformed"],
    ["a picture that is not base64", false, () => new Response(text.replace("cGlj", "!!!!")), "malformed"],
    ["an answer that is no object", false, () => Response.json(["x"]), "malformed"],
    ["an error after a part", true, () => new Response(stream + sse({ error: { code: 503, status: "UNAVAILABLE" } })), "cut_off"],
  ] as const)("%s", async (_, includeThoughts, handler, reason) => {
    await using set = setUp(handler);
    const { events, error } = await run(set, { includeThoughts });
    expect(error).toMatchObject({ kind: "upstream_unknown_outcome", charged: true, detail: { scope: "upstream", reason } });
    expect(events.map((event) => event.type)).not.toContain("finish");
    expect(set.drafts.states().filter((state) => state !== "discarded")).toEqual([]);
    expect(set.requests).toHaveLength(1);
  });
});

describe("refusals", () => {
  test("an error object inside a 200 is a refusal while nothing else has come", async () => {
    const body = { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } };
    for (const includeThoughts of [false, true]) {
      await using set = setUp(() => (includeThoughts ? new Response(sse(body)) : Response.json([body])));
      expect((await run(set, { includeThoughts })).error).toMatchObject({ kind: "upstream_unavailable", charged: false });
    }
  });

  test("a response of usage alone has no image, in both forms", async () => {
    const body = { usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 } };
    for (const includeThoughts of [false, true]) {
      await using set = setUp(() => (includeThoughts ? new Response(sse(body)) : Response.json(body)));
      expect((await run(set, { includeThoughts })).events.at(-1)).toMatchObject({ type: "finish", finish: "no_image", upstreamReason: "" });
    }
  });

  test("a redirect is not followed: the key stays here", async () => {
    await using other = setUp(() => Response.json({}));
    await using set = setUp(() => Response.redirect(`${other.server.url.origin}/v1beta/models`, 307));
    expect((await run(set)).error).toMatchObject({ kind: "upstream_unavailable", upstreamStatus: 307 });
    expect(other.requests).toEqual([]);
  });

  test("no error and no log line holds the key or the address", async () => {
    const message = `API key ${KEY} at https://generativelanguage.googleapis.com/v1beta?key=${KEY} refused`;
    for (const status of [400, 401, 403, 404, 429, 500, 503, 504]) {
      await using set = setUp(() => Response.json({ error: { code: status, message, status: "X" } }, { status }));
      const { error } = await run(set);
      const shown = `${Bun.inspect(error)} ${error?.message} ${Bun.inspect(error?.cause)} ${set.lines.join()}`;
      expect(shown).not.toContain(KEY);
      expect(shown).not.toContain("generativelanguage");
      expect(shown).not.toContain(set.server.url.host);
    }
  });

  test("a key that cannot stand in a header is refused before anything is sent", async () => {
    await using set = setUp(() => Response.json({}));
    for (const secret of ["", "a b", "a\r\nx: y", "ключ"]) {
      const { events, error } = await collect(set.gemini, [image, { ...token, secret }, set.call]);
      expect(events).toEqual([]);
      expect(error).toMatchObject({ kind: "upstream_unauthorized", detail: { reason: "key_invalid" } });
    }
    expect(set.requests).toEqual([]);
  });
});

describe("stopping", () => {
  test("an abort before the call sends nothing", async () => {
    await using set = setUp(() => Response.json({}));
    set.abort.abort(new AppError("cancelled", "gone"));
    const { events, error } = await run(set);
    expect(error).toMatchObject({ kind: "cancelled" });
    expect([events, set.requests]).toEqual([[], []]);
  });

  test.each([
    ["while the upstream works", () => new Promise<Response>(() => {}), 0],
    ["in the middle of the answer", (signal: AbortSignal) => drip(signal), 1],
  ] as const)("an abort %s ends the upstream call with its own reason", async (_, response, files) => {
    const ended = Promise.withResolvers<void>();
    await using set = setUp((request) => {
      request.signal.addEventListener("abort", () => ended.resolve());
      void abortOnceAsked();
      return response(request.signal);
    });
    const abortOnceAsked = async () => {
      await Bun.sleep(1);
      while (set.drafts.states().length < files) await Bun.sleep(1);
      set.abort.abort(new AppError("upstream_timeout", "late"));
    };
    const { error } = await run(set);
    expect(error).toMatchObject({ kind: "upstream_timeout", message: "late" });
    await ended.promise;
    expect(set.drafts.states()).toEqual(Array(files).fill("discarded"));
  });

  test("a sink that fails ends the upstream call with its own error, and what it did not get is discarded", async () => {
    const ended = Promise.withResolvers<void>();
    const first = sse({ candidates: [{ content: { parts: [part(TEST_IMAGE), part(TEST_IMAGE, { thought: true })] } }] });
    await using set = setUp((request) => {
      request.signal.addEventListener("abort", () => ended.resolve());
      return drip(request.signal, first);
    });
    const full = new AppError("busy", "no room");
    const { error } = await collect(set.gemini, [{ ...image, includeThoughts: true }, token, set.call], ({ type }) => {
      if (type === "image") throw full;
    });
    expect(error).toBe(full);
    await ended.promise;
    expect(set.drafts.states()).toEqual(["discarded", "closed"]);
  });

  test("nobody listening is a network failure: nothing was sent", async () => {
    const set = setUp(() => Response.json({}));
    await set.server.stop(true);
    expect((await run(set)).error).toMatchObject({ kind: "network", charged: false });
    await expect(set.gemini.check(token, set.call)).rejects.toMatchObject({ kind: "network" });
  });
});

/** A response that begins and then waits for its reader to go. */
function drip(signal: AbortSignal, first = `{"candidates":[{"content":{"parts":[{"inlineData":{"data":"${"QUJD".repeat(50_000)}`) {
  return new Response(
    new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.from(first));
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    }),
  );
}

describe("check", () => {
  const model = (id: string, ...methods: string[]) => ({ name: `models/${id}`, supportedGenerationMethods: methods });

  test("reads every page and keeps our families that can generate", async () => {
    const pages = [
      { models: [model("gemini-3-pro-image", "generateContent"), model("gemini-3-flash", "generateContent")], nextPageToken: "p/2" },
      { models: [model("gemini-2.5-flash-image", "countTokens"), model("gemini-nano-banana-2.1", "countTokens", "generateContent"), 7] },
    ];
    await using set = setUp((request) => Response.json(pages[new URL(request.url).searchParams.get("pageToken") === "p/2" ? 1 : 0]));
    expect(await set.gemini.check(token, set.call)).toEqual({ families: ["gemini-3-pro-image", "gemini-nano-banana-2.1"] });
    expect(set.requests.map((request) => `${request.method} ${request.url.pathname}`)).toEqual([
      "GET /v1beta/models",
      "GET /v1beta/models",
    ]);
  });

  test.each([
    [
      "a dead key",
      () => Response.json({ error: { code: 403, message: "x", status: "PERMISSION_DENIED" } }, { status: 403 }),
      "upstream_unauthorized",
    ],
    ["a page", () => new Response("<html>"), "upstream_unavailable"],
    ["another service", () => Response.json({ data: [] }), "upstream_unavailable"],
    ["another service's 404", () => Response.json({ error: { message: "no route" } }, { status: 404 }), "upstream_unavailable"],
    ["a page with 502", () => new Response("<html>", { status: 502 }), "upstream_unavailable"],
    ["an answer cut short", () => cutAfter('{"models":['), "upstream_unavailable"],
  ] as const)("%s", async (_, handler, kind) => {
    await using set = setUp(handler);
    await expect(set.gemini.check(token, set.call)).rejects.toMatchObject({ kind, charged: false });
  });
});
