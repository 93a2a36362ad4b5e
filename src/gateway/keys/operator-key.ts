// Operator key: the key row that the operator's own generations count under. It has no secret.

import type { Store } from "../../db/store.ts";
import type { KeyRow } from "../../domain/key.ts";
import { newKey } from "../../ids.ts";
import { hashKey, type Keys } from "./keys.ts";

/** Fact with its id. */
const OPERATOR_KEY = "operator_key_id";

type Dependencies = { store: Pick<Store, "readFact" | "writeFact" | "insertKey">; keys: Keys; now: () => number; refresh(): Promise<void> };

/** Its row; null while it was never needed. */
export async function knownOperatorKey({ store, keys }: { store: Pick<Store, "readFact">; keys: Keys }): Promise<KeyRow | null> {
  const known = keys.get(Number((await store.readFact(OPERATOR_KEY)) ?? 0));
  return known?.revokedAt === null ? known : null;
}

/** Its row, made on first use. */
export async function operatorKey({ store, keys, now, refresh }: Dependencies): Promise<KeyRow> {
  const known = await knownOperatorKey({ store, keys });
  if (known) return known;
  const { key } = newKey();
  const row = await store.insertKey({ name: "admin panel", prefix: "–", hash: hashKey(key) }, now());
  await store.writeFact(OPERATOR_KEY, `${row.id}`);
  await refresh();
  return row;
}
