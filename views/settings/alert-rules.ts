// Order of the alert rules on their page: money and an empty pool first.
import type { RuleName } from "../../src/gateway/alerts/facts.ts";

export const RULE_ORDER: readonly RuleName[] = [
  ...(["pool_empty", "pool_low", "images_left", "tokens_blocked", "errors", "limits", "jobs_unknown"] as const),
  ...(["server", "backup", "disk", "sign_in", "models_retire", "other"] as const),
];
