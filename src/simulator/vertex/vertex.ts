// The simulated Vertex: which path is which operation, by project and location or in express mode.
import { type Exchange, type Incoming, jsonReply, type Reply, type Route } from "../exchange.ts";
import { pageToken, readPageToken } from "../gemini/access.ts";
import { countReply } from "../gemini/gemini.ts";
import { interactionCall } from "../gemini/interactions.ts";
import type { GeminiModel } from "../gemini/models.ts";
import { contentReply, generateReply, isCharged } from "../gemini/reply.ts";
import { noSuchFile, readContentRequest } from "../gemini/request.ts";
import * as errors from "../google-errors.ts";
import type { World } from "../world.ts";
import { mintRoute, type Place, vertex } from "./access.ts";
import { modelAt, publisherModel, vertexModels } from "./models.ts";

const PATH = /^\/vertex\/(?:v1|v1beta1)\/(?:projects\/([^/]+)\/locations\/([^/]+)\/)?(.+)$/;
const MODEL = /^publishers\/google\/models(?:\/([^/:]+)(?::(\w+))?)?$/;
const INTERACTION = /^interactions(?:\/([^/]+)(\/cancel)?)?$/;
const DEFAULT_PAGE = 100;

/** The route of a Vertex request, or null. */
export function routeVertex(incoming: Incoming, world: World): Route | null {
  if (incoming.path === "/vertex/token" && incoming.method === "POST") return mintRoute(incoming, world);
  const match = PATH.exec(incoming.path);
  if (!match) return null;
  const [, project, location, rest = ""] = match;
  const place: Place = project === undefined ? null : { project, location: location! };
  const interaction = INTERACTION.exec(rest);
  if (interaction) {
    const find = (exchange: Exchange, id: string) => findModel(exchange, id, place);
    const found = interactionCall(incoming, interaction[1] ?? "", interaction[2] !== undefined, find);
    return found && vertex(incoming, world, { operation: `vertex.${found.call}`, place, model: found.model, run: found.run });
  }
  return modelRoute(incoming, world, rest, place);
}

function modelRoute(incoming: Incoming, world: World, rest: string, place: Place): Route | null {
  const match = MODEL.exec(rest);
  if (!match) return null;
  const [, model = "", method = ""] = match;
  if (incoming.method === "GET" && method === "" && place === null) {
    if (model === "") return vertex(incoming, world, { operation: "vertex.models", place, run: listModels });
    const run = () => jsonReply(publisherModel(modelAt(world, model, "global") ?? unknown(model)));
    return vertex(incoming, world, { operation: "vertex.model", place, model, run });
  }
  if (incoming.method !== "POST") return null;
  if (method === "generateContent" || method === "streamGenerateContent")
    return vertex(incoming, world, {
      operation: "vertex.generate",
      place,
      model,
      run: (exchange) => generate(exchange, model, place, method),
    });
  if (method !== "countTokens") return null;
  const run = (exchange: Exchange) => countReply(exchange, findModel(exchange, model, place));
  return vertex(incoming, world, { operation: "vertex.count-tokens", place, model, run });
}

function unknown(model: string): never {
  throw errors.refusalOf(errors.notInLocation("", model));
}

/** @throws {Refusal} 404, whether the location lacks it or there is none */
function findModel({ project, world, secret }: Exchange, id: string, place: Place): GeminiModel {
  const location = place?.location ?? "global";
  const model = world.plan.retiredModels(secret).includes(id) ? undefined : modelAt(world, id, location);
  if (!model) throw errors.refusalOf(errors.notInLocation(`projects/${place?.project ?? project}/locations/${location}`, id));
  return model;
}

function listModels({ incoming, world }: Exchange): Reply {
  const all = vertexModels(world);
  const size = Number(incoming.query.get("pageSize") ?? DEFAULT_PAGE) || DEFAULT_PAGE;
  const start = readPageToken(incoming.query.get("pageToken"));
  const end = start + size;
  return jsonReply({
    publisherModels: all.slice(start, end).map(publisherModel),
    ...(end < all.length ? { nextPageToken: pageToken(end) } : {}),
  });
}

async function generate(exchange: Exchange, id: string, place: Place, method: string): Promise<Reply> {
  const { incoming, world, project } = exchange;
  const model = findModel(exchange, id, place);
  if (model.kind === "video") throw errors.invalidArgument("This model is only supported in the Interactions API.");
  const request = readContentRequest(incoming.json(), model, fileAt, project);
  const fault = exchange.content?.fault;
  const form = method === "generateContent" ? "object" : incoming.query.get("alt") === "sse" ? "sse" : "array";
  exchange.accept(1, isCharged(fault));
  const reply = contentReply(request, await generateReply(request, world, fault), world, form);
  if (fault !== "expires-mid-stream" || !Array.isArray(reply.body)) return reply;
  return { ...reply, body: [reply.body[0]!, `data: ${errors.ACCESS_TOKEN_INVALID.body}\r\n\r\n`] };
}

/** There are no uploaded files here; only Cloud Storage is read. @throws {Refusal} */
function fileAt(uri: string): ReturnType<Parameters<typeof readContentRequest>[2]> {
  if (uri.startsWith("gs://")) return { mime: "image/png", bytes: 0, hash: uri.length };
  throw noSuchFile(uri);
}
