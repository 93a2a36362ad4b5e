// Checks a Vertex token without cost: an access token, the list of models for new ones, and a count of tokens for each image model.
import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { readBody } from "../../http.ts";
import { asCheckFailure } from "../gemini/model-list.ts";
import { kindOfUnknown } from "../gemini/models.ts";
import type { Caller, Transport } from "../gemini/transport.ts";
import { isRecord, listOf, stringOf } from "../json-value.ts";
import { newsWord, type ReportNews, shapeOf } from "../news.ts";
import type { ProviderModels, TokenFacts } from "../provider.ts";
import { DEFAULT_LOCATION, VERTEX } from "./endpoint.ts";

const MAX_LIST_BODY = 8 * 1024 * 1024;
const MAX_LIST_PAGES = 20;
const MAX_COUNT_BODY = 64 * 1024;
/** What is counted; nothing is generated. */
const COUNTED = JSON.stringify({ contents: [{ parts: [{ text: "a" }], role: "user" }] });
/** The list names no methods: every model of images generates content. */
const METHODS = ["generateContent"];

type CheckedToken = { transport: Transport; caller: Caller; location: string; models: ProviderModels; news: ReportNews };

/** Which families, and which models that are no family yet, the project can use in the token's location. @throws {AppError} as `Provider.check` */
export async function checkVertex(checked: CheckedToken): Promise<Pick<TokenFacts, "families" | "found">> {
  const { models } = checked;
  try {
    const unknown = await findNewModels(checked);
    const families: string[] = [];
    for (const family of models.assumed()) {
      const model = models.find(family);
      if (model && (await isThere(checked, model.kind, model.wire))) families.push(family);
    }
    const found: NonNullable<TokenFacts["found"]> = [];
    for (const [id, kind] of unknown) if (await isThere(checked, kind, id)) found.push({ provider: VERTEX.provider, id, kind });
    return { families: [...families, ...found.map(({ id }) => id)], ...(found.length > 0 ? { found } : {}) };
  } catch (error) {
    throw asCheckFailure(error, VERTEX);
  }
}

/** False where the location does not have the model; a model that is merely busy is there. @throws {AppError} what concerns the token */
async function isThere({ transport, caller, location }: CheckedToken, kind: Kind, id: string): Promise<boolean> {
  // Interactions are at `global` alone, and nothing of them can be counted (interactions page, read 2026-11-29).
  if (kind === "video") return location === DEFAULT_LOCATION;
  try {
    const to = transport.endpoint.pathOf(caller.token, `models/${id}:countTokens`);
    const response = await transport.open({ to, body: COUNTED, ...caller });
    await readBody(response, MAX_COUNT_BODY, caller.signal);
    return true;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.kind === "upstream_model_denied") return false;
    if (error.kind === "upstream_rate_limited" || error.kind === "upstream_quota" || error.kind === "upstream_invalid") return true;
    throw error;
  }
}

/** The list says nothing of the project, only what there is. */
async function findNewModels({ transport, caller, models, news }: CheckedToken): Promise<Map<string, Kind>> {
  const found = new Map<string, Kind>();
  let pageToken = "";
  for (let page = 0; page < MAX_LIST_PAGES; page++) {
    const query = new URLSearchParams({ pageSize: "100", ...(pageToken ? { pageToken } : {}) });
    const response = await transport.open({ to: `v1beta1/publishers/google/models?${query}`, ...caller });
    const list = parsed(await readBody(response, MAX_LIST_BODY, caller.signal));
    for (const model of listOf(list.publisherModels).filter(isRecord)) {
      const name = stringOf(model.name) ?? "";
      const id = name.slice(name.lastIndexOf("/") + 1);
      const kind = models.familiesOf(id).length > 0 || models.isName(id) ? null : kindOfUnknown(id, METHODS);
      if (kind === null || found.has(id)) continue;
      found.set(id, kind);
      news({ provider: VERTEX.provider, kind: "model", word: newsWord(id), shape: shapeOf(model) });
    }
    pageToken = stringOf(list.nextPageToken) ?? "";
    if (!pageToken) break;
  }
  return found;
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
