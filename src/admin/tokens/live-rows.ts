// Live rows of the token list: each is rendered again only when its token has changed, once for all tabs that show it.

import { TokenRowView } from "../../../views/tokens/token-row.tsx";
import { CountsLine } from "../../../views/tokens/tokens.tsx";
import type { View } from "../../../views/ui/view.ts";
import type { TokenItem } from "../../gateway/tokens/list-tokens.ts";
import { readRowFacts, type TokenRowFacts } from "../../gateway/tokens/row-facts.ts";
import type { AdminContext } from "../context.ts";
import { type Part, partOf, SharedParts } from "../shared-parts.ts";

/** Calls and strips change by half-hours and calls: read again after so long. */
const FACTS_MS = 10_000;
export const MAX_LIVE_ROWS = 50;
/** Rows in all languages; more are rendered again. */
const MAX_KNOWN = 2_000;
const MAX_LISTS = 50;

type KnownRow = { signature: string; part: Part };
type Facts = { at: number; rows: Promise<Map<number, TokenRowFacts>> };

export class LiveRows {
  readonly #shared: SharedParts;
  readonly #rows = new Map<string, KnownRow>();
  readonly #facts = new Map<string, Facts>();

  constructor(private readonly ctx: Pick<AdminContext, "pool" | "store" | "catalogue" | "clock">) {
    this.#shared = new SharedParts(ctx.clock.now);
  }

  /** Ids as an address has them, `5,7,9`. */
  static idsOf(text: string): number[] {
    const ids = text.split(",").filter((id) => /^\d{1,15}$/.test(id));
    return [...new Set(ids.map(Number))].slice(0, MAX_LIVE_ROWS);
  }

  /** The counts above the list, and the rows of these tokens. */
  read(view: View, ids: readonly number[], isFirst: boolean): Promise<Part[]> {
    return this.#shared.readParts(view, { name: ids.join(), page: "/admin/tokens", isFirst }, async (rendered, before) => {
      const items = ids.flatMap((id) => this.#itemOf(id) ?? []);
      const facts = await this.#factsOf(items);
      const counts = partOf("token-counts", CountsLine({ view: rendered, providers: this.ctx.pool.held().providers }), before);
      return [counts, ...items.map((item) => this.#rowOf(rendered, item, facts.get(item.row.id) ?? null))];
    });
  }

  #itemOf(id: number): TokenItem | null {
    const { pool } = this.ctx;
    const [view, row] = [pool.view(id), pool.rowOf(id)];
    return view && row && { view, row };
  }

  #factsOf(items: readonly TokenItem[]): Promise<Map<number, TokenRowFacts>> {
    const { clock, store, catalogue } = this.ctx;
    const now = clock.now();
    const key = items.map(({ row }) => row.id).join();
    const known = this.#facts.get(key);
    if (known && now - known.at < FACTS_MS && now >= known.at) return known.rows;
    if (this.#facts.size >= MAX_LISTS) this.#facts.clear();
    const videoFamilies = () =>
      catalogue()
        .families("video")
        .map(({ id }) => id);
    const rows = readRowFacts({ store, videoFamilies, now: clock.now }, items);
    this.#facts.set(key, { at: now, rows });
    rows.catch(() => this.#facts.delete(key));
    return rows;
  }

  #rowOf(view: View, item: TokenItem, facts: TokenRowFacts | null): Part {
    const key = `${view.locale} ${view.timeZone} ${view.may("/admin/tokens")} ${item.row.id}`;
    const signature = JSON.stringify([item.view, item.row.label, item.row.group, item.row.tags, item.row.note, item.row.enabled, facts]);
    const known = this.#rows.get(key);
    if (known?.signature === signature) return known.part;
    if (this.#rows.size >= MAX_KNOWN) this.#rows.clear();
    const part = partOf(`token-${item.row.id}`, TokenRowView({ view, item, facts }), known && new Map([[known.part.id, known.part]]));
    this.#rows.set(key, { signature, part });
    return part;
  }
}
