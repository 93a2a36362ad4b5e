// Routes of the Gemini dialect, with their OpenAPI descriptions.

import { Elysia } from "elysia";
import type { FileName } from "../../db/media.ts";
import { AppError } from "../../errors.ts";
import type { AdmissionControl } from "../../gateway/limits/contract.ts";
import type { NodeHop } from "../../gateway/nodes/node-hop.ts";
import { dialectOf, type RequestHead } from "../dialect.ts";
import type { Api, Call } from "./call.ts";
import { deleteFile, listFiles, oneFile } from "./files/files.ts";
import { createUploads, type Uploads } from "./files/resumable.ts";
import { continueUpload, startUpload } from "./files/upload.ts";
import { countTokens } from "./generate/count-tokens.ts";
import { generateContent, streamGenerateContent } from "./generate/generate.ts";
import { predict } from "./generate/predict.ts";
import { cancelInteraction, createInteraction, deleteInteraction, getInteraction } from "./interactions/interactions.ts";
import { modelList, oneModel } from "./models.ts";
import { GenerateBody, InteractionBody } from "./schema.ts";
import { callVertexModel, readVertexModel } from "./vertex.ts";
import { operation, predictLongRunning } from "./videos.ts";

export type GeminiContext = Api & {
  limits: Pick<AdmissionControl, "admitUpload" | "assertMayStart">;
  /** To the node that holds an upload. */
  hop: Pick<NodeHop, "id" | "forward">;
  /** The facts of an admitted request, from the guard. */
  callOf(request: Request): Call;
};

/** Google's versions, the bare prefix of python-flow2api, and `/v1` for paths that OpenAI does not have. */
const PREFIXES = ["/v1beta", "/v1beta1", "/v1alpha", "/v1", ""] as const;
type Prefix = (typeof PREFIXES)[number];

export function geminiRoutes(ctx: GeminiContext) {
  const nameFile = (file: FileName) => ctx.store.nameFile(file, ctx.clock.now());
  const uploads = createUploads({ ...ctx, nameFile, limitMb: () => ctx.settings.current().server.body_limit_mb });
  const app = new Elysia({ name: "gemini" }).use(uploadRoutes(ctx, uploads));
  return PREFIXES.reduce((all, prefix) => all.use(routesUnder(ctx, prefix)), app);
}

type Answer = (api: Api, call: Call, name: string) => Response | Promise<Response>;
type Server = { timeout(request: Request, seconds: number): void } | null;
type Arrival = { request: Request; server: Server; set: { headers: object } };

/** The call of a route that this dialect alone has. Without the idle timeout, as generations and files take long. */
function enter(ctx: GeminiContext, request: Request, server: Server): Call {
  server?.timeout(request, 0);
  const call = ctx.callOf(request);
  call.dialect = "gemini";
  return call;
}

/** The path after `start`, decoded; ids may hold slashes. */
function restOf({ path }: RequestHead, start: string): string {
  const rest = path.slice(start.length);
  try {
    return decodeURIComponent(rest);
  } catch {
    return rest;
  }
}

/** Paths of `/v1` that both dialects have: `app.ts` checks these first. */
const SHARED: readonly { method: string; path: RegExp; start: string; answer: Answer }[] = [
  { method: "GET", path: /^\/v1\/models\/?$/, start: "/v1/models", answer: modelList },
  { method: "GET", path: /^\/v1\/models\/./, start: "/v1/models/", answer: modelOrOperation },
  { method: "GET", path: /^\/v1\/files\/?$/, start: "/v1/files", answer: listFiles },
  { method: "GET", path: /^\/v1\/files\/./, start: "/v1/files/", answer: oneFile },
  { method: "DELETE", path: /^\/v1\/files\/./, start: "/v1/files/", answer: deleteFile },
];

/** Answers paths that both dialects have; undefined for a request of the OpenAI dialect, and for any other path. */
export function createSharedPaths(ctx: GeminiContext) {
  return (call: Call & { group: string }, server: Server): Promise<Response> | undefined => {
    const { request } = call;
    if (call.group !== "v1" || request.method === "POST") return undefined;
    const shared = sharedPathOf(request.method, call.path);
    if (!shared || dialectOf(call) !== "gemini") return undefined;
    return answerShared(shared, enter(ctx, request, server), ctx);
  };
}

const answerShared = async ({ start, answer }: (typeof SHARED)[number], call: Call, ctx: GeminiContext) =>
  answer(ctx, call, restOf(call, start));

const sharedPathOf = (method: string, path: string) => SHARED.find((one) => one.method === method && one.path.test(path));

/** `models/{model}`, or an operation of one. */
function modelOrOperation(api: Api, call: Call, name: string) {
  return name.includes("/operations/") ? operation(api, call, name) : oneModel(api, name);
}

const METHODS: Readonly<Record<string, Answer>> = { generateContent, streamGenerateContent, countTokens, predict, predictLongRunning };

/** `{model}:{method}`, split at the last colon. */
function callModel(api: Api, call: Call, name: string) {
  const colon = name.lastIndexOf(":");
  const method = name.slice(colon + 1);
  const handler = colon > 0 && Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (!handler) throw new AppError("not_found", `Expected models/{model}:{method}, the method one of ${Object.keys(METHODS).join(", ")}.`);
  return handler(api, call, name.slice(0, colon));
}

/** Every route under one prefix. */
function routesUnder(ctx: GeminiContext, prefix: Prefix) {
  const detail = (summary: string, body: object = {}) => ({ tags: ["Gemini"], summary, ...body, hide: prefix !== PREFIXES[0] });
  const route = (path: string, handler: Answer) => {
    const start = `${prefix}${path}`;
    // Elysia reads this text: what is not named is not made.
    return ({ request, server }: Arrival) => {
      const call = enter(ctx, request, server);
      return handler(ctx, call, restOf(call, start));
    };
  };
  /** Counts against the key's limit per minute; the response has the rate headers. */
  const counted = (path: string, handler: Answer) => {
    const start = `${prefix}${path}`;
    // Elysia reads this text: what is not named is not made.
    return ({ request, server }: Arrival) => {
      const call = enter(ctx, request, server);
      call.isRated = true;
      return handler(ctx, call, restOf(call, start));
    };
  };
  const app = new Elysia({ name: `gemini ${prefix}`, prefix });

  app.post("/models/*", counted("/models/", callModel), {
    parse: "none",
    detail: detail(`models/{model}:{method}, the method one of ${Object.keys(METHODS).join(", ")}`, jsonBody(GenerateBody)),
  });
  // The bare prefix of python-flow2api has models alone. Under /v1 these paths are OpenAI's as well: see createSharedPaths.
  if (prefix !== "/v1") {
    app
      .get("/models", route("/models", modelList), { detail: detail("List the models that this pool serves") })
      .get("/models/*", route("/models/", modelOrOperation), { detail: detail("One model, or an operation of one") });
  }
  if (prefix === "") return app;
  for (const path of ["/publishers", "/projects"] as const) {
    const whole =
      (handler: Answer): Answer =>
      (api, call, name) =>
        handler(api, call, `${path.slice(1)}/${name}`);
    app
      .post(`${path}/*`, counted(`${path}/`, whole(callVertexModel)), {
        parse: "none",
        detail: detail("Vertex's paths: methods of models"),
      })
      .get(`${path}/*`, route(`${path}/`, whole(readVertexModel)), { detail: detail("Vertex's paths: models and operations") });
  }

  app
    .get("/operations/*", route("/", operation), { detail: detail("How far a video is") })
    .post("/interactions", counted("/interactions", createInteraction), {
      parse: "none",
      detail: detail("Make a video or an image as an interaction", jsonBody(InteractionBody)),
    })
    .get("/interactions/:id", route("/interactions/", getInteraction), { detail: detail("How far an interaction is, or what it made") })
    .post("/interactions/:id/cancel", route("/interactions/", withoutVerb(cancelInteraction)), {
      parse: "none",
      detail: detail("Cancel an interaction"),
    })
    .delete("/interactions/:id", route("/interactions/", deleteInteraction), { detail: detail("Delete an interaction and what it made") });
  if (prefix === "/v1") return app;
  return app
    .get("/files", route("/files", listFiles), { detail: detail("List the key's files") })
    .get("/files/*", route("/files/", oneFile), { detail: detail("One file, or its bytes with :download") })
    .delete("/files/*", route("/files/", deleteFile), { detail: detail("Delete a file") });
}

const withoutVerb =
  (handler: Answer): Answer =>
  (api, call, name) =>
    handler(api, call, name.replace(/\/[^/]*$/, ""));

/** Under Google's versions. What follows the first request needs no key: its address is the credential. */
function uploadRoutes(ctx: GeminiContext, uploads: Uploads) {
  const api = { ...ctx, uploads };
  const begin = ({ request, server }: Arrival) => startUpload(api, enter(ctx, request, server));
  const goOn = ({ request, server, params }: Arrival & { params: { upload: string } }) => {
    enter(ctx, request, server);
    return continueUpload(api, request, params.upload);
  };
  return new Elysia({ name: "gemini upload", prefix: "/upload/:version/files" })
    .post("/", begin, { parse: "none", detail: { tags: ["Gemini"], summary: "Begin the upload of an image or a video" } })
    .post("/:upload", goOn, { parse: "none", detail: { tags: ["Gemini"], summary: "Send the bytes of an upload" } })
    .put("/:upload", goOn, { parse: "none", detail: { hide: true } });
}

/** Describes a body for /openapi.json; BodyReader reads it, after the guard. */
const jsonBody = (schema: unknown) => ({ requestBody: { required: true, content: { "application/json": { schema: schema as never } } } });
