// Key management: state, closest limit, pagination, and that revoking is final.

import { describe, expect, test } from "bun:test";
import { type KeyRow, NO_LIMITS } from "../../domain/key.ts";
import type { KeyUsage } from "../limits/key-usage.ts";
import { closestLimit } from "../limits/key-usage.ts";
import { keyRow } from "../limits/testing.ts";
import { CATALOGUE } from "../models/testing.ts";
import { deleteKey } from "./delete-key.ts";
import { changeKey, isAddressRange, issueKey, keyState, pageOfKeys, unknownModel } from "./manage-keys.ts";

const NOW = 1_000_000;

const newRow = (id: number, change: Partial<KeyRow> = {}) => keyRow({ id, name: `key ${id}`, prefix: `sk-f2a-${id}`, ...change });

describe("a key is", () => {
  test.each([
    ["usable", {}],
    ["usable", { expiresAt: NOW + 1 }],
    ["expired", { expiresAt: NOW }],
    ["disabled", { enabled: false, expiresAt: NOW }],
    ["deleted", { revokedAt: 1, enabled: false }],
  ] as const)("%s when %p", (state, change) => {
    expect(keyState(newRow(1, change), NOW)).toBe(state);
  });
});

describe("the closest limit", () => {
  const spent = (images: number, usd: number) => ({ images, usd, videoSeconds: 0, resetsAt: null });
  const usage = { day: spent(9, 1), month: spent(9, 2), total: spent(9, 2) } as unknown as KeyUsage;
  const limits = (change: Partial<KeyRow["limits"]>) => ({ limits: { ...NO_LIMITS, ...change } });

  test("is the one used up the most", () => {
    const key = limits({ images: { day: 10, month: 100, total: null }, usd: { day: 4, month: null, total: 2.5 } });
    expect(closestLimit(key, usage)).toEqual({ unit: "images", period: "day", used: 9, limit: 10 });
  });

  test("of nothing is used up, and no limit is none", () => {
    expect(closestLimit(limits({ videoSeconds: { day: 0, month: null, total: null } }), usage)).toMatchObject({
      unit: "videoSeconds",
      limit: 0,
    });
    expect(closestLimit(limits({}), usage)).toBeNull();
  });
});

describe("a page of keys", () => {
  const rows = [newRow(1), newRow(2, { name: "Night batch" }), newRow(3, { revokedAt: 5 }), newRow(4, { enabled: false })];
  const ids = (query: Partial<Parameters<typeof pageOfKeys>[1]>) => {
    const page = pageOfKeys(rows, { text: "", state: "living", limit: 10, ...query }, NOW);
    return [page.rows.map(({ id }) => id), page.next];
  };
  test.each([
    ["those not deleted, the latest first", {}, [[4, 2, 1], null]],
    ["all of them", { state: "all" }, [[4, 3, 2, 1], null]],
    ["of one state", { state: "deleted" }, [[3], null]],
    ["by a part of the name", { text: "BATCH" }, [[2], null]],
    ["by a key that somebody pasted", { text: "sk-f2a-4-and-the-rest" }, [[4], null]],
    ["as many as fit", { limit: 2 }, [[4, 2], 2]],
    ["after another", { limit: 2, before: 2 }, [[1], null]],
  ] as const)("%s", (_, query, expected) => {
    expect(ids(query)).toEqual(expected as never);
  });

  test("with how many there are of each state", () => {
    expect(pageOfKeys(rows, { text: "x", state: "all", limit: 1 }, NOW).counts).toEqual({ usable: 2, disabled: 1, expired: 0, deleted: 1 });
  });
});

describe("in the store", () => {
  const world = () => {
    const rows: KeyRow[] = [];
    const seen: string[] = [];
    const store = {
      listKeys: async () => rows,
      insertKey: async (key: Partial<KeyRow>) => {
        rows.push(newRow(rows.length + 1, key));
        return rows.at(-1)!;
      },
      updateKey: async (id: number, change: Partial<KeyRow>) => Object.assign({}, rows[id - 1], change),
    };
    return { deps: { store: store as never, refresh: async () => void seen.push("refresh") }, rows, seen };
  };

  test("an issued key is in memory before it is returned, and its prefix is its own", async () => {
    const { deps, rows, seen } = world();
    const { key, row } = await issueKey(deps, newRow(0, { name: "my app" }), NOW);
    expect(key).toStartWith(row.prefix);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(key);
    expect(seen).toEqual(["refresh"]);
  });

  test("what was deleted is neither changed nor deleted again", async () => {
    const { deps, rows } = world();
    rows.push(newRow(1, { revokedAt: 3 }));
    expect(changeKey(deps, 1, { enabled: true })).rejects.toMatchObject({ kind: "conflict" });
    expect(deleteKey(deps, 1, NOW)).rejects.toMatchObject({ kind: "conflict" });
    expect(deleteKey(deps, 2, NOW)).rejects.toMatchObject({ kind: "not_found" });
  });
});

test("a model that no catalogue has is reported with the nearest one", () => {
  expect(unknownModel(CATALOGUE, "gemini-3-pro-imag")).toEqual({ nearest: "gemini-3-pro-image" });
  expect(unknownModel(CATALOGUE, "gemini-3-pro-image")).toBeNull();
});

test.each([
  ["203.0.113.7", true],
  ["10.0.0.0/8", true],
  ["2001:db8::/32", true],
  ["10.0.0.0/33", false],
  ["example.com", false],
])("%s is an address: %p", (text, is) => {
  expect(isAddressRange(text)).toBe(is);
});
