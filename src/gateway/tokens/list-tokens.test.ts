// Token list: search, filters, order, pagination.

import { describe, expect, test } from "bun:test";
import { tokenRow } from "../../../test/pool.ts";
import type { TokenRow } from "../../domain/token.ts";
import type { HealthState, PoolTokenView } from "../pool/snapshot.ts";
import { matchingIds, pageOfTokens, readTokenQuery, type TokenItem, type TokenPage, type TokenQuery, tokenChoices } from "./list-tokens.ts";

function item(id: number, row: Partial<TokenRow> = {}, view: Partial<PoolTokenView> & { state?: HealthState } = {}): TokenItem {
  const { state = "healthy", ...rest } = view;
  const health = { state, reason: null, message: "", since: null, until: null };
  return { row: tokenRow(id, row), view: { id, health, models: [], credits: null, usedAt: null, ...rest } as unknown as PoolTokenView };
}

const query = (text = ""): TokenQuery => readTokenQuery(new URLSearchParams(text));
const idsOf = (items: readonly TokenItem[], text: string, today: [number, number][] = []) =>
  pageOfTokens(items, query(text), { size: 100, today: new Map(today) }).items.map(({ row }) => row.id);

describe("search", () => {
  const items = [
    item(1, { label: "Alpha", identity: "one@example.com" }),
    item(2, { note: "from the OLD pool", hint: "zz9y" }),
    item(3, { tags: ["europe"], group: "project", provider: "flow" }),
  ];
  test.each([
    ["label, whatever its case", "q=alPHA", [1]],
    ["account", "q=one%40", [1]],
    ["note", "q=old+pool", [2]],
    ["end of the secret", "q=zz9y", [2]],
    ["part of a tag", "q=euro", [3]],
    ["nothing", "q=%25", []],
    ["provider", "provider=flow", [3]],
    ["group", "group=project", [3]],
    ["whole tag only", "tag=euro", []],
    ["tag", "tag=europe", [3]],
    ["what is not understood asks for nothing", "health=ill&sort=secret&order=up", [1, 2, 3]],
  ])("%s", (_name, text, ids) => {
    expect(idsOf(items, text).sort()).toEqual(ids);
    expect(matchingIds(items, query(text)).sort()).toEqual(ids);
  });
});

describe("what is held back", () => {
  const held = (reason: string) => ({ health: { state: "blocked", reason, message: "", since: 1, until: null } }) as Partial<PoolTokenView>;
  const model = (reason: string) => ({ models: [{ family: "veo-3.1", scope: "token", reason }] }) as unknown as Partial<PoolTokenView>;
  const items = [item(1, {}, held("key_invalid")), item(2, {}, held("key_leaked")), item(3, {}, model("limit_zero")), item(4)];
  test.each([
    ["reason=key_invalid", [1]],
    ["reason=limit_zero", [3]],
    ["reason=key_leaked&health=blocked", [2]],
    ["reason=limit_zero&health=blocked", []],
    ["health=partly", [3]],
  ])("is found by %s, in the list and for all that match", (text, ids) => {
    expect(idsOf(items, text)).toEqual(ids);
    expect(matchingIds(items, query(text))).toEqual(ids);
  });
  test("stands before the healthy ones when the worst come first, and is counted", () => {
    expect(idsOf(items, "sort=health")).toEqual([1, 2, 3, 4]);
    expect(pageOfTokens(items, query(), { size: 9, today: new Map() }).counts).toMatchObject({ healthy: 2, partly: 1, blocked: 2 });
  });
});

describe("order", () => {
  const items = [
    item(1, { label: "gemini-10" }, { usedAt: 5, credits: 100, state: "healthy" }),
    item(2, { label: "gemini-9" }, { usedAt: 9, state: "blocked" }),
    item(3, { label: "Flow-1" }, { credits: 0, state: "cooling" }),
    item(4, { label: "gemini-9" }, { state: "disabled" }),
  ];
  test.each([
    ["labels as people count, ties by age", "sort=label", [3, 2, 4, 1]],
    ["backwards all of it", "sort=label&order=desc", [1, 4, 2, 3]],
    ["worst health first", "sort=health", [2, 3, 1, 4]],
    ["latest used", "sort=used&order=desc", [2, 1, 4, 3]],
    ["unknown credits count less than none", "sort=credits&order=desc", [1, 3, 4, 2]],
    ["today's calls", "sort=today&order=desc", [4, 1, 3, 2]],
  ])("%s", (_name, text, ids) => {
    expect(
      idsOf(items, text, [
        [4, 7],
        [1, 2],
      ]),
    ).toEqual(ids);
  });
});

describe("pages", () => {
  const states: HealthState[] = ["healthy", "cooling", "blocked", "disabled"];
  const items = Array.from({ length: 1003 }, (_, index) =>
    item(index + 1, { label: `token ${index % 7}`, group: `g${index % 3}` }, { state: states[index % 4], credits: index % 5 }),
  );
  test.each(["", "sort=health", "sort=credits&order=desc", "sort=label&order=desc&group=g1", "health=cooling&sort=credits"])(
    "all together hold every row once: %s",
    (text) => {
      const whole = pageOfTokens(items, query(text), { size: 5000, today: new Map() });
      const seen: number[] = [];
      let after: string | null = "";
      while (after !== null) {
        const page: TokenPage<TokenItem> = pageOfTokens(items, { ...query(text), after }, { size: 50, today: new Map() });
        seen.push(...page.items.map(({ row }) => row.id));
        after = page.next;
      }
      expect(seen).toEqual(whole.items.map(({ row }) => row.id));
      expect(new Set(seen).size).toBe(whole.total);
    },
  );

  test("a row that vanishes between two pages takes no other with it", () => {
    const first = pageOfTokens(items, query(), { size: 10, today: new Map() });
    const last = first.items.at(-1)!.row.id;
    const rest = items.filter(({ row }) => row.id !== last);
    const next = pageOfTokens(rest, { ...query(), after: first.next! }, { size: 10, today: new Map() });
    const whole = pageOfTokens(items, query(), { size: 20, today: new Map() });
    expect(next.items.map(({ row }) => row.id)).toEqual(whole.items.slice(10).map(({ row }) => row.id));
  });

  test("counts by health ignore the filter by health and nothing else", () => {
    const { counts, total } = pageOfTokens(items, query("health=blocked&group=g1"), { size: 5, today: new Map() });
    expect(counts).toEqual({ all: 334, healthy: 84, cooling: 84, blocked: 83, disabled: 83, partly: 0 });
    expect(total).toBe(83);
  });

  test.each(["nonsense", "W10", "WzEsMl0extra", Buffer.from('[{"a":1},2]').toString("base64url")])(
    "cursor %s leads to the first page",
    (after) => {
      expect(pageOfTokens(items, { ...query(), after }, { size: 1, today: new Map() }).items[0]?.row.label).toBe("token 2");
    },
  );
});

test("choices are cut, in order and without repetition", () => {
  const rows = Array.from({ length: 500 }, (_, index) => tokenRow(index, { group: `g${index % 300}`, tags: ["b", "a"] }));
  const choices = tokenChoices(rows);
  expect(choices.groups).toHaveLength(200);
  expect(choices.tags).toEqual(["a", "b"]);
});
