// Videos of the Gemini provider against small servers that answer what each case needs.
import { describe, expect, test } from "bun:test";
import type { InputMedia, Json, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { createLog } from "../../log.ts";
import type { ProviderToken } from "../provider.ts";
import { builtInModels, memoryCall } from "../testing.ts";
import { createGemini } from "./client.ts";

const KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary";
const token: ProviderToken = { id: 1, secret: KEY, proxy: null, state: {} };
const request: VideoRequest = { family: "gemini-omni-1.2-flash", mode: "text", prompt: "a fox", images: [] };
const mp4: InputMedia = { mime: "video/mp4", data: new Blob(["mp4"]) };
const CREATE = "POST /v1beta/interactions";
/** Long enough that its response is not parsed in memory. */
const CLIP = Buffer.alloc(700_000, "video");

type Call = { at: string; headers: Headers; body: Buffer; url: URL };
type ResponseReader = (call: Call) => Response | Promise<Response>;

/** A server that answers by method and path; an array is answered in turn, its last again and again. */
function setUp(routes: Record<string, ResponseReader | ResponseReader[]>) {
  const calls: Call[] = [];
  const pauses: number[] = [];
  const lines: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(incoming) {
      const url = new URL(incoming.url);
      const at = `${incoming.method} ${url.pathname}`;
      const call = { at, url, headers: incoming.headers, body: Buffer.from(await incoming.arrayBuffer()) };
      calls.push(call);
      const route = routes[at] ?? (() => Response.json({ error: { code: 404, status: "NOT_FOUND" } }, { status: 404 }));
      return (Array.isArray(route) ? (route.length > 1 ? route.shift()! : route[0]!) : route)(call);
    },
  });
  const log = createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) });
  const pause = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    pauses.push(ms);
  };
  const gemini = createGemini({ models: builtInModels("gemini"), baseUrl: server.url.origin, now: () => 0, log, pause });
  const set = { gemini, calls, pauses, lines, origin: server.url.origin, ...memoryCall() };
  return { ...set, at: () => calls.map((call) => call.at), [Symbol.asyncDispose]: () => server.stop(true) };
}
type Rig = ReturnType<typeof setUp>;

const start = (set: Rig, change: Partial<VideoRequest> = {}, onSubmit = async () => {}) =>
  set.gemini.startVideo({ ...request, ...change }, token, set.call, onSubmit);

/** What a call throws. */
const failure = (promise: Promise<unknown>): Promise<AppError> =>
  promise.then(
    () => expect.unreachable(),
    (error) => error,
  );

const refusal = (status: number, word: string) => () => Response.json({ error: { code: status, message: "?", status: word } }, { status });
const unknownName = () => Response.json({ error: { code: "invalid_request", message: "Invalid interaction name: v1_a" } }, { status: 400 });
const created = () => Response.json({ id: "v1_a", object: "interaction", status: "in_progress" });
const completed = (...content: unknown[]) => Response.json({ id: "v1_a", status: "completed", steps: [{ type: "model_output", content }] });
const file = (state: string) => () => Response.json({ name: "files/xyz", state });
/** A body that ends after `text` by closing the socket. */
const cutAfter = (text: string | Uint8Array) => {
  const start = (controller: ReadableStreamDefaultController) => {
    controller.enqueue(Buffer.from(text));
    setTimeout(() => controller.error(undefined), 5);
  };
  return new Response(new ReadableStream({ start }));
};

describe("starting", () => {
  test("reports that the body leaves, waits, sends it once and gives the handle", async () => {
    await using set = setUp({ [CREATE]: created });
    const before: string[][] = [];
    const started = await start(set, {}, async () => {
      await Bun.sleep(1);
      before.push(set.at());
    });
    expect(started).toEqual({ operation: { interactionId: "v1_a", createdAt: 0 } });
    expect([before, set.at()]).toEqual([[[]], [CREATE]]);
    expect(set.calls[0]!.headers.get("x-goog-api-key")).toBe(KEY);
    expect(set.calls[0]!.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(set.calls[0]!.body.toString())).toMatchObject({ background: true, store: true });
  });

  test("sends nothing when the submission cannot be noted, the caller has left, or the family is another's", async () => {
    await using set = setUp({ [CREATE]: created });
    const notNoted = new Error("disk full");
    expect(await failure(start(set, {}, () => Promise.reject(notNoted)))).toBe(notNoted as AppError);
    expect(await failure(start(set, { family: "veo-3.1" }))).toMatchObject({ kind: "upstream_model_denied" });
    set.abort.abort(new AppError("cancelled", "gone"));
    expect(await failure(start(set, {}, () => expect.unreachable()))).toMatchObject({ kind: "cancelled" });
    expect(set.calls).toEqual([]);
  });

  test.each([
    ["a socket closed in the answer", () => cutAfter('{"id":')],
    ["an answer without an id", () => Response.json({ status: "in_progress" })],
    ["an answer that is no object", () => Response.json([])],
    ["a page", () => new Response("<html>")],
    ["a page with 502", () => new Response("<html>", { status: 502 })],
  ] as const)("%s may have been charged, and nobody may repeat it", async (_, response) => {
    await using set = setUp({ [CREATE]: response });
    expect(await failure(start(set))).toMatchObject({ kind: "upstream_unknown_outcome", charged: true });
    expect(set.at()).toEqual([CREATE]);
  });

  test("an error object inside a 200 is a refusal", async () => {
    await using set = setUp({ [CREATE]: () => Response.json([{ error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } }]) });
    expect(await failure(start(set))).toMatchObject({ kind: "upstream_unavailable", charged: false });
  });
});

/** The Files API: an upload of any number of pieces, then these states in turn. */
const uploads = (...states: string[]): Record<string, ResponseReader | ResponseReader[]> => ({
  "POST /upload/v1beta/files": ({ url }) =>
    url.searchParams.has("upload_id")
      ? Response.json({ file: { name: "files/xyz", uri: "https://elsewhere.example/v1beta/files/xyz", state: "PROCESSING" } })
      : new Response("", { headers: { "x-goog-upload-url": "https://elsewhere.example/upload/v1beta/files?upload_id=u1" } }),
  "GET /v1beta/files/xyz": states.map(file),
  [CREATE]: created,
});
const contentOf = (set: Rig) => JSON.parse(set.calls.at(-1)!.body.toString()).input[0].content;

describe("inputs", () => {
  test("a client's video is uploaded below our base, without the key, and used when it is ready", async () => {
    await using set = setUp(uploads("PROCESSING", "PROCESSING", "ACTIVE"));
    await start(set, { mode: "edit", source: { media: mp4, operation: null } });
    const [begin, upload, ...others] = set.calls;
    expect(begin!.headers.get("x-goog-api-key")).toBe(KEY);
    expect(begin!.headers.get("x-goog-upload-header-content-length")).toBe("3");
    expect(upload!.headers.get("x-goog-api-key")).toBeNull();
    expect(upload!.headers.get("x-goog-upload-command")).toBe("upload, finalize");
    expect(upload!.body.toString()).toBe("mp4");
    expect(others.map((call) => call.at)).toEqual([...Array(3).fill("GET /v1beta/files/xyz"), CREATE]);
    expect(set.pauses).toEqual([1000, 1500]);
    expect(contentOf(set)[0]).toEqual({ type: "video", mime_type: "video/mp4", uri: "https://elsewhere.example/v1beta/files/xyz" });
  });

  test("images beyond what a body should hold are uploaded in pieces, the others go with it, in their order", async () => {
    const size = 9 * 1024 * 1024;
    const renderedImage = (bytes: number): InputMedia => ({ mime: "image/png", data: new Blob([Buffer.alloc(bytes, "p")]) });
    await using set = setUp(uploads("ACTIVE"));
    await start(set, { mode: "references", images: [renderedImage(size), renderedImage(size), renderedImage(3)] });
    const pieces = set.calls.filter((call) => call.url.searchParams.has("upload_id"));
    expect(pieces.map(({ headers }) => [headers.get("x-goog-upload-offset"), headers.get("x-goog-upload-command")])).toEqual([
      ["0", "upload"],
      ["4194304", "upload"],
      ["8388608", "upload, finalize"],
    ]);
    expect(pieces.reduce((sum, { body }) => sum + body.byteLength, 0)).toBe(size);
    expect(contentOf(set).map((block: Record<string, string>) => block.uri ?? block.data?.length ?? block.text)).toEqual([
      size * (4 / 3),
      "https://elsewhere.example/v1beta/files/xyz",
      4,
      "a fox",
    ]);
  });

  test("an input that the upstream cannot read is the request's fault, before anything is submitted", async () => {
    await using set = setUp(uploads("PROCESSING", "FAILED"));
    const change = { mode: "edit", source: { media: mp4, operation: null } } as const;
    const error = await failure(start(set, change, () => expect.unreachable()));
    expect(error).toMatchObject({ kind: "upstream_invalid", charged: false });
  });

  test("our own result is changed by its interaction, as long as this token sees it", async () => {
    const source = { media: mp4, operation: { interactionId: "v1_old" } };
    await using set = setUp({ ...uploads("ACTIVE"), "GET /v1beta/interactions/v1_old": () => completed() });
    await start(set, { mode: "edit", source });
    expect(set.at()).toEqual(["GET /v1beta/interactions/v1_old", CREATE]);
    expect(JSON.parse(set.calls[1]!.body.toString())).toMatchObject({ previous_interaction_id: "v1_old" });
    expect(contentOf(set)).toEqual([{ type: "text", text: "a fox" }]);
  });

  test("a result that the upstream has forgotten is uploaded instead", async () => {
    const source = { media: mp4, operation: { interactionId: "v1_old" } };
    await using set = setUp({ ...uploads("ACTIVE"), "GET /v1beta/interactions/v1_old": unknownName });
    await start(set, { mode: "extend", source });
    expect(JSON.parse(set.calls.at(-1)!.body.toString()).previous_interaction_id).toBeUndefined();
    expect(contentOf(set)[0].type).toBe("video");
  });

  test.each([
    ["a 504", refusal(504, "DEADLINE_EXCEEDED"), "upstream_unavailable"],
    ["a page", () => new Response("<html>", { status: 502 }), "upstream_unavailable"],
    ["no address to upload to", () => new Response(""), "upstream_unavailable"],
    ["a bad type", refusal(400, "INVALID_ARGUMENT"), "upstream_invalid"],
    ["a minute's limit", refusal(429, "RESOURCE_EXHAUSTED"), "upstream_rate_limited"],
  ] as const)("an upload answered by %s costs nothing", async (_, response, kind) => {
    await using set = setUp({ "POST /upload/v1beta/files": response });
    const error = await failure(start(set, { mode: "edit", source: { media: mp4, operation: null } }));
    expect(error).toMatchObject({ kind, charged: false });
  });
});

const HANDLE: Json = { interactionId: "v1_a" };
const POLL = "GET /v1beta/interactions/v1_a";
const inlineVideo = { type: "video", mime_type: "video/mp4", data: CLIP.toString("base64") };

describe("polling", () => {
  const poll = (set: Rig) => set.gemini.pollVideo(HANDLE, token, set.call);

  test("bytes inside the response are read past, not stored", async () => {
    await using set = setUp({ [POLL]: () => completed({ type: "video", mime_type: "video/mp4", data: CLIP.toString("base64") }) });
    expect(await poll(set)).toMatchObject({ state: "done", result: { interactionId: "v1_a", inline: true } });
    expect(set.drafts.files).toEqual([]);
  });

  test("a video that the upstream does not know has failed, perhaps charged", async () => {
    for (const result of [unknownName, refusal(404, "NOT_FOUND")]) {
      await using set = setUp({ [POLL]: result });
      expect(await poll(set)).toMatchObject({ state: "failed", error: { kind: "upstream_unknown_outcome", charged: true } });
    }
  });

  test.each([
    ["a dead key", refusal(401, "UNAUTHENTICATED"), "upstream_unauthorized"],
    ["a limit", refusal(429, "RESOURCE_EXHAUSTED"), "upstream_rate_limited"],
    ["an overload", refusal(503, "UNAVAILABLE"), "upstream_unavailable"],
    ["a 504", refusal(504, "DEADLINE_EXCEEDED"), "upstream_unavailable"],
    ["a page with 400", () => new Response("<html>", { status: 400 }), "upstream_unavailable"],
    ["a page with 200", () => new Response("<html>"), "upstream_unavailable"],
    ["an error inside a 200", () => Response.json({ error: { code: 404 } }), "upstream_unavailable"],
    ["an answer cut short", () => cutAfter('{"id":'), "upstream_unavailable"],
  ] as const)("%s says nothing about the video", async (_, result, kind) => {
    await using set = setUp({ [POLL]: result });
    expect(await failure(poll(set))).toMatchObject({ kind, charged: false });
  });
});

test("cancelling returns whether it did, and there is no second stage", async () => {
  for (const [response, did] of [
    [() => Response.json({ id: "v1_a", status: "cancelled" }), true],
    [() => completed(), false],
    [unknownName, false],
  ] as const) {
    await using set = setUp({ [`${POLL.replace("GET", "POST")}/cancel`]: response });
    expect(await set.gemini.cancelVideo(HANDLE, token, set.call)).toBe(did);
    await expect(set.gemini.continueVideo(HANDLE, token, set.call, async () => {})).rejects.not.toBeInstanceOf(AppError);
  }
});

const URI = "https://generativelanguage.googleapis.com/v1beta/files/xyz:download?alt=media";
const DOWNLOAD = "GET /v1beta/files/xyz:download";
const clip = () => new Response(CLIP, { headers: { "content-type": "video/mp4" } });
const download = (set: Rig, result: Json = { uri: URI }) => set.gemini.downloadVideo(result, token, set.call);

describe("downloading", () => {
  test("a file on whatever host is fetched from our base when it is ready", async () => {
    await using set = setUp({ "GET /v1beta/files/xyz": [file("PROCESSING"), file("ACTIVE")], [DOWNLOAD]: clip });
    expect(await download(set)).toEqual({ path: "0", bytes: CLIP.byteLength, mime: "video/mp4" });
    expect(set.drafts.files[0]!.bytes.equals(CLIP)).toBe(true);
    expect(set.at()).toEqual(["GET /v1beta/files/xyz", "GET /v1beta/files/xyz", DOWNLOAD]);
    expect(set.calls.every((call) => call.headers.get("x-goog-api-key") === KEY)).toBe(true);
  });

  test("a redirect to another host is followed without the key, one to the same with it", async () => {
    await using other = setUp({ "GET /signed": clip });
    await using set = setUp({
      "GET /v1beta/files/xyz": file("ACTIVE"),
      [DOWNLOAD]: () => new Response(null, { status: 302, headers: { location: "/download/xyz" } }),
      "GET /download/xyz": () => Response.redirect(`${other.origin}/signed`, 307),
    });
    expect((await download(set)).bytes).toBe(CLIP.byteLength);
    expect(set.calls.at(-1)!.headers.get("x-goog-api-key")).toBe(KEY);
    expect(other.calls.map((call) => call.headers.get("x-goog-api-key"))).toEqual([null]);
  });

  test("an address that is no file of the API gets no key", async () => {
    await using other = setUp({ "GET /bucket/clip.mp4": clip });
    await using set = setUp({});
    await download(set, { uri: `${other.origin}/bucket/clip.mp4` });
    expect(set.calls).toEqual([]);
    expect(other.calls[0]!.headers.get("x-goog-api-key")).toBeNull();
  });

  test("bytes that came inside the interaction are read again, into a temp file", async () => {
    await using set = setUp({ [POLL]: () => completed({ type: "text", text: "x" }, inlineVideo) });
    expect(await download(set, { interactionId: "v1_a", inline: true })).toEqual({ path: "0", bytes: CLIP.byteLength, mime: "video/mp4" });
    expect(set.drafts.states()).toEqual(["closed"]);
  });

  test("goes at the pace of the writer", async () => {
    await using set = setUp({ "GET /v1beta/files/xyz": file("ACTIVE"), [DOWNLOAD]: () => new Response(Buffer.alloc(5_000_000)) });
    let writing = 0;
    let most = 0;
    const call = {
      ...set.call,
      openTempFile: async (mime: string) => {
        const writer = await set.drafts.openTempFile(mime);
        const write = async (chunk: Uint8Array) => {
          most = Math.max(most, ++writing);
          await Bun.sleep(0);
          await writer.write(chunk);
          writing--;
        };
        return { ...writer, write };
      },
    };
    expect((await set.gemini.downloadVideo({ uri: URI }, token, call)).bytes).toBe(5_000_000);
    expect(most).toBe(1);
  });

  const ACTIVE = { "GET /v1beta/files/xyz": file("ACTIVE") };
  const away = (location: string) => () => new Response(null, { status: 302, headers: { location } });
  const FAILURES: [name: string, routes: Record<string, ResponseReader>, kind: string, charged: boolean][] = [
    ["a file that failed", { "GET /v1beta/files/xyz": file("FAILED") }, "no_result", true],
    ["a file that is gone", { "GET /v1beta/files/xyz": refusal(403, "PERMISSION_DENIED") }, "no_result", true],
    ["a file that is not ready after all", { ...ACTIVE, [DOWNLOAD]: refusal(400, "FAILED_PRECONDITION") }, "upstream_unavailable", false],
    ["an overload", { ...ACTIVE, [DOWNLOAD]: refusal(503, "UNAVAILABLE") }, "upstream_unavailable", false],
    ["a page with 504", { ...ACTIVE, [DOWNLOAD]: () => new Response("<html>", { status: 504 }) }, "upstream_unavailable", false],
    ["words with 200", { ...ACTIVE, [DOWNLOAD]: () => Response.json({ hello: 1 }) }, "upstream_unavailable", false],
    ["nothing with 200", { ...ACTIVE, [DOWNLOAD]: () => new Response("") }, "upstream_unavailable", false],
    ["redirects in a circle", { ...ACTIVE, [DOWNLOAD]: away("/v1beta/files/xyz:download") }, "upstream_unavailable", false],
    ["a redirect to a local file", { ...ACTIVE, [DOWNLOAD]: away("file:///etc/hosts") }, "upstream_unavailable", false],
    ["a dead key", { "GET /v1beta/files/xyz": refusal(401, "UNAUTHENTICATED") }, "upstream_unauthorized", false],
  ];
  test.each(FAILURES)("%s leaves no file", async (_, routes, kind, charged) => {
    await using set = setUp(routes);
    expect(await failure(download(set))).toMatchObject({ kind, charged });
    expect(set.drafts.files).toEqual([]);
  });

  test("a transfer cut short may be repeated, and what came is discarded", async () => {
    await using set = setUp({ ...ACTIVE, [DOWNLOAD]: () => cutAfter(CLIP) });
    expect(await failure(download(set))).toMatchObject({ kind: "upstream_unavailable", charged: false });
    expect(set.drafts.states()).toEqual(["discarded"]);
  });

  test("bytes that are not there any more are lost", async () => {
    for (const response of [unknownName, () => completed()]) {
      await using set = setUp({ [POLL]: response });
      expect(await failure(download(set, { interactionId: "v1_a", inline: true }))).toMatchObject({ kind: "no_result", charged: true });
    }
  });

  test("a caller who leaves ends the wait for a file with his own reason", async () => {
    await using set = setUp({
      "GET /v1beta/files/xyz": () => {
        setTimeout(() => set.abort.abort(new AppError("upstream_timeout", "late")), 1);
        return file("PROCESSING")();
      },
    });
    expect(await failure(download(set))).toMatchObject({ kind: "upstream_timeout", message: "late" });
  });
});

test("no error and no log line holds the key or the address", async () => {
  const message = `API key ${KEY} at https://generativelanguage.googleapis.com/v1beta?key=${KEY} refused`;
  for (const status of [400, 401, 403, 404, 429, 500, 503, 504]) {
    const response = () => Response.json({ error: { code: "x", message } }, { status });
    await using set = setUp({ [CREATE]: response, [POLL]: response, "GET /v1beta/files/xyz": response });
    const polled = await set.gemini.pollVideo(HANDLE, token, set.call).catch((error) => error);
    const all = [await failure(start(set)), await failure(download(set)), polled];
    const shown = `${all.map((error) => Bun.inspect(error) + Bun.inspect(error.cause)).join()} ${set.lines.join()}`;
    for (const secret of [KEY, "generativelanguage", set.origin]) expect(shown).not.toContain(secret);
  }
});
