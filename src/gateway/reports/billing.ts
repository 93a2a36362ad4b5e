// Usage for billing: what each key used of each model on each UTC day, page by page and as CSV.
import type { KeyDay, LedgerStore } from "../../db/ledger.ts";
import { BYTE_ORDER_MARK, csvLine } from "./csv.ts";
import type { UsageFilter, UsageRange } from "./usage.ts";

type Rollups = Pick<LedgerStore, "readKeyDays">;
export type BillingPosition = Pick<KeyDay, "day" | "keyId" | "family">;
type BillingQuery = Pick<UsageRange, "from" | "to"> & Pick<UsageFilter, "key" | "model">;

/** `next`: the last row, where there are more. */
export async function pageOfBilling(
  store: Rollups,
  query: BillingQuery,
  { after, size }: { after?: BillingPosition; size: number },
): Promise<{ rows: KeyDay[]; next: BillingPosition | null }> {
  const rows = await store.readKeyDays({ ...queryOf(query), after, limit: size + 1 });
  const shown = rows.slice(0, size);
  return { rows: shown, next: rows.length > size ? shown.at(-1)! : null };
}

const queryOf = ({ from, to, key, model }: BillingQuery): BillingQuery => ({ from, to, key, model });

/** A position as an address has it: `20417-3-gemini-3-pro-image`, the day as days since 1970. */
export const positionText = ({ day, keyId, family }: BillingPosition): string => `${day / DAY_MS}-${keyId}-${family}`;

const DAY_MS = 86_400_000;

export function readPosition(text: string | null): BillingPosition | undefined {
  const match = /^(\d{1,6})-(\d{1,15})-(.{1,200})$/.exec(text ?? "");
  return match ? { day: Number(match[1]) * DAY_MS, keyId: Number(match[2]), family: match[3]! } : undefined;
}

/** Rows read at once for a file: a few ms of the event loop, then others have their turn. */
const SLICE = 500;
const COLUMNS = ["day", "key_id", "key", "model", "requests", "errors", "images", "video_seconds", "input_tokens", "output_tokens", "usd"];

/** Every row, ordered by day, key and model. */
export async function* billingCsv(store: Rollups, query: BillingQuery, nameOf: (keyId: number) => string): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + csvLine(COLUMNS);
  for (let after: BillingPosition | undefined; ; await Bun.sleep(0)) {
    const rows = await store.readKeyDays({ ...queryOf(query), after, limit: SLICE });
    if (rows.length > 0) yield rows.map((row) => csvLine(cellsOf(row, nameOf))).join("");
    if (rows.length < SLICE) return;
    after = rows.at(-1);
  }
}

function cellsOf(row: KeyDay, nameOf: (keyId: number) => string): (string | number)[] {
  const { day, keyId, family, requests, errors, images, videoSeconds, inputTokens, outputTokens, usd } = row;
  const date = new Date(day).toISOString().slice(0, 10);
  return [date, keyId, nameOf(keyId), family, requests, errors, images, videoSeconds, inputTokens, outputTokens, usd];
}
