// Rules of the operator: shapes of calls that are side calls. JSON among the settings.
import type { Kind } from "../../domain/generation.ts";

/** Its key among the stored settings. */
export const SIDE_RULES_KEY = "side_calls";
export const MAX_RULES = 200;

export type SideRule = { id: string; sample: string; kind: Kind; maxTokens: number | null; since: number };

/** What is understood of a stored value. */
export function readRules(stored: unknown): SideRule[] {
  if (!Array.isArray(stored)) return [];
  return stored.slice(0, MAX_RULES).flatMap((one) => {
    const { id, sample, kind, maxTokens, since } = (one ?? {}) as Record<string, unknown>;
    if (typeof id !== "string" || !/^[0-9a-f]{12}$/.test(id)) return [];
    return [
      {
        id,
        sample: typeof sample === "string" ? sample.slice(0, 200) : "",
        kind: kind === "video" ? "video" : "image",
        maxTokens: typeof maxTokens === "number" ? maxTokens : null,
        since: typeof since === "number" ? since : 0,
      },
    ];
  });
}
