// models.list and models.get: models that the pool serves now, with their methods.
// Source: Gemini API reference, models (read 2026-11-23).

import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { asksForAll, everyServedModel, modelsFor, type ServedModels } from "../../gateway/keys/served-models.ts";
import { isSwitchedOff, switchedOff } from "../../gateway/models/choose-family.ts";
import type { ModelEntry } from "../../gateway/models/model-list.ts";
import { type Api, type Call, modelOf } from "./call.ts";
import { pageOf, pageToken } from "./page.ts";

const LARGEST_PAGE = 1000;
const USUAL_PAGE = 50;

type Served = Pick<Api, "pool" | "settings" | "catalogue" | "jobs">;

export function modelList(api: Api, { request, key }: Call): Response {
  const { size, after } = pageOf(request.url, { usual: USUAL_PAGE, largest: LARGEST_PAGE });
  const entries = modelsFor(servedBy(api), key, asksForAll(request.url));
  const start = after === null ? 0 : entries.findIndex(({ id }) => id === after) + 1;
  const page = after !== null && start === 0 ? [] : entries.slice(start, start + size);
  const last = page.at(-1);
  const more = last && start + size < entries.length ? { nextPageToken: pageToken(last.id) } : {};
  return Response.json({ models: page.map((entry) => encodeModel(entry)), ...more });
}

/**
 * One model by any name that generation understands, listed or not.
 * @throws {AppError} `not_found` with the nearest known ids
 */
export function oneModel(api: Api, name: string): Response {
  const id = name.replace(/^models\//, "");
  const entries = everyServedModel(servedBy(api));
  const choice = modelOf(api.catalogue(), id);
  if (isSwitchedOff(choice, api.pool.isOff)) throw switchedOff(choice);
  const entry = entries.find((one) => one.id === id) ?? entries.find((one) => choice.families.includes(one.family));
  if (!entry)
    throw new AppError("not_found", `models/${choice.requested} is not served here now.`, { param: "model", reason: "model_not_found" });
  return Response.json(encodeModel(entry, choice.requested));
}

function servedBy({ pool, settings, catalogue, jobs }: Served): ServedModels {
  const kinds: Kind[] = jobs ? ["image", "video"] : ["image"];
  const { successors, list_all_models: listsAll } = settings.current().generation;
  return { catalogue: catalogue(), pool, kinds, successors, listsAll };
}

/** Clients choose what to call by the methods; those of Imagen and Veo names are the ones that their clients know. */
function methodsOf({ kind }: ModelEntry, id: string): string[] {
  if (kind === "video") return ["predictLongRunning"];
  return id.startsWith("imagen") ? ["predict"] : ["generateContent", "countTokens"];
}

const INPUT_TOKENS = 65_536;
const OUTPUT_TOKENS = 32_768;

function encodeModel(entry: ModelEntry, id = entry.id) {
  return {
    name: `models/${id}`,
    baseModelId: entry.family,
    version: "001",
    displayName: id === entry.id ? entry.name : id,
    description: entry.description,
    inputTokenLimit: INPUT_TOKENS,
    outputTokenLimit: OUTPUT_TOKENS,
    supportedGenerationMethods: methodsOf(entry, id),
  };
}
