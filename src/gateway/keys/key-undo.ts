// Undo of a change to a key: its former values, recorded for ten minutes.

import type { KeyChange, KeyRow } from "../../domain/key.ts";
import { type By, changedOnly } from "../audit/audit.ts";
import type { UndoLog } from "../audit/undo.ts";

/** Resolves with the id to undo it by; null: nothing changed. */
export async function recordKeyUndo(
  undo: Pick<UndoLog, "record">,
  { before, after }: { before: KeyRow; after: KeyRow },
  by: By,
): Promise<string | null> {
  const changed = changedOnly(before, after) as { before: KeyChange; after: KeyChange };
  if (Object.keys(changed.after).length === 0) return null;
  const step = { kind: "key" as const, id: after.id, ...changed };
  return undo.record({ action: actionOf(changed), count: 1, name: after.name, steps: [step] }, by);
}

function actionOf({ after }: { after: KeyChange }): "key.delete" | "key.enable" | "key.disable" | "key.update" {
  const [name, ...more] = Object.keys(after);
  if (name === "revokedAt" && after.revokedAt !== null) return "key.delete";
  if (name !== "enabled" || more.length > 0) return "key.update";
  return after.enabled ? "key.enable" : "key.disable";
}
