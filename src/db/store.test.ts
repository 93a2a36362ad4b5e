// Store contract: tokens, keys, settings, media, request log; runs against every engine in ENGINES.

import { describe, expect, test } from "bun:test";
import type { Media } from "../domain/generation.ts";
import type { NewKey } from "../domain/key.ts";
import type { CooldownRow, NewToken } from "../domain/token.ts";
import { AppError } from "../errors.ts";
import { newId } from "../ids.ts";
import { temporaryFolder } from "../testing.ts";
import type { FileFilter, MediaFilter } from "./media.ts";
import { newMedia } from "./rows.fixtures.ts";
import type { Store } from "./store.ts";
import { ENGINES } from "./testing.ts";

const NOW = Date.UTC(2026, 10, 23);

const newToken = (change: Partial<NewToken> = {}): NewToken => ({
  provider: "gemini",
  label: "first",
  secret: `AIza-${newId()}`,
  ...change,
});
const newKey = (change: Partial<NewKey> = {}): NewKey => ({
  name: "client",
  prefix: "sk-f2a-ab",
  hash: crypto.getRandomValues(new Uint8Array(32)),
  ...change,
});
const kindOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AppError ? error.kind : error),
  );

describe.each(ENGINES)("a store over $name", ({ open }) => {
  /** Runs `body` with an open store, and again after a restart when it returns a check. */
  async function withStore(body: (store: Store) => Promise<((store: Store) => Promise<void>) | void>): Promise<void> {
    using folder = temporaryFolder();
    const store = await open(folder.path);
    const again = await body(store).finally(() => store.close());
    if (!again) return;
    const reopened = await open(folder.path);
    await again(reopened).finally(() => reopened.close());
  }

  test("many tokens come in one act, each with what was reported about it, and those that are there are known", () =>
    withStore(async (store) => {
      const old = newToken();
      await store.insertToken(old, NOW);
      const state = { project: { id: "p-1" } };
      const fresh = newToken({ provider: "flow", label: "second", state });
      expect(await store.hasTokens([old, fresh])).toEqual([true, false]);
      expect(await store.insertTokens([old, fresh, fresh, { ...old, provider: "flow" }], NOW)).toEqual([
        "known",
        "inserted",
        "known",
        "inserted",
      ]);
      const rows = await store.listTokens();
      expect(rows.map(({ provider, label }) => `${provider} ${label}`)).toEqual(["gemini first", "flow second", "flow first"]);
      expect(await store.readTokenSecret(rows[1]!.id)).toEqual({ secret: fresh.secret, state, version: 0 });
      return async (again) => expect(await again.hasTokens([fresh])).toEqual([true]);
    }));

  test("a new token has everything switched on and nothing learned", () =>
    withStore(async (store) => {
      const token = await store.insertToken({ provider: "flow", label: "mine", secret: "session-0123456789" }, NOW);
      expect(token).toEqual({
        id: token.id,
        provider: "flow",
        label: "mine",
        group: null,
        enabled: true,
        imageEnabled: true,
        videoEnabled: true,
        imageConcurrency: 4,
        videoConcurrency: 2,
        weight: 1,
        priority: 0,
        allowFamilies: [],
        denyFamilies: [],
        proxy: null,
        location: null,
        note: "",
        tags: [],
        identity: null,
        tier: null,
        credits: null,
        families: null,
        checkedAt: null,
        renewBefore: null,
        hint: "6789",
        deletedAt: null,
        createdAt: NOW,
        health: null,
        caps: null,
      });
    }));

  test("everything that was written is there after a restart", () =>
    withStore(async (store) => {
      const { id } = await store.insertToken(newToken({ proxy: "http://u:p@proxy:1", tags: ["a"], group: "g", caps: { rpm: 1 } }), NOW);
      await store.writeTokenSecret(id, { secret: "rotated-secret", state: { project: "p1" } });
      const token = await store.updateToken(id, { families: ["f"], credits: 12.5, tier: 2, checkedAt: 5, health: { until: 9 } });
      const key = await store.insertKey(
        newKey({ models: ["m"], sideCalls: "generate", imagesRoutesOnly: true, imageForm: "images", videoForm: "html_block" }),
        NOW,
      );
      const media = newMedia();
      await store.insertMedia(media);
      await store.writeSettings({ "pool.strategy": "random" });
      await store.writeFact("admin", "hash");
      const revisions = await store.revisions();
      return async (reopened) => {
        expect(await reopened.listTokens()).toEqual([{ ...token, hint: "cret" }]);
        expect(await reopened.readTokenSecret(id)).toEqual({ secret: "rotated-secret", state: { project: "p1" }, version: 1 });
        expect(await reopened.listKeys()).toEqual([key]);
        expect(await reopened.getMedia(media.id)).toEqual(media);
        expect(await reopened.readSettings()).toEqual({ "pool.strategy": "random" });
        expect(await reopened.readFact("admin")).toBe("hash");
        expect(await reopened.revisions()).toEqual(revisions);
      };
    }));

  test("an update changes what it names, and undefined names nothing", () =>
    withStore(async (store) => {
      const before = await store.insertToken(newToken({ note: "n", proxy: "http://p:1" }), NOW);
      const after = await store.updateToken(before.id, { enabled: false, label: undefined, identity: "me@example.com" });
      expect(after).toEqual({ ...before, enabled: false, identity: "me@example.com" });
      expect(await store.listTokens()).toEqual([after]);
      expect((await store.updateToken(before.id, { proxy: null })).proxy).toBeNull();
      expect((await store.listTokens())[0]?.proxy).toBeNull();
    }));

  test("the same secret twice is a conflict within a provider only", () =>
    withStore(async (store) => {
      await store.insertToken(newToken({ secret: "same-secret" }), NOW);
      expect(await kindOf(store.insertToken(newToken({ secret: "same-secret", label: "other" }), NOW))).toBe("conflict");
      expect(await kindOf(store.insertToken(newToken({ secret: "same-secret", provider: "flow" }), NOW))).toBe("resolved");
      const other = await store.insertToken(newToken(), NOW);
      expect(await kindOf(store.writeTokenSecret(other.id, { secret: "same-secret" }))).toBe("conflict");
      expect(await store.listTokens()).toHaveLength(3);
    }));

  test("what is not there is not_found", () =>
    withStore(async (store) => {
      expect(await kindOf(store.updateToken(1, { note: "x" }))).toBe("not_found");
      expect(await kindOf(store.deleteToken(1))).toBe("not_found");
      expect(await kindOf(store.readTokenSecret(1))).toBe("not_found");
      expect(await kindOf(store.writeTokenSecret(1, { state: {} }))).toBe("not_found");
      expect(await kindOf(store.updateKey(1, { name: "x" }))).toBe("not_found");
      expect(await store.getMedia("none")).toBeNull();
      expect(await store.readFact("none")).toBeNull();
    }));

  test("the id of a deleted token is never given to another", () =>
    withStore(async (store) => {
      const first = await store.insertToken(newToken(), NOW);
      await store.saveHealth([{ id: first.id, health: { until: 1 } }]);
      await store.deleteToken(first.id);
      const second = await store.insertToken(newToken(), NOW);
      expect(second.id).toBeGreaterThan(first.id);
      expect(second.health).toBeNull();
    }));

  test("remembered state is merged field by field, without touching the secret", () =>
    withStore(async (store) => {
      const { id, hint } = await store.insertToken(newToken({ secret: "session-0123456789" }), NOW);
      await store.writeTokenSecret(id, { state: { access: "a1", project: "p" } });
      await store.writeTokenSecret(id, { state: { access: "a2" } });
      expect(await store.readTokenSecret(id)).toEqual({
        ...{ secret: "session-0123456789", version: 2 },
        state: { access: "a2", project: "p" },
      });
      expect((await store.listTokens())[0]?.hint).toBe(hint);
    }));

  test("a secret under 12 characters has no hint", () =>
    withStore(async (store) => {
      expect((await store.insertToken(newToken({ secret: "short-secre" }), NOW)).hint).toBe("");
    }));

  test("health of many tokens is stored at once and unknown ids are passed over", () =>
    withStore(async (store) => {
      const first = await store.insertToken(newToken(), NOW);
      const second = await store.insertToken(newToken(), NOW);
      await store.saveHealth([
        { id: first.id, health: { until: 1 } },
        { id: 999, health: { until: 2 } },
        { id: second.id, health: { until: 3 } },
      ]);
      await store.saveHealth([{ id: first.id, health: null }]);
      expect((await store.listTokens()).map((token) => token.health)).toEqual([null, { until: 3 }]);
    }));

  test("cooldowns are stored with health, the latest 50 of each subject, and go with their token", () =>
    withStore(async (store) => {
      const { id } = await store.insertToken(newToken(), NOW);
      const pause = (at: number, change: Partial<CooldownRow> = {}): CooldownRow => {
        return { subject: `token ${id}`, tokenId: id, at, family: null, reason: "throttled", until: at + 5, ...change };
      };
      const shared = pause(1, { subject: "group gemini alpha", family: "some-model", until: null });
      await store.saveHealth([{ id, health: null, pauses: [shared] }]);
      for (let at = 2; at < 62; at++) await store.saveHealth([{ id, health: null, pauses: [pause(at)] }]);
      expect(await store.listCooldowns(["group gemini alpha", "token 999"], 9)).toEqual([shared]);
      const all = await store.listCooldowns([`token ${id}`, "group gemini alpha"], 100);
      expect(all.map(({ at }) => at)).toEqual([...Array.from({ length: 50 }, (_, index) => 61 - index), 1]);
      await store.deleteToken(id);
      expect(await store.listCooldowns([`token ${id}`, "group gemini alpha"], 100)).toEqual([shared]);
    }));

  test("a key is found by its hash, and revoking it is an update", () =>
    withStore(async (store) => {
      const hash = crypto.getRandomValues(new Uint8Array(32));
      const key = await store.insertKey(newKey({ hash }), NOW);
      expect(key).toEqual({
        id: key.id,
        name: "client",
        prefix: "sk-f2a-ab",
        enabled: true,
        createdAt: NOW,
        expiresAt: null,
        revokedAt: null,
        models: [],
        kinds: [],
        addresses: [],
        limits: {
          rpm: null,
          concurrency: null,
          uploadMbDay: null,
          images: { day: null, month: null, total: null },
          videoSeconds: { day: null, month: null, total: null },
          usd: { day: null, month: null, total: null },
        },
        imageForm: null,
        videoForm: null,
        sideCalls: null,
        imagesRoutesOnly: false,
      });
      expect(await store.listKeyHashes()).toEqual([{ id: key.id, hash, until: null }]);
      expect(await kindOf(store.insertKey(newKey({ hash }), NOW))).toBe("conflict");
      const revoked = await store.updateKey(key.id, { revokedAt: NOW, enabled: undefined });
      expect(revoked).toEqual({ ...key, revokedAt: NOW });
      expect(await store.listKeys()).toEqual([revoked]);
    }));

  test("undelivered outcomes are written over, listed by age and deleted, and are there after a restart", () =>
    withStore(async (store) => {
      const row = (id: string, at: number, outcome: object) => ({
        id,
        keyId: 1,
        requestId: `of ${id}`,
        hash: "same",
        at,
        outcome: outcome as never,
      });
      await store.putUndelivered(row("late", NOW + 2, { type: "running" }));
      await store.putUndelivered(row("early", NOW + 1, { type: "running" }));
      await store.putUndelivered(row("late", NOW + 3, { type: "result", text: "two" }));
      expect(await store.listUndelivered()).toEqual([
        row("early", NOW + 1, { type: "running" }),
        row("late", NOW + 3, { type: "result", text: "two" }),
      ]);
      await store.deleteUndelivered("early");
      await store.deleteUndelivered("never there");
      return async (again) => expect((await again.listUndelivered()).map(({ id }) => id)).toEqual(["late"]);
    }));

  test("a setting that is forgotten is absent", () =>
    withStore(async (store) => {
      await store.writeSettings({ "pool.wait_ms": 5, "log.level": "debug", "media.list": ["a"] });
      await store.writeSettings({ "pool.wait_ms": null, "log.level": "info", "never.set": undefined });
      expect(await store.readSettings()).toEqual({ "log.level": "info", "media.list": ["a"] });
    }));

  test("a fact is replaced and forgotten", () =>
    withStore(async (store) => {
      await store.writeFact("admin", "one");
      await store.writeFact("admin", "two");
      expect(await store.readFact("admin")).toBe("two");
      await store.writeFact("admin", null);
      expect(await store.readFact("admin")).toBeNull();
    }));

  describe("sweeping", () => {
    const day = (number: number) => NOW + number * 86_400_000;
    const rows = [
      newMedia({ id: "c", createdAt: day(3), bytes: 30 }),
      newMedia({ id: "a", createdAt: day(1), bytes: 10 }),
      newMedia({ id: "b", createdAt: day(2), bytes: 20, expiresAt: day(5) }),
      newMedia({ id: "d", createdAt: day(4), bytes: 40, expiresAt: day(9) }),
    ];
    const insert = (store: Store) => Promise.all(rows.map((row) => store.insertMedia(row)));
    test.each([
      ["nothing past its time: nothing", day(4), 10, []],
      ["only what is past its time", day(5), 10, ["b"]],
      ["no more than asked for, first what expired first", day(9), 1, ["b"]],
    ] as [string, number, number, string[]][])("%s", (_, now, limit, expected) =>
      withStore(async (store) => {
        await insert(store);
        expect((await store.listExpiredMedia(now, limit)).map((row) => row.id)).toEqual(expected);
      }),
    );

    test("one owner's media of one origin, made before a time, oldest first", () =>
      withStore(async (store) => {
        await insert(store);
        await store.insertMedia(newMedia({ id: "e", keyId: null, createdAt: day(1), bytes: 7 }));
        const { keyId, origin } = rows[0]!;
        const oldest = (before: number, limit: number, owner: number | null = keyId) =>
          store.listOldestMedia({ keyId: owner, origin, before, limit }).then((found) => found.map(({ id }) => id));
        expect(await oldest(day(9), 10)).toEqual(["a", "b", "c", "d"]);
        expect(await oldest(day(9), 2)).toEqual(["a", "b"]);
        expect(await oldest(day(2), 10)).toEqual(["a"]);
        expect(await oldest(day(9), 10, null)).toEqual(["e"]);
        expect(await store.listOldestMedia({ keyId, origin: origin === "input" ? "result" : "input", before: day(9), limit: 9 })).toEqual(
          [],
        );
        const sums = (await store.sumMedia()).toSorted((one, other) => one.bytes - other.bytes);
        expect(sums).toEqual([
          { keyId: null, origin, bytes: 7 },
          { keyId, origin, bytes: 100 },
        ]);
      }));
  });

  test("files are one key's named media that are not past their time, in pages either way", () =>
    withStore(async (store) => {
      const file = (id: string, change: Partial<Media> = {}) =>
        newMedia({ id, origin: "input", name: `${id}.png`, purpose: "vision", ...change });
      const rows = [
        file("a", { createdAt: 1 }),
        file("b", { createdAt: 2, purpose: "user_data" }),
        file("c", { createdAt: 2, expiresAt: NOW + 1 }),
        file("d", { createdAt: 3 }),
        file("other key", { keyId: 8 }),
        file("expired", { expiresAt: NOW }),
        newMedia({ id: "unnamed" }),
      ];
      for (const row of rows) await store.insertMedia(row);
      const ids = async (change: Partial<FileFilter> = {}) =>
        (await store.listFiles({ keyId: 7, now: NOW, order: "desc", limit: 10, ...change })).map(({ id }) => id);
      expect(await ids()).toEqual(["d", "c", "b", "a"]);
      expect(await ids({ order: "asc", limit: 3 })).toEqual(["a", "b", "c"]);
      expect(await ids({ order: "asc", after: "b" })).toEqual(["c", "d"]);
      expect(await ids({ after: "b", limit: 1 })).toEqual(["a"]);
      expect(await ids({ purpose: "user_data" })).toEqual(["b"]);
      expect(await ids({ after: "gone" })).toEqual([]);
      expect(await store.getMedia("a")).toEqual(rows[0]!);
    }));

  test("media of one origin come newest first, in pages that do not mind what is deleted, by any mixture of conditions", () =>
    withStore(async (store) => {
      const rows = [
        newMedia({ id: "a", createdAt: 1, family: "red" }),
        newMedia({ id: "b", createdAt: 2, family: "blue", kind: "video" }),
        newMedia({ id: "c", createdAt: 2, keyId: 8 }),
        newMedia({ id: "d", createdAt: 3, family: "red", keyId: 8 }),
        newMedia({ id: "given", createdAt: 4, origin: "input" }),
      ];
      for (const row of rows) await store.insertMedia(row);
      const ids = async (change: Partial<MediaFilter> = {}) =>
        (await store.listMedia({ origin: "result", limit: 10, ...change })).map(({ id }) => id);
      expect(await ids()).toEqual(["d", "c", "b", "a"]);
      expect(await ids({ limit: 2 })).toEqual(["d", "c"]);
      await store.deleteMedia(["c"]);
      expect(await ids({ before: { createdAt: 2, id: "c" } })).toEqual(["b", "a"]);
      expect(await ids({ kind: "video" })).toEqual(["b"]);
      expect(await ids({ keyId: 8, family: "red" })).toEqual(["d"]);
      expect(await ids({ family: "red", from: 1, to: 3 })).toEqual(["a"]);
      expect(await ids({ origin: "input" })).toEqual(["given"]);
      expect(await ids({ ids: ["given", "a", "d", "unknown"], kind: "image" })).toEqual(["d", "a"]);
      expect(await ids({ ids: [] })).toEqual([]);
      const count = (change: Partial<MediaFilter>) => store.countMedia({ origin: "result", limit: 10, ...change });
      expect([await count({}), await count({ limit: 2 }), await count({ kind: "video" }), await count({ ids: ["a"] })]).toEqual([
        3, 2, 1, 1,
      ]);
    }));

  test("bytes are the sum of what is there", () =>
    withStore(async (store) => {
      const mediaBytes = async () => (await store.sumMedia()).reduce((sum, { bytes }) => sum + bytes, 0);
      expect(await mediaBytes()).toBe(0);
      await Promise.all(["a", "b", "c"].map((id, index) => store.insertMedia(newMedia({ id, bytes: 10 ** index }))));
      await store.deleteMedia(["b", "unknown"]);
      expect(await mediaBytes()).toBe(101);
    }));

  test("of a thousand acts asked for at once, one failing fails alone", () =>
    withStore(async (store) => {
      const inserts = Array.from({ length: 1000 }, (_, index) =>
        store.insertMedia(newMedia({ id: index === 700 ? "id-1" : `id-${index}` })),
      );
      const outcomes = await Promise.allSettled(inserts);
      expect(outcomes.flatMap(({ status }, index) => (status === "rejected" ? [index] : []))).toEqual([700]);
      expect((await store.sumMedia()).map(({ bytes }) => bytes)).toEqual([999 * 100]);
    }));

  test("close waits for what was asked for", async () => {
    using folder = temporaryFolder();
    const store = await open(folder.path);
    const media = newMedia();
    const inserted = store.insertMedia(media);
    await store.close();
    await inserted;
    const reopened = await open(folder.path);
    expect(await reopened.getMedia(media.id)).toEqual(media);
    await reopened.close();
  });

  test("revisions count what an operator edits, seen by another connection, and nothing that the server learns", async () => {
    using folder = temporaryFolder();
    const server = await open(folder.path);
    const commandLine = await open(folder.path);
    /** Which counters an act moves, as the other connection sees it. */
    const moved = async (act: () => Promise<unknown>): Promise<string[]> => {
      const before = await server.revisions();
      await act();
      const after = await server.revisions();
      return (["tokens", "keys", "settings"] as const).filter((name) => before[name] !== after[name]);
    };
    const { id } = await commandLine.insertToken(newToken({ proxy: "http://p:1" }), NOW);
    const key = await commandLine.insertKey(newKey(), NOW);

    expect(await moved(() => commandLine.insertToken(newToken(), NOW))).toEqual(["tokens"]);
    expect(await moved(() => commandLine.updateToken(id, { label: "other" }))).toEqual(["tokens"]);
    expect(await moved(() => commandLine.updateToken(id, { caps: { rpm: 2 } }))).toEqual(["tokens"]);
    expect(await moved(() => commandLine.updateToken(id, { proxy: "http://p:2" }))).toEqual(["tokens"]);
    expect(await moved(() => commandLine.updateToken(id, { location: "eu" }))).toEqual(["tokens"]);
    expect(await moved(() => commandLine.deleteToken(id + 1))).toEqual(["tokens"]);
    expect(await moved(() => commandLine.insertKey(newKey(), NOW))).toEqual(["keys"]);
    expect(await moved(() => commandLine.updateKey(key.id, { enabled: false }))).toEqual(["keys"]);
    expect(await moved(() => commandLine.writeSettings({ "log.level": "debug" }))).toEqual(["settings"]);
    expect(await moved(() => commandLine.writeSettings({ "log.level": "info" }))).toEqual(["settings"]);
    expect(await moved(() => commandLine.writeSettings({ "log.level": null }))).toEqual(["settings"]);

    expect(await moved(() => server.updateToken(id, { label: "other" }))).toEqual([]);
    expect(await moved(() => server.updateToken(id, { credits: 3, families: ["f"], identity: "me", checkedAt: 1, tier: 1 }))).toEqual([]);
    expect(await moved(() => server.saveHealth([{ id, health: { until: 1 } }]))).toEqual([]);
    expect(await moved(() => server.writeTokenSecret(id, { secret: "rotated-secret", state: { a: 1 } }))).toEqual([]);
    expect(await moved(() => server.insertMedia(newMedia()))).toEqual([]);
    await Promise.all([server.close(), commandLine.close()]);
  });
});
