// An HTTP stand-in for the vendor that replays recorded answers. It shares no code with the simulator or the adapters.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Which call of the vendor an answer was given to. */
export type Place =
  | "gemini.generate"
  | "gemini.interaction"
  | "gemini.interaction-get"
  | "flow.session"
  | "flow.image"
  | "flow.upload"
  | "flow.video"
  | "flow.video-status";

/** One answer: a body as JSON or as text, or nothing at all. */
export type Answer = { status: number; headers?: Record<string, string>; json?: unknown; text?: string };

export type Expected = {
  /** HTTP status, and the error's code or how the answer ended. */
  openai: [status: number, word: string];
  /** HTTP status, and the error's status or the reason that the answer ended with. */
  gemini: [status: number, word: string];
  /** State and reason of the token after the OpenAI call. */
  token: string;
  /** What holds back the model alone, with its reason. */
  model?: string;
  /** Generating calls that the vendor counted for the OpenAI call. */
  calls: number;
  /** What the key was charged for the OpenAI call, in USD. */
  usd: number;
  /** Total tokens told in the Gemini answer. */
  tokens?: number;
  /** Words that the client reads in the OpenAI answer. */
  says?: string;
  /** What is new at the vendor afterwards. */
  news?: string[];
};

export type Recorded = {
  /** Where it was published or seen, and when. */
  source: string;
  date: string;
  at: Place;
  /** In turn; the last again and again, unless `after` says that all is well afterwards. */
  answers: Answer[];
  after?: "well";
  /** Model asked for, where it is not the usual one. */
  model?: string;
  expect: Expected;
};

const FOLDER = join(import.meta.dir, "answers");

/** Every recorded answer by the name of its file. */
export const readRecorded = (): [name: string, recorded: Recorded][] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => [name.replace(/\.json$/, ""), JSON.parse(readFileSync(join(FOLDER, name), "utf8"))]);

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/** The head of an mp4 file. */
const MP4 = Buffer.from("000000186674797069736f6d0000020069736f6d69736f32", "hex");

const IMAGE = {
  candidates: [
    { content: { role: "model", parts: [{ inlineData: { mimeType: "image/png", data: PNG } }] }, finishReason: "STOP", index: 0 },
  ],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 1120, totalTokenCount: 1129 },
};

/** A Google whose one call answers as recorded and whose other calls are well. */
export function startStandIn() {
  let recorded: Pick<Recorded, "at" | "answers" | "after"> = { at: "gemini.generate", answers: [] };
  let turn = 0;
  const calls: Place[] = [];
  const bodies: unknown[] = [];

  const well = (place: Place, origin: string): Response => {
    switch (place) {
      case "gemini.generate":
        return Response.json(IMAGE);
      case "gemini.interaction":
        return Response.json({ id: "v1_recorded", object: "interaction", status: "in_progress" });
      case "gemini.interaction-get": {
        const uri = `${origin}/v1beta/files/recorded:download?alt=media`;
        const steps = [{ type: "model_output", content: [{ type: "video", mime_type: "video/mp4", uri }] }];
        return Response.json({ id: "v1_recorded", object: "interaction", status: "completed", steps });
      }
      case "flow.session":
        return Response.json({ access_token: "ya29.recorded", expires: "2099-01-01T00:00:00.000Z", user: { email: "a@example.com" } });
      case "flow.image":
        return Response.json({ media: [{ name: "made", image: { generatedImage: { fifeUrl: `${origin}/file/made` } } }] });
      case "flow.upload":
        return Response.json({ media: { name: "uploaded" } });
      case "flow.video":
        return Response.json({ remainingCredits: 100, media: [{ name: "video", projectId: "project" }] });
      case "flow.video-status":
        return Response.json({
          media: [{ name: "video", mediaMetadata: { mediaStatus: { mediaGenerationStatus: "MEDIA_GENERATION_STATUS_SUCCESSFUL" } } }],
        });
    }
  };

  const replay = ({ status, headers, json, text }: Answer): Response =>
    json === undefined ? new Response(text ?? null, { status, headers }) : Response.json(json, { status, headers });

  const answer = (place: Place, origin: string): Response => {
    calls.push(place);
    if (place !== recorded.at) return well(place, origin);
    const { answers, after } = recorded;
    const next = answers[turn++] ?? (after === "well" ? undefined : answers.at(-1));
    return next ? replay(next) : well(place, origin);
  };

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, origin } = new URL(request.url);
      const place = PLACES.find(([method, path]) => method === request.method && path.test(pathname))?.[2];
      if (place) {
        bodies.push(await request.json().catch(() => null));
        return answer(place, origin);
      }
      if (pathname === "/v1beta/files/recorded") return Response.json({ name: "files/recorded", state: "ACTIVE" });
      if (pathname.startsWith("/v1beta/files/recorded:")) return new Response(MP4, { headers: { "content-type": "video/mp4" } });
      if (pathname === "/flow/credits") return Response.json({ credits: 1000, userPaygateTier: "PAYGATE_TIER_TWO" });
      if (pathname === "/labs/trpc/project.createProject")
        return Response.json({ result: { data: { json: { result: { projectId: "project" } } } } });
      if (pathname.startsWith("/flow/media/")) return Response.json({ name: "video", video: { encodedVideo: MP4.toString("base64") } });
      if (pathname === "/labs/trpc/media.getMediaUrlRedirect")
        return new Response(null, { status: 302, headers: { location: `${origin}/file/video` } });
      if (pathname === "/file/made") return new Response(Buffer.from(PNG, "base64"), { headers: { "content-type": "image/png" } });
      if (pathname === "/file/video") return new Response(MP4, { headers: { "content-type": "video/mp4" } });
      return new Response("no such path", { status: 404 });
    },
  });
  const origin = server.url.origin;
  return {
    geminiBaseUrl: origin,
    flowLabsBaseUrl: `${origin}/labs`,
    flowApiBaseUrl: `${origin}/flow`,
    /** Begins the recorded answers anew. */
    load(next: Pick<Recorded, "at" | "answers" | "after">) {
      recorded = next;
      turn = 0;
      calls.length = 0;
      bodies.length = 0;
    },
    /** Calls that cost something, since the last load. */
    generating: () => calls.filter((place) => GENERATING.has(place)).length,
    bodies,
    stop: () => server.stop(true),
  };
}

const GENERATING: ReadonlySet<Place> = new Set(["gemini.generate", "gemini.interaction", "flow.image", "flow.video"]);

const PLACES: [method: string, path: RegExp, place: Place][] = [
  ["POST", /^\/v1beta\/models\/[^/]+:(?:g|streamG)enerateContent$/, "gemini.generate"],
  ["POST", /^\/v1beta\/interactions$/, "gemini.interaction"],
  ["GET", /^\/v1beta\/interactions\//, "gemini.interaction-get"],
  ["GET", /^\/labs\/auth\/session$/, "flow.session"],
  ["POST", /^\/flow\/projects\/[^/]+\/flowMedia:batchGenerateImages$/, "flow.image"],
  ["POST", /^\/flow\/flow\/uploadImage$/, "flow.upload"],
  ["POST", /^\/flow\/video:batchAsyncGenerateVideo/, "flow.video"],
  ["POST", /^\/flow\/video:batchCheckAsyncVideoGenerationStatus$/, "flow.video-status"],
];
