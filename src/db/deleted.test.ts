// Store contract: deleted tokens, and secrets of keys that a rotation replaced.
import { describe, expect, test } from "bun:test";
import type { AppError } from "../errors.ts";
import { temporaryFolder } from "../testing.ts";
import type { Store } from "./store.ts";
import { ENGINES } from "./testing.ts";

const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: AppError) => error.kind,
  );
const NOW = Date.UTC(2026, 10, 23);
const HOUR = 3_600_000;

describe.each(ENGINES)("over $name", ({ open }) => {
  async function withStore(run: (store: Store) => Promise<void>) {
    using folder = temporaryFolder();
    const store = await open(folder.path);
    await run(store).finally(() => store.close());
  }
  const token = (label: string, secret = `secret-of-${label}`) => ({ provider: "gemini", label, secret });
  const labels = (rows: { label: string }[]) => rows.map(({ label }) => label);
  const hash = (byte: number) => new Uint8Array(32).fill(byte);

  test("a deleted token leaves the list with its secret stored, and comes back as it was", () =>
    withStore(async (store) => {
      const before = await store.insertToken({ ...token("one"), enabled: false, tags: ["x"] }, NOW);
      await store.insertToken(token("two"), NOW);
      const revision = (await store.revisions()).tokens;
      expect(await store.setTokensDeleted([1, 1, 9], NOW + 5)).toEqual([1]);
      expect((await store.revisions()).tokens).toBeGreaterThan(revision);
      expect(labels(await store.listTokens())).toEqual(["two"]);
      expect(await store.listDeletedTokens()).toEqual([{ ...before, deletedAt: NOW + 5 }]);
      expect((await store.readTokenSecret(1)).secret).toBe("secret-of-one");
      expect(await store.setTokensDeleted([1], NOW + 9)).toEqual([]);
      expect(await store.setTokensDeleted([1, 2], null)).toEqual([1]);
      expect((await store.listTokens())[0]).toEqual(before);
    }));

  test("a deleted token does not keep its secret from a new one", () =>
    withStore(async (store) => {
      await store.insertToken(token("one"), NOW);
      await store.insertToken(token("two"), NOW);
      await store.setTokensDeleted([1], NOW);
      expect(await store.hasTokens([token("one"), token("two")])).toEqual([false, true]);
      expect((await store.insertToken(token("again", "secret-of-one"), NOW)).id).toBe(3);
      expect(await store.listDeletedTokens()).toEqual([]);
      await store.setTokensDeleted([3], NOW);
      await store.writeTokenSecret(2, { secret: "secret-of-one" });
      expect((await store.readTokenSecret(2)).secret).toBe("secret-of-one");
      expect(await store.listDeletedTokens()).toEqual([]);
    }));

  test("deleted tokens come in pages, latest first, are counted, and erased by id without those in the pool", () =>
    withStore(async (store) => {
      for (const label of ["one", "two", "three", "four"]) await store.insertToken(token(label), NOW);
      await store.setTokensDeleted([1, 3], NOW);
      await store.setTokensDeleted([2], NOW + 1);
      const page = async (before?: { deletedAt: number; id: number }) =>
        (await store.listDeletedTokens({ limit: 2, before })).map(({ id }) => id);
      expect([await page(), await page({ deletedAt: NOW, id: 3 }), await page({ deletedAt: NOW, id: 1 })]).toEqual([[2, 3], [1], []]);
      expect(await store.countDeletedTokens()).toBe(3);
      expect((await store.eraseTokens([1, 2, 4, 9])).sort()).toEqual([1, 2]);
      expect([await store.countDeletedTokens(), labels(await store.listTokens())]).toEqual([1, ["four"]]);
    }));

  test("tokens deleted before a time are erased, a slice at a time", () =>
    withStore(async (store) => {
      for (const label of ["one", "two", "three", "four"]) await store.insertToken(token(label), NOW);
      await store.setTokensDeleted([1, 2], NOW);
      await store.setTokensDeleted([3], NOW + 2);
      expect([await store.deleteTokensBefore(NOW + 1, 1), await store.deleteTokensBefore(NOW + 1, 9)]).toEqual([1, 1]);
      expect([labels(await store.listDeletedTokens()), labels(await store.listTokens())]).toEqual([["three"], ["four"]]);
      expect(await kindOf(store.readTokenSecret(1))).toBe("not_found");
    }));

  test("a rotated key keeps its row; former secrets last as long as each was given", () =>
    withStore(async (store) => {
      const limits = { rpm: 3 } as never;
      const before = await store.insertKey({ name: "app", hash: hash(1), prefix: "sk-1", limits }, NOW);
      const revision = (await store.revisions()).keys;
      const after = await store.rotateKey(1, { hash: hash(2), prefix: "sk-2" }, NOW + HOUR);
      expect(after).toEqual({ ...before, prefix: "sk-2" });
      await store.rotateKey(1, { hash: hash(3), prefix: "sk-3" }, NOW + 2 * HOUR);
      expect((await store.revisions()).keys).toBeGreaterThan(revision);
      const hashes = (await store.listKeyHashes()).map((one) => [one.id, one.hash[0], one.until]).sort();
      expect(hashes).toEqual([
        [1, 1, NOW + HOUR],
        [1, 2, NOW + 2 * HOUR],
        [1, 3, null],
      ] as never);
      expect(await store.listFormerKeys(1, NOW)).toEqual([
        { prefix: "sk-2", until: NOW + 2 * HOUR },
        { prefix: "sk-1", until: NOW + HOUR },
      ]);
      expect(await store.listFormerKeys(1, NOW + HOUR)).toHaveLength(1);
      expect(await store.endFormerKeys(1, NOW + 1)).toBe(2);
      expect(await store.listFormerKeys(1, NOW + 1)).toEqual([]);
      expect(await kindOf(store.rotateKey(9, { hash: hash(4), prefix: "x" }, NOW))).toBe("not_found");
    }));
});
