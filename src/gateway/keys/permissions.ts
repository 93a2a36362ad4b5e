// Permissions of a key: models and kinds. Pure.

import type { Kind } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { ModelChoice } from "../models/parse-model.ts";

/** What the permissions need of the catalogue. */
type Models = { parseModel(id: string): ModelChoice | null };

/**
 * Whether one of `models` (a key's list; empty allows all) allows what a client asked for. An entry is the id as it was written, a family,
 * or another spelling of either; a name of a retired model allows itself alone, whatever serves it.
 */
export function allowsModel(catalogue: Models, models: readonly string[], { model, family }: { model: string; family: string }): boolean {
  if (models.length === 0) return true;
  for (const entry of models) if (allows(catalogue, entry, model, family)) return true;
  return false;
}

function allows({ parseModel }: Models, entry: string, requested: string, family: string): boolean {
  if (entry === family || entry.toLowerCase() === requested.toLowerCase()) return true;
  const named = parseModel(entry);
  if (!named || named.retired) return false;
  const bare = Object.keys(named.params).length === 0;
  if (bare && named.families[0] === family) return true;
  const asked = parseModel(requested);
  if (!asked || asked.retired || asked.families[0] !== named.families[0]) return false;
  return bare || Bun.deepEquals(asked.params, named.params);
}

/**
 * Whether the key may make anything of a kind, whatever the model; asked before a request is read.
 * @throws {AppError} `forbidden`
 */
export function assertMayMake({ parseModel }: Models, { kinds, models }: Pick<KeyRow, "models" | "kinds">, kind: Kind): void {
  if (kinds.length > 0 && !kinds.includes(kind)) throw kindNotAllowed(kind, kinds);
  if (models.length === 0) return;
  for (const entry of models) if ((parseModel(entry)?.kind ?? kind) === kind) return;
  const message = `This API key may use no model that makes ${kind}s. It may use: ${models.join(", ")}.`;
  throw new AppError("forbidden", message, { param: "model", reason: "model_not_allowed" });
}

const kindNotAllowed = (kind: Kind, kinds: readonly Kind[]) =>
  new AppError("forbidden", `This API key may not make ${kind}s, only ${kinds.join("s and ")}s.`, { param: "model" });

/** @throws {AppError} `forbidden` naming what the key may use instead */
export function assertPermitted(
  catalogue: Models,
  key: Pick<KeyRow, "models" | "kinds">,
  request: { kind: Kind; model: string; family: string },
): void {
  if (key.kinds.length > 0 && !key.kinds.includes(request.kind)) throw kindNotAllowed(request.kind, key.kinds);
  if (allowsModel(catalogue, key.models, request)) return;
  const shown = request.model.length > 80 ? `${request.model.slice(0, 80)}…` : request.model;
  throw new AppError("forbidden", `This API key may not use the model '${shown}'. It may use: ${key.models.join(", ")}.`, {
    param: "model",
    reason: "model_not_allowed",
  });
}
