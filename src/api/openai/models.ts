// GET /v1/models, /v1/models/{id} and /v1/models/aliases: models that the pool serves for a key.

import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { everyServedModel, modelsFor, type ServedModels } from "../../gateway/keys/served-models.ts";
import { isSwitchedOff, switchedOff } from "../../gateway/models/choose-family.ts";
import { modelOf } from "./call.ts";
import { encodeModel } from "./chat/encode.ts";

type Asker = Pick<KeyRow, "models" | "kinds">;

/** @param all whether ids that fix a shape and ids of other vendors are listed too */
export const listedModels = (served: ServedModels, key: Asker, all: boolean) => ({
  object: "list" as const,
  data: modelsFor(served, key, all).map(encodeModel),
});

/** GET /v1/models/aliases: names of families under another id. */
export function listedAliases(served: ServedModels, key: Asker) {
  const aliases = modelsFor(served, key, true).filter(({ id, family }) => id !== family);
  return { object: "list" as const, data: aliases.map((entry) => ({ ...encodeModel(entry), is_alias: true })) };
}

/**
 * One model by any id that generation understands, listed or not.
 * @throws {AppError} `not_found` with the nearest known ids
 */
export function oneModel(served: ServedModels, id: string) {
  const entries = everyServedModel(served);
  const listed = entries.find((entry) => entry.id === id);
  if (listed) return encodeModel(listed);
  const choice = modelOf(served.catalogue, id);
  if (isSwitchedOff(choice, served.pool.isOff)) throw switchedOff(choice);
  const family = choice.families.find((one) => entries.some((entry) => entry.family === one));
  const entry = entries.find((one) => one.family === family);
  if (!entry)
    throw new AppError("not_found", `The model '${choice.requested}' is not served here now.`, {
      param: "model",
      reason: "model_not_found",
    });
  return { ...encodeModel(entry), id };
}
