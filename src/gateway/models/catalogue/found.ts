// Models that tokens' lists name and no layer knows: taken note of once, with the day, among the stored settings.

import type { Store } from "../../../db/store.ts";
import { isRecord } from "../../../domain/is-record.ts";
import type { Log } from "../../../log.ts";
import type { FoundModel } from "../family.ts";
import type { CatalogueLayers } from "./layers.ts";
import { idText } from "./schema.ts";

/** Its key among the stored settings. */
export const FOUND_KEY = "found_models";
/** A provider that lists nonsense does not fill the catalogue. */
const MAX_FOUND = 200;

/** What is understood of a stored value. */
export function readFound(stored: unknown): FoundModel[] {
  if (!Array.isArray(stored)) return [];
  return stored.filter(isRecord).flatMap(({ id, kind, provider, at }) => {
    const isRight = isId(id) && (kind === "image" || kind === "video") && typeof provider === "string" && typeof at === "number";
    return isRight ? [{ id: id as string, kind, provider, at }] : [];
  });
}

function isId(id: unknown): boolean {
  try {
    idText(id, "");
    return true;
  } catch {
    return false;
  }
}

type Dependencies = {
  models: CatalogueLayers;
  store: Pick<Store, "writeSettings">;
  log: Log;
  /** Epoch ms. */
  now(): number;
};

/** Takes note of what a check found at a provider; what is known already changes nothing. */
export async function noteFound({ models, store, log, now }: Dependencies, found: readonly Omit<FoundModel, "at">[]) {
  const known = models.found;
  const fresh = found
    .filter(({ id, provider }) => isId(id) && !known.some((one) => one.id === id && one.provider === provider))
    .slice(0, Math.max(0, MAX_FOUND - known.length))
    .map((one): FoundModel => ({ ...one, at: now() }));
  if (fresh.length === 0) return;
  for (const { id, kind, provider } of fresh) log.info("A model was found that the catalogue does not have", { provider, model: id, kind });
  models.setFound([...known, ...fresh]);
  try {
    await store.writeSettings({ [FOUND_KEY]: models.found });
  } catch (error) {
    log.warn("Found models could not be stored; the next check finds them again", { error });
  }
}
