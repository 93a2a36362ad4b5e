// Test stand-in for Flow: a real server with one response per call, replaceable, and the gateway's side of a call. Tests only.
import type { TempFile, TempFileWriter } from "../../domain/generation.ts";
import { createLog, type Log } from "../../log.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import ANSWERS from "./fixtures/answers.json" with { type: "json" };
import { textAt } from "./json.ts";

export const NOW = Date.UTC(2026, 10, 23, 12);
export const TEST_IMAGE = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

export type StubCall = { name: StubRoute; path: string; headers: Headers; body: unknown };
export type StubRoute =
  | "session"
  | "credits"
  | "project"
  | "upload"
  | "generate"
  | "upscale"
  | "media"
  | "redirect"
  | "file"
  | "video"
  | "status"
  | "concatenation"
  | "concatenationStatus";
type Handler = (call: StubCall) => Response | Promise<Response>;

const ROUTES: [RegExp, StubRoute][] = [
  [/^\/labs\/auth\/session$/, "session"],
  [/^\/v1\/credits$/, "credits"],
  [/^\/labs\/trpc\/project\.createProject$/, "project"],
  [/^\/v1\/flow\/uploadImage$/, "upload"],
  [/^\/v1\/projects\/[^/]+\/flowMedia:batchGenerateImages$/, "generate"],
  [/^\/v1\/flow\/upsampleImage$/, "upscale"],
  [/^\/v1\/media\/[^/]+$/, "media"],
  [/^\/labs\/trpc\/media\.getMediaUrlRedirect$/, "redirect"],
  [/^\/files\//, "file"],
  [/^\/v1\/video:batchAsyncGenerateVideo\w+$/, "video"],
  [/^\/v1\/video:batchCheckAsyncVideoGenerationStatus$/, "status"],
  [/^\/v1:runVideoFxConcatenation$/, "concatenation"],
  [/^\/v1:runVideoFxCheckConcatenationStatus$/, "concatenationStatus"],
];

/** The refusals that tests give most often. */
export const refuse = (status: number, word: string, ...reasons: string[]): Response =>
  Response.json({ error: { code: status, message: "x", status: word, details: reasons.map((reason) => ({ reason })) } }, { status });

/** The status of an entry of `media[]`. */
export const statusOf = (word: string, error?: object) => ({
  mediaMetadata: { mediaStatus: { mediaGenerationStatus: `MEDIA_GENERATION_STATUS_${word}`, error } },
});

/** A server in the place of both of Flow's origins. `on` replaces a response; `calls` is what came in, in order. */
export function startStub() {
  const calls: StubCall[] = [];
  let count = 0;
  const server: Bun.Server<undefined> = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request): Promise<Response> {
      const { pathname } = new URL(request.url);
      const name = ROUTES.find(([shape]) => shape.test(pathname))?.[1];
      if (!name) return new Response("no such route", { status: 404 });
      const text = await request.text();
      const call: StubCall = {
        name,
        path: request.url.slice(server.url.href.length - 1),
        headers: request.headers,
        body: text && JSON.parse(text),
      };
      calls.push(call);
      return on[name](call);
    },
  });
  const base = server.url.href.slice(0, -1);
  const on: Record<StubRoute, Handler> = {
    session: () => Response.json({ ...ANSWERS.session, access_token: `ya29.access-${++count}` }),
    credits: () => Response.json(ANSWERS.credits),
    project: () => Response.json({ result: { data: { json: { result: { projectId: `project-${++count}` } } } } }),
    upload: () => Response.json({ media: { name: `upload-${++count}` } }),
    generate: () => Response.json({ media: [{ name: "made-1", image: { generatedImage: { fifeUrl: `${base}/files/a?Signature=s` } } }] }),
    upscale: () => Response.json({ encodedImage: TEST_IMAGE.toBase64() }),
    media: () => Response.json({ name: "made-1", image: { encodedImage: TEST_IMAGE.toBase64() } }),
    redirect: () => new Response(null, { status: 302, headers: { location: `${base}/files/b` } }),
    file: () => new Response(TEST_IMAGE, { headers: { "content-type": "image/png" } }),
    video: () => Response.json({ media: [{ name: `video-${++count}` }] }),
    status: ({ body }) => Response.json({ media: [{ name: textAt(body, "media", 0, "name"), ...statusOf("SUCCESSFUL") }] }),
    concatenation: () => Response.json({ operation: { operation: { name: `joined-${++count}` } } }),
    concatenationStatus: () => Response.json({ status: "MEDIA_GENERATION_STATUS_SUCCESSFUL", outputUri: `${base}/files/c` }),
  };
  return {
    on,
    calls,
    base,
    labsBaseUrl: `${base}/labs`,
    apiBaseUrl: `${base}/v1`,
    count: (name: StubRoute) => calls.filter((call) => call.name === name).length,
    named: (name: StubRoute) => calls.filter((call) => call.name === name),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** The gateway's side: a token whose state and secret are stored as they are remembered, temp files in memory. */
export function createCaller(change: Partial<ProviderToken> = {}) {
  const token: ProviderToken = { id: 1, secret: "cookie-1", proxy: null, state: {}, ...change };
  const drafts: { mime: string; bytes: Uint8Array; end: "open" | "closed" | "discarded" }[] = [];
  const abort = new AbortController();
  const call: CallContext = {
    signal: abort.signal,
    async openTempFile(mime): Promise<TempFileWriter> {
      const tempFile: (typeof drafts)[number] = { mime, bytes: new Uint8Array(), end: "open" };
      const path = `draft-${drafts.push(tempFile) - 1}`;
      return {
        write: (chunk) => {
          tempFile.bytes = Buffer.concat([tempFile.bytes, chunk]);
        },
        close: async (): Promise<TempFile> => {
          tempFile.end = "closed";
          return { path, bytes: tempFile.bytes.byteLength, mime };
        },
        discard: async () => {
          tempFile.end = "discarded";
        },
      };
    },
    async remember({ state, secret }) {
      // What is stored is JSON: a value that does not survive it would be lost at the next start.
      token.state = { ...token.state, ...JSON.parse(JSON.stringify(state ?? {})) };
      if (secret !== undefined) token.secret = secret;
    },
  };
  return { token, call, drafts, abort };
}

/** A log that records its lines. */
export function recordingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) }), lines };
}
