// Token list for the admin: search, filters, sort, keyset pagination. Pure.
import type { TokenRow } from "../../domain/token.ts";
import type { HealthState, PoolTokenView, TokenState } from "../pool/snapshot.ts";

export const TOKEN_SORTS = ["label", "health", "used", "today", "credits"] as const;
export type TokenSort = (typeof TOKEN_SORTS)[number];

/** Empty texts ask for nothing. */
export type TokenQuery = {
  /** Part of label, identity, hint, note or a tag, whatever its case. */
  q: string;
  provider: string;
  group: string;
  tag: string;
  /** `partly`: healthy, with some models held back. */
  health: ListedState | "";
  /** Why the token, or one of its models, is held back. */
  reason: string;
  sort: TokenSort;
  descending: boolean;
  /** Cursor of the last row of the page before; see {@link TokenPage.next}. */
  after: string;
};

export type ListedState = HealthState | "partly";

export type TokenItem = { view: PoolTokenView; row: TokenRow };

export type TokenPage<Item> = {
  items: Item[];
  /** Cursor that asks for the rows after these; null: there are none. */
  next: string | null;
  /** Rows that match all but the filter by health. */
  counts: Record<ListedState | "all", number>;
  /** Rows that match everything, on this page or not. */
  total: number;
};

/** Values to choose filters from, in order, cut to {@link MAX_CHOICES}. */
export type TokenChoices = { providers: string[]; groups: string[]; tags: string[] };

const MAX_CHOICES = 200;
const HEALTH_STATES: readonly HealthState[] = ["blocked", "cooling", "healthy", "disabled"];
const LISTED_STATES: readonly ListedState[] = [...HEALTH_STATES, "partly"];
const NOTHING = { q: "", provider: "", group: "", tag: "", health: "", reason: "" } as const;
/** The worst first. */
const NOWHERE: TokenQuery = { ...NOTHING, sort: "health", descending: false, after: "" };

/** Reads a query string. What is not understood asks for nothing. */
export function readTokenQuery(params: URLSearchParams): TokenQuery {
  const text = (name: string) => (params.get(name) ?? "").trim().slice(0, 200);
  return {
    ...NOWHERE,
    q: text("q"),
    provider: text("provider"),
    group: text("group"),
    tag: text("tag"),
    health: LISTED_STATES.find((state) => state === params.get("health")) ?? "",
    reason: text("reason"),
    sort: TOKEN_SORTS.find((sort) => sort === params.get("sort")) ?? NOWHERE.sort,
    descending: params.get("order") === "desc",
    after: (params.get("after") ?? "").slice(0, 1000),
  };
}

/** Whether the token is asked for, whatever its state. */
function matches({ q, provider, group, tag, reason }: TokenQuery): (item: TokenState) => boolean {
  const part = q.toLowerCase();
  return ({ row, view }) =>
    (reason === "" || view.health.reason === reason || view.models.some((model) => model.reason === reason)) &&
    (provider === "" || row.provider === provider) &&
    (group === "" || row.group === group) &&
    (tag === "" || row.tags.includes(tag)) &&
    (part === "" || wordsOf(row).text.includes(part));
}

/** Ids of all that match, in no order: for acts on the whole of what was searched for. */
export function matchingIds(items: readonly TokenState[], query: TokenQuery): number[] {
  const isAsked = matches(query);
  return items.filter((item) => isIn(item.view, query.health) && isAsked(item)).map(({ row }) => row.id);
}

const isPartly = ({ health, models }: TokenState["view"]): boolean => health.state === "healthy" && models.length > 0;

const isIn = (view: TokenState["view"], state: TokenQuery["health"]): boolean =>
  state === "" || (state === "partly" ? isPartly(view) : view.health.state === state);

type Key = string | number;

type Words = { /** Sorts as people count: `gemini-9` before `gemini-10`. */ label: string /** What is searched in. */; text: string };

/** Rows are replaced when they change, never changed. */
const words = new WeakMap<TokenRow, Words>();

function wordsOf(row: TokenRow): Words {
  const known = words.get(row);
  if (known) return known;
  const made = {
    label: row.label.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0")),
    text: [row.label, row.identity, row.hint, row.note, ...row.tags].join("\n").toLowerCase(),
  };
  words.set(row, made);
  return made;
}

/** What a row is sorted by. @param today requests of the running day, by id */
function keyOf(sort: TokenSort, { view, row }: TokenState, today: ReadonlyMap<number, number>): Key {
  if (sort === "label") return wordsOf(row).label;
  if (sort === "health") return healthKey(view);
  if (sort === "used") return view.usedAt ?? 0;
  if (sort === "today") return today.get(row.id) ?? 0;
  return view.credits ?? -1;
}

/** Worst first; those without an end before those that end by themselves, and those with models held back before the others. */
function healthKey({ health, models }: TokenState["view"]): number {
  return HEALTH_STATES.indexOf(health.state) * 1e15 + (health.until ?? 0) + (health.state === "healthy" && models.length === 0 ? 1 : 0);
}

type Place = { key: Key; id: number };

function comparePlaces(a: Place, b: Place): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.id - b.id;
}

const writeCursor = ({ key, id }: Place): string => Buffer.from(JSON.stringify([key, id])).toString("base64url");

/** Null: no cursor, or none of ours. */
function readCursor(text: string): Place | null {
  try {
    const [key, id] = JSON.parse(Buffer.from(text, "base64url").toString()) as [unknown, unknown];
    const isKey = typeof key === "string" || typeof key === "number";
    return isKey && typeof id === "number" ? { key, id } : null;
  } catch {
    return null;
  }
}

/** One page of `size` rows. Reads every row once: only the page itself is sorted. */
export function pageOfTokens<Item extends TokenState>(
  items: readonly Item[],
  query: TokenQuery,
  { size, today }: { size: number; today: ReadonlyMap<number, number> },
): TokenPage<Item> {
  const isAsked = matches(query);
  const sign = query.descending ? -1 : 1;
  const after = readCursor(query.after);
  const counts = { all: 0, healthy: 0, cooling: 0, blocked: 0, disabled: 0, partly: 0 };
  const nearest: (Place & { item: Item })[] = [];
  for (const item of items) {
    if (!isAsked(item)) continue;
    counts.all++;
    counts[item.view.health.state]++;
    if (isPartly(item.view)) counts.partly++;
    if (!isIn(item.view, query.health)) continue;
    const place = { key: keyOf(query.sort, item, today), id: item.row.id, item };
    if (after && sign * comparePlaces(place, after) <= 0) continue;
    insert(nearest, place, (a, b) => sign * comparePlaces(a, b), size + 1);
  }
  const page = nearest.slice(0, size);
  return {
    items: page.map(({ item }) => item),
    next: nearest.length > size ? writeCursor(page.at(-1)!) : null,
    counts,
    total: counts[query.health || "all"],
  };
}

/** Keeps `sorted` in order and no longer than `most`. Changes it. */
function insert<Item>(sorted: Item[], item: Item, compare: (a: Item, b: Item) => number, most: number): void {
  if (sorted.length === most && compare(item, sorted[most - 1]!) >= 0) return;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle]!, item) <= 0) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, item);
  if (sorted.length > most) sorted.pop();
}

/** What filters can be chosen from. */
export function tokenChoices(rows: readonly TokenRow[]): TokenChoices {
  const providers = new Set<string>();
  const groups = new Set<string>();
  const tags = new Set<string>();
  for (const row of rows) {
    providers.add(row.provider);
    if (row.group !== null) groups.add(row.group);
    for (const tag of row.tags) tags.add(tag);
  }
  const inOrder = (words: Set<string>) => {
    const first: string[] = [];
    for (const word of words) insert(first, word, (a, b) => (a < b ? -1 : 1), MAX_CHOICES);
    return first;
  };
  return { providers: inOrder(providers), groups: inOrder(groups), tags: inOrder(tags) };
}
