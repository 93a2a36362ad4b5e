// The Gemini surface: the list of its routes, each described where it stands.
import { Elysia } from "elysia";
import type { KeyRow } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { dialectOf, splitUrl } from "../dialect.ts";
import type { Api, Call } from "./call.ts";
import { errorResponse } from "./errors.ts";
import { countTokens, generateContent, streamGenerateContent } from "./generate.ts";
import { modelList, oneModel } from "./models.ts";
import { GenerateBody } from "./schema.ts";

export type GeminiContext = Api & {
  /** The facts of an admitted request, from the guard. */
  callOf(request: Request): Omit<Call, "request"> & { key: KeyRow };
};

/** Google's versions, the original's bare prefix, and OpenAI's, where only paths stand that OpenAI does not have. */
const PREFIXES = ["/v1beta", "/v1alpha", "/v1", ""] as const;
type Prefix = (typeof PREFIXES)[number];

export function geminiRoutes(ctx: GeminiContext) {
  return PREFIXES.reduce((app, prefix) => app.use(surface(ctx, prefix)), new Elysia({ name: "gemini" }));
}

type Answer = (api: Api, call: Call, name: string) => Response | Promise<Response>;
type Server = { timeout(request: Request, seconds: number): void } | null;
type Arrival = { request: Request; server: Server };

/** Answers with `answer`, given the rest of the path after `start`; failures get Google's envelope. */
async function respond(ctx: GeminiContext, { request, server }: Arrival, start: string, answer: Answer): Promise<Response> {
  // Generations, downloads and uploads take as long as they take.
  server?.timeout(request, 0);
  try {
    return await answer(ctx, { request, ...ctx.callOf(request) }, restOf(request.url, start));
  } catch (error) {
    const response = errorResponse(error);
    if (response.status === 500) ctx.log.error("A request failed by a bug", { error });
    return response;
  }
}

/** The path after `start`, decoded; ids may hold slashes. */
function restOf(url: string, start: string): string {
  const rest = splitUrl(url).path.slice(start.length);
  try {
    return decodeURIComponent(rest);
  } catch {
    return rest;
  }
}

/** Paths of `/v1` that both surfaces have: `app.ts` asks here first. */
const SHARED: readonly { method: string; start: string; path: RegExp; answer: Answer }[] = [
  { method: "GET", start: "/v1/models", path: /^\/v1\/models\/?$/, answer: modelList },
  { method: "GET", start: "/v1/models/", path: /^\/v1\/models\/./, answer: oneOfModels },
];

/** The answer to a request for a path that both surfaces have, when it speaks Gemini; else undefined. */
export function createSharedPaths(ctx: GeminiContext) {
  return (arrival: Arrival): Promise<Response> | undefined => {
    const { method, url, headers } = arrival.request;
    const { path, query } = splitUrl(url);
    const shared = SHARED.find((one) => one.method === method && one.path.test(path));
    if (!shared || dialectOf({ method, path, query, header: (name) => headers.get(name) }) !== "gemini") return undefined;
    return respond(ctx, arrival, shared.start, shared.answer);
  };
}

/** `models/{model}`, or an operation of one. */
function oneOfModels(api: Api, _call: Call, name: string) {
  return oneModel(api, name);
}

const METHODS: Readonly<Record<string, Answer>> = { generateContent, streamGenerateContent, countTokens };

/** `{model}:{method}`, split at the last colon. */
function callModel(api: Api, call: Call, name: string) {
  const colon = name.lastIndexOf(":");
  const method = name.slice(colon + 1);
  const answer = colon > 0 && Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (!answer) throw new AppError("not_found", `Expected models/{model}:{method}, the method one of ${Object.keys(METHODS).join(", ")}.`);
  return answer(api, call, name.slice(0, colon));
}

/** Every route under one prefix. */
function surface(ctx: GeminiContext, prefix: Prefix) {
  const detail = (summary: string, body: object = {}) => ({ tags: ["Gemini"], summary, ...body, hide: prefix !== PREFIXES[0] });
  const route = (path: string, answer: Answer) => (arrival: Arrival) => respond(ctx, arrival, `${prefix}${path}`, answer);
  const app = new Elysia({ name: `gemini ${prefix}`, prefix });

  app.post("/models/*", route("/models/", callModel), {
    parse: "none",
    detail: detail("models/{model}:generateContent, :streamGenerateContent, :countTokens", jsonBody(GenerateBody)),
  });

  // Under /v1 these are OpenAI's as well: see createSharedPaths.
  if (prefix === "/v1") return app;
  return app
    .get("/models", route("/models", modelList), { detail: detail("List the models that this pool serves") })
    .get("/models/*", route("/models/", oneOfModels), { detail: detail("One model") });
}

/** Bodies are described for /openapi.json and read by our own reader, after the guard. */
const jsonBody = (schema: unknown) => ({ requestBody: { required: true, content: { "application/json": { schema: schema as never } } } });
