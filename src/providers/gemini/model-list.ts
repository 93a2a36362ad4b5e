// Models that a key of the Gemini API may call, read from its list: known families, and ids that may be new.

import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { readBody } from "../../http.ts";
import type { ProviderModels, TokenFacts, WireModel } from "../provider.ts";
import type { GoogleApi } from "./google-api.ts";
import { arrayOf, isRecord, stringOf } from "./json.ts";
import { kindOfUnknown } from "./models.ts";
import type { UpdateFacts } from "./read-response.ts";

const MAX_LIST_BODY = 8 * 1024 * 1024;
const MAX_LIST_PAGES = 20;

/**
 * Our families among the models that a key may call, and the ids of those that may be new ones. The list costs nothing; a response means
 * that the key is valid.
 */
export async function readFamilies(
  get: (to: string) => Promise<Response>,
  signal: AbortSignal,
  { models, learn }: { models: ProviderModels; learn: UpdateFacts },
): Promise<TokenFacts> {
  const families = new Set<string>();
  const found = new Map<string, Kind>();
  let pageToken = "";
  for (let page = 0; page < MAX_LIST_PAGES; page++) {
    const query = new URLSearchParams({ pageSize: "1000", ...(pageToken ? { pageToken } : {}) });
    const list = parseList(await readBody(await get(`v1beta/models?${query}`), MAX_LIST_BODY, signal));
    for (const model of list.models.filter(isRecord)) {
      const id = (stringOf(model.name) ?? "").replace(/^models\//, "");
      const methods = arrayOf(model.supportedGenerationMethods);
      const known = models.familiesOf(id);
      for (const family of known) if (canServe(models.find(family), methods)) families.add(family);
      const kind = known.length > 0 || models.isName(id) ? null : kindOfUnknown(id, methods);
      if (kind === null) continue;
      found.set(id, kind);
      learn("model", stringOf(model.name)!, model);
      families.add(id);
    }
    pageToken = list.nextPageToken;
    if (!pageToken) break;
  }
  const news = [...found].map(([id, kind]) => ({ provider: "gemini", id, kind }));
  return { families: [...families], ...(news.length > 0 ? { found: news } : {}) };
}

/** Which method an Omni model lists is not documented: that it is listed has to do. */
const canServe = (model: WireModel | null, methods: unknown[]): boolean => model?.kind === "video" || methods.includes("generateContent");

function parseList(bytes: Uint8Array): { models: unknown[]; nextPageToken: string } {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    list = null;
  }
  // Proto JSON leaves an empty list out, but a page of something else is more likely than a key without any model.
  if (!isRecord(list) || !Array.isArray(list.models)) {
    throw new AppError("upstream_unavailable", "The Gemini API gave no list of models.", {
      detail: { scope: "upstream", reason: "malformed" },
    });
  }
  return { models: list.models, nextPageToken: stringOf(list.nextPageToken) ?? "" };
}

/** A list has no parameter and no model to be wrong about, and costs nothing: such a failure is the upstream's. */
export function asCheckFailure(error: unknown, { title }: GoogleApi): unknown {
  if (!(error instanceof AppError)) return error;
  if (!["upstream_invalid", "upstream_model_denied", "upstream_unknown_outcome"].includes(error.kind)) return error;
  const { upstreamStatus } = error;
  return new AppError("upstream_unavailable", `${title} gave no list of models.`, { cause: error, upstreamStatus });
}
