// A key by the id of a path, and as its pages show it.

import type { ShownKey } from "../../../views/keys/keys.tsx";
import type { KeyRow } from "../../domain/key.ts";
import { keyState, readKey } from "../../gateway/keys/manage-keys.ts";
import { knownOperatorKey } from "../../gateway/keys/operator-key.ts";
import { closestLimit } from "../../gateway/limits/key-usage.ts";
import type { AdminContext } from "../context.ts";

export const idOf = (text: string): number => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0);
export const rowOf = (ctx: AdminContext, id: string): Promise<KeyRow> => readKey(ctx.store, idOf(id));

export async function shownKey(ctx: AdminContext, row: KeyRow, operatorId?: number | null): Promise<ShownKey> {
  const usage = ctx.limits.usage(row.id);
  const operator = operatorId === undefined ? ((await knownOperatorKey(ctx))?.id ?? null) : operatorId;
  return { row, state: keyState(row, ctx.clock.now()), usage, closest: closestLimit(row, usage), isOperator: row.id === operator };
}

/** An image model that the key may use, for examples. */
export function modelFor({ catalogue }: AdminContext, { models }: KeyRow): string {
  const usual = catalogue().defaultFamily("image");
  return models.length === 0 || models.includes(usual) ? usual : models[0]!;
}
