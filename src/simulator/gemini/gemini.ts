// The simulated Gemini API: which path is which operation, models, generateContent and countTokens.
import { type Exchange, type Incoming, jsonReply, type Reply, type Route } from "../exchange.ts";
import * as errors from "../google-errors.ts";
import type { World } from "../world.ts";
import { gemini, keyOf, pageToken, projectOf, readPageToken } from "./access.ts";
import { findFile, routeFiles } from "./files.ts";
import { routeInteractions } from "./interactions.ts";
import { allModels, findModel, type GeminiModel, isRetired, modelResource } from "./models.ts";
import { contentReply, generateReply, isCharged } from "./reply.ts";
import { countedBody, readContentRequest } from "./request.ts";

const DEFAULT_PAGE = 50;

/** The route of a Gemini request, or null when the path is none of the API's. */
export function routeGemini(incoming: Incoming, world: World): Route | null {
  const match = /^\/gemini\/(v1|v1beta)\/models(?:\/([^/:]+)(?::(\w+))?)?$/.exec(incoming.path);
  if (!match) return routeFiles(incoming, world) ?? routeInteractions(incoming);
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

function knownModel(id: string, version: string, method: string, exchange: Exchange): GeminiModel {
  const retired = exchange.world.plan.retiredModels(keyOf(exchange.incoming));
  const model = findModel(id, exchange.world);
  if (isRetired(id) || (model && retired.includes(id))) throw errors.refusalOf(errors.retiredModel(id));
  if (!model) throw errors.refusalOf(errors.unknownModel(id, version, method));
  return model;
}

function listModels({ incoming, world }: Exchange): Reply {
  const retired = world.plan.retiredModels(keyOf(incoming));
  const all = allModels(world).filter((model) => !retired.includes(model.id));
  const size = Number(incoming.query.get("pageSize") ?? incoming.query.get("page_size") ?? DEFAULT_PAGE);
  if (!Number.isInteger(size) || size < 0) throw errors.invalidArgument("Invalid value at 'page_size' (TYPE_INT32)", "page_size");
  const start = readPageToken(incoming.query.get("pageToken") ?? incoming.query.get("page_token"));
  const end = start + Math.min(1000, size || DEFAULT_PAGE);
  return jsonReply({ models: all.slice(start, end).map(modelResource), ...(end < all.length ? { nextPageToken: pageToken(end) } : {}) });
}

async function generate(exchange: Exchange, id: string, version: string, method: string): Promise<Reply> {
  const { incoming, world } = exchange;
  const model = knownModel(id, version, method, exchange);
  if (model.kind === "video") throw errors.invalidArgument("This model is only supported in the Interactions API.");
  const request = readContentRequest(incoming.json(), model, (uri) => findFile(world, incoming, uri), projectOf(keyOf(incoming)));
  const fault = exchange.content?.fault;
  const form = method === "generateContent" ? "object" : incoming.query.get("alt") === "sse" ? "sse" : "array";
  exchange.accept(1, isCharged(fault));
  return contentReply(request, await generateReply(request, world, fault), world, form);
}

function countTokens(exchange: Exchange, id: string, version: string): Reply {
  return countReply(exchange, knownModel(id, version, "countTokens", exchange));
}

export function countReply(exchange: Exchange, model: GeminiModel): Reply {
  const request = readContentRequest(countedBody(exchange.incoming.json()), model, (uri) =>
    findFile(exchange.world, exchange.incoming, uri),
  );
  const images = request.inputs.length * 258;
  return jsonReply({
    totalTokens: request.textTokens + images,
    promptTokensDetails: [
      { modality: "TEXT", tokenCount: request.textTokens },
      ...(images > 0 ? [{ modality: "IMAGE", tokenCount: images }] : []),
    ],
  });
}
