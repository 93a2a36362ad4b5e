// Routes of the OpenAI dialect, with their OpenAPI descriptions.

import { type AnyElysia, Elysia } from "elysia";
import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { StoredResponses } from "../../gateway/generation/stored-responses.ts";
import { asksForAll } from "../../gateway/keys/served-models.ts";
import type { AdmissionControl } from "../../gateway/limits/contract.ts";
import type { Leases } from "../../gateway/pool/lease-contract.ts";
import { admitBody } from "../admission.ts";
import type { Call } from "./call.ts";
import { chat } from "./chat/chat.ts";
import { deleteFile, type FilesApi, fileContent, getFile, listFiles, uploadFile } from "./files.ts";
import { images } from "./images/images.ts";
import { cancelImageJob, imageJob, imageJobEvents } from "./images/jobs.ts";
import { listedAliases, listedModels, oneModel } from "./models.ts";
import { responses } from "./responses/responses.ts";
import { deleteResponse, getResponse, listInputItems } from "./responses/stored.ts";
import { ChatBody, ImagesBody, ResponsesBody, VideoBody } from "./schema.ts";
import {
  createVideo,
  deleteVideo,
  editVideo,
  extendVideo,
  getVideo,
  listVideos,
  noCharacters,
  remixVideo,
  videoContent,
} from "./videos/videos.ts";

export type OpenAiContext = FilesApi & {
  pool: Leases;
  limits: Pick<AdmissionControl, "admitUpload" | "assertMayStart">;
  responses: StoredResponses;
  /** The facts of an admitted request, from the guard. */
  callOf(request: Request): Call;
};

/** Prefixes of the dialect; the second is that of Google's OpenAI compatibility layer. */
const PREFIXES = ["/v1", "/v1beta/openai"] as const;

export function openaiRoutes(ctx: OpenAiContext) {
  const [first, second] = PREFIXES;
  return new Elysia({ name: "openai" }).use(routesUnder(ctx, first)).use(routesUnder(ctx, second));
}

/** Videos are made by jobs only. */
const KINDS = ["image", "video"] as const;

type Answer = (ctx: OpenAiContext, call: Call, id: string) => Promise<Response>;
type Arrival = {
  request: Request;
  params?: { id?: string };
  server: { timeout(request: Request, seconds: number): void } | null;
};

/** Handlers around a response: its call, idle timeout, rate headers and admission. */
function handlersOf(ctx: OpenAiContext, prefix: string) {
  const served = () => ({
    catalogue: ctx.catalogue(),
    pool: ctx.pool,
    successors: ctx.settings.current().generation.successors,
    kinds: ctx.jobs ? KINDS : KINDS.slice(0, 1),
    listsAll: ctx.settings.current().generation.list_all_models,
  });
  const detail = (summary: string, body: object = {}) => ({ tags: ["OpenAI"], summary, ...body, hide: prefix !== PREFIXES[0] });
  const route =
    (handler: Answer) =>
    ({ request, params }: Arrival) =>
      handler(ctx, ctx.callOf(request), params?.id ?? "");
  /** Without the idle timeout, for responses that take as long as a generation. */
  const slow =
    (handler: Answer) =>
    ({ request, params, server }: Arrival) => {
      server?.timeout(request, 0);
      return handler(ctx, ctx.callOf(request), params?.id ?? "");
    };
  /**
   * Counts against the key's limit per minute. With `admits` a key at its limit is refused before its body is read.
   */
  const counting =
    (handler: Answer, admits?: (call: Call) => void) =>
    ({ request, params, server }: Arrival) => {
      server?.timeout(request, 0);
      const call = ctx.callOf(request);
      call.isRated = true;
      admits?.(call);
      return handler(ctx, call, params?.id ?? "");
    };
  const counted = (handler: Answer) => counting(handler);
  /** For generations. `kind` null: the model decides. */
  const generating = (kind: Kind | null, handler: Answer) => counting(handler, ({ request, key }) => admitBody(ctx, request, key.id, kind));
  return { served, detail, route, slow, counted, generating };
}

/** Every route under one prefix. The prefix is a plain string: its literal types exceed the compiler's depth. */
function routesUnder(ctx: OpenAiContext, prefix: string): AnyElysia {
  const { served, detail, route, slow, counted, generating } = handlersOf(ctx, prefix);
  return (
    new Elysia({ name: `openai ${prefix}`, prefix })
      .get("/models", ({ request }) => Response.json(listedModels(served(), ctx.callOf(request).key, asksForAll(request.url))), {
        detail: detail("List the models that the key may use and the pool serves; ?all=true: under every id"),
      })
      .get("/models/aliases", ({ request }) => Response.json(listedAliases(served(), ctx.callOf(request).key)), {
        detail: detail("List the names that lead to another model"),
      })
      .get("/models/*", ({ request }) => Response.json(oneModel(served(), idAfter(`${prefix}/models/`, request.url))), {
        detail: detail("One model"),
      })

      .post("/chat/completions", generating(null, chat), {
        parse: "none",
        detail: detail("Make images or a video from a conversation", jsonBody(ChatBody)),
      })
      .post("/responses", generating("image", responses), {
        parse: "none",
        detail: detail("Make images from a conversation, as items and events", jsonBody(ResponsesBody)),
      })
      .get("/responses/:id", route(getResponse), { detail: detail("A stored response") })
      .delete("/responses/:id", route(deleteResponse), { detail: detail("Forget a response") })
      .get("/responses/:id/input_items", route(listInputItems), { detail: detail("What a response was made from, as items") })

      .post("/images/generations", generating("image", generate), {
        parse: "none",
        detail: detail("Make images from a prompt", jsonBody(ImagesBody)),
      })
      // Path of OpenRouter's own client.
      .post("/images", generating("image", generate), { parse: "none", detail: { hide: true } })
      .post(
        "/images/edits",
        generating("image", (api, call) => images(api, call, "edit")),
        { parse: "none", detail: detail("Make images from a prompt and input images", jsonBody(ImagesBody)) },
      )
      .post(
        "/images/variations",
        route(() => Promise.reject(new AppError("not_found", VARIATIONS, { reason: "unknown_url" }))),
        { parse: "none", detail: { hide: true } },
      )
      .get("/images/generations/:id", route(imageJob), { detail: detail("An image job, or what it made") })
      .get("/images/generations/:id/events", slow(imageJobEvents), { detail: detail("An image job as it goes on, as events") })
      .delete("/images/generations/:id", route(cancelImageJob), { detail: detail("Cancel an image job") })

      .post("/videos", generating("video", createVideo), { parse: "none", detail: detail("Make a video as a job", jsonBody(VideoBody)) })
      .get("/videos", route(listVideos), { detail: detail("List the key's videos") })
      .post("/videos/edits", generating("video", editVideo), { parse: "none", detail: detail("Change a video", jsonBody(VideoBody)) })
      .post("/videos/extensions", generating("video", extendVideo), {
        parse: "none",
        detail: detail("Go on from a video", jsonBody(VideoBody)),
      })
      .post("/videos/characters", route(noCharacters), { parse: "none", detail: { hide: true } })
      .get("/videos/characters/:id", route(noCharacters), { detail: { hide: true } })
      .get("/videos/:id", route(getVideo), { detail: detail("A video: status, progress and address") })
      .delete("/videos/:id", route(deleteVideo), { detail: detail("Delete a video; cancels one that is being made") })
      .get("/videos/:id/content", slow(videoContent), { detail: detail("The bytes of a video or its thumbnail, with ranges") })
      .post("/videos/:id/remix", generating("video", remixVideo), {
        parse: "none",
        detail: detail("Change a video of ours", jsonBody(VideoBody)),
      })

      .post("/files", counted(uploadFile), { parse: "none", detail: detail("Upload an image or a video to use by its id", FILE_BODY) })
      .get("/files", route(listFiles), { detail: detail("List the key's files") })
      .get("/files/:id", route(getFile), { detail: detail("One file") })
      .get("/files/:id/content", slow(fileContent), { detail: detail("The bytes of a file") })
      .delete("/files/:id", route(deleteFile), { detail: detail("Delete a file") })
  );
}

const generate: Answer = (api, call) => images(api, call, "generation");

const VARIATIONS = "OpenAI retired image variations: send the image to /v1/images/edits with a prompt that says what should vary.";

/** Describes a body for /openapi.json; BodyReader reads it, after the guard. */
const jsonBody = (schema: unknown) => ({ requestBody: { required: true, content: { "application/json": { schema: schema as never } } } });

const FILE_BODY = {
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: {
          type: "object" as const,
          required: ["file"],
          properties: { file: { type: "string" as const, format: "binary" }, purpose: { type: "string" as const } },
        },
      },
    },
  },
};

/** The id after `start` in a path, with slashes as they are or escaped. */
function idAfter(start: string, url: string): string {
  const path = new URL(url).pathname.slice(start.length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
