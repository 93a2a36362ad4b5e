// The simulated Gemini API: who may call, which path is which operation, models and generateContent.
import { type Exchange, type Incoming, jsonReply, type Reply, type Route } from "./exchange.ts";
import { answerContent, contentReply, isCharged } from "./gemini-answer.ts";
import { type GeminiModel, isRetired, MODELS, modelResource } from "./gemini-models.ts";
import { countedBody, noSuchFile, readContentRequest } from "./gemini-request.ts";
import * as errors from "./google-errors.ts";
import { OPERATIONS, type Operation } from "./operations.ts";

const DEFAULT_PAGE = 50;

/** The route of a Gemini request, or null when the path is none of the API's. */
export function routeGemini(incoming: Incoming): Route | null {
  const match = /^\/gemini\/(v1|v1beta)\/models(?:\/([^/:]+)(?::(\w+))?)?$/.exec(incoming.path);
  if (!match) return null;
  const [, version = "", model = "", method = ""] = match;
  if (incoming.method === "GET" && method === "") {
    return model === ""
      ? gemini(incoming, "gemini.models", listModels)
      : gemini(incoming, "gemini.model", (exchange) => jsonReply(modelResource(knownModel(model, version, "getModel", exchange))), model);
  }
  if (incoming.method !== "POST") return null;
  if (method === "generateContent" || method === "streamGenerateContent") {
    return gemini(incoming, "gemini.generate", (exchange) => generate(exchange, model, version, method), model);
  }
  if (method === "countTokens") return gemini(incoming, "gemini.count-tokens", (exchange) => countTokens(exchange, model, version), model);
  return null;
}

/** A route of this API: the credentials are read and judged here. */
export function gemini(incoming: Incoming, operation: Operation, run: Route["run"], model?: string): Route {
  const secret = keyOf(incoming);
  return { operation, secret, ...(model ? { model } : {}), denied: judgeKey(incoming, secret, OPERATIONS[operation].generating), run };
}

function keyOf(incoming: Incoming): string {
  return incoming.headers.get("x-goog-api-key") ?? incoming.query.get("key") ?? "";
}

/** The project a key belongs to: what stands before its first dot. */
export function projectOf(key: string): string {
  return key.split(".", 1)[0]!;
}

function judgeKey(incoming: Incoming, key: string, generating: boolean): Reply | null {
  if (key !== "" && incoming.headers.has("authorization")) {
    return errors.googleError(400, "Multiple authentication credentials received. Please pass only one.");
  }
  if (incoming.headers.has("authorization")) return errors.ACCESS_TOKEN_INVALID;
  if (key === "") {
    return errors.googleError(
      403,
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
    );
  }
  if (key.startsWith("bad")) return errors.API_KEY_INVALID;
  if (key.startsWith("leaked")) return errors.KEY_LEAKED;
  if (key.startsWith("suspended")) return errors.KEY_SUSPENDED;
  if (generating && key.startsWith("nobilling")) return errors.NO_BILLING;
  if (generating && key.startsWith("location")) return errors.BAD_LOCATION;
  return null;
}

function knownModel(id: string, version: string, method: string, exchange: Exchange): GeminiModel {
  const retired = exchange.world.plan.retiredModels(keyOf(exchange.incoming));
  const model = MODELS.get(id);
  if (isRetired(id) || (model && retired.includes(id))) throw errors.refusalOf(errors.retiredModel(id));
  if (!model) throw errors.refusalOf(errors.unknownModel(id, version, method));
  return model;
}

function listModels({ incoming, world }: Exchange): Reply {
  const retired = world.plan.retiredModels(keyOf(incoming));
  const all = [...MODELS.values()].filter((model) => !retired.includes(model.id));
  const size = Number(incoming.query.get("pageSize") ?? incoming.query.get("page_size") ?? DEFAULT_PAGE);
  if (!Number.isInteger(size) || size < 0) throw errors.invalidArgument("Invalid value at 'page_size' (TYPE_INT32)", "page_size");
  const start = readPageToken(incoming.query.get("pageToken") ?? incoming.query.get("page_token"));
  const end = start + Math.min(1000, size || DEFAULT_PAGE);
  return jsonReply({ models: all.slice(start, end).map(modelResource), ...(end < all.length ? { nextPageToken: pageToken(end) } : {}) });
}

/** An opaque mark for where the next page begins. */
export function pageToken(start: number): string {
  return Buffer.from(`from:${start}`).toString("base64url");
}

/** @throws {Refusal} 400 when it is not a mark of ours */
export function readPageToken(token: string | null): number {
  if (!token) return 0;
  const match = /^from:(\d+)$/.exec(Buffer.from(token, "base64url").toString());
  if (!match) throw errors.invalidArgument("Invalid page token.");
  return Number(match[1]);
}

async function generate(exchange: Exchange, id: string, version: string, method: string): Promise<Reply> {
  const { incoming, world } = exchange;
  const model = knownModel(id, version, method, exchange);
  if (model.kind === "video") throw errors.invalidArgument("This model is only supported in the Interactions API.");
  const request = readContentRequest(incoming.json(), model, (uri) => {
    throw noSuchFile(uri);
  });
  const fault = exchange.content?.fault;
  const form = method === "generateContent" ? "object" : incoming.query.get("alt") === "sse" ? "sse" : "array";
  exchange.accept(1, isCharged(fault));
  return contentReply(request, await answerContent(request, world, fault), world, form);
}

function countTokens(exchange: Exchange, id: string, version: string): Reply {
  const model = knownModel(id, version, "countTokens", exchange);
  const request = readContentRequest(countedBody(exchange.incoming.json()), model, (uri) => {
    throw noSuchFile(uri);
  });
  const images = request.inputs.length * 258;
  return jsonReply({
    totalTokens: request.textTokens + images,
    promptTokensDetails: [
      { modality: "TEXT", tokenCount: request.textTokens },
      ...(images > 0 ? [{ modality: "IMAGE", tokenCount: images }] : []),
    ],
  });
}
