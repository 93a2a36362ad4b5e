// Merges the health that two nodes have changed since they last agreed, part by part. Pure.
import { isRecord } from "../../../domain/is-record.ts";

type Json = Record<string, unknown>;

const asRecord = (value: unknown): Json => (isRecord(value) ? value : {});

/** Parts of stored health that hold one health each by name. */
const NESTED = new Set(["families", "group"]);

/**
 * What both know: a part that only one side has changed is as that side has it; of one that both have changed the cooldown that ends
 * later counts.
 * @param base as they last agreed @param mine of this node @param theirs as it is stored now
 */
export function mergeHealth(base: unknown, mine: unknown, theirs: unknown): Json | null {
  const merged = mergeParts(asRecord(base), asRecord(mine), asRecord(theirs));
  return Object.keys(merged).length === 0 ? null : merged;
}

function mergeParts(base: Json, mine: Json, theirs: Json): Json {
  const merged: Json = {};
  for (const name of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const part = NESTED.has(name)
      ? mergeParts(asRecord(base[name]), asRecord(mine[name]), asRecord(theirs[name]))
      : mergePart(base[name], mine[name], theirs[name]);
    if (part !== undefined && !(NESTED.has(name) && Object.keys(part as Json).length === 0)) merged[name] = part;
  }
  return merged;
}

function mergePart(base: unknown, mine: unknown, theirs: unknown): unknown {
  if (Bun.deepEquals(mine, base)) return theirs;
  if (Bun.deepEquals(theirs, base)) return mine;
  return endOf(theirs) > endOf(mine) ? theirs : mine;
}

/** End of the cooldown in a stored health; Infinity: only the operator ends it, 0: there is none. */
function endOf(health: unknown): number {
  const { condition } = asRecord(health);
  if (!isRecord(condition)) return 0;
  return typeof condition.until === "number" ? condition.until : Number.POSITIVE_INFINITY;
}
