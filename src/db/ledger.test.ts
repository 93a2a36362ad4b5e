// Store contract: reservations end once; usage by hour, day, model, key and token.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../testing.ts";
import type { Amounts, Begun, KeyDayQuery, LedgerStore, NewReservation, ReservationEnd, UsageQuery } from "./ledger.ts";
import { ENGINES } from "./testing.ts";

// Some tests wait for two hundred commits of a server, which is slow where much else runs.
setDefaultTimeout(30_000);

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 10, 23, 12);

const amounts = (images: number, microUsd = 0, videoMs = 0): Amounts => ({ images, videoMs, microUsd });
const reservation = (change: Partial<NewReservation> = {}): NewReservation => ({
  keyId: 1,
  requestId: "req_a",
  kind: "image",
  family: "alpha",
  at: NOON,
  estimate: amounts(1, 40_000),
  ...change,
});
const idsOf = (begun: Begun[]) => begun.map((one) => ("id" in one ? one.id : -1));
const insert = async (store: LedgerStore, change: Partial<NewReservation> = {}) => idsOf(await store.begin([reservation(change)]))[0]!;
const ending = (id: number, change: Partial<ReservationEnd> = {}): ReservationEnd => ({
  id,
  state: "settled",
  endedAt: NOON + 1000,
  actual: amounts(1, 39_000),
  periods: ["2026-11-23", "total"],
  hour: NOON,
  ok: true,
  ms: 1000,
  inputTokens: 10,
  outputTokens: 1290,
  calls: [{ tokenId: 7, ok: true, ms: 900, amounts: amounts(1, 39_000) }],
  ...change,
});

describe.each(ENGINES)("a ledger over $name", ({ open }) => {
  async function withStore(body: (store: LedgerStore) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const store = await open(folder.path);
    await body(store).finally(() => store.close());
  }

  test("a reservation is open, with what it was made of, until it ends", () =>
    withStore(async (store) => {
      const first = await insert(store);
      const ofJob = { keyId: 2, kind: "video", estimate: amounts(0, 5, 8000), forJob: true } as const;
      const second = await insert(store, ofJob);
      const rows = [
        { id: first, ...reservation() },
        { id: second, ...reservation(ofJob) },
      ];
      expect((await store.readLedger([], 0)).open).toEqual(rows);
      expect(await store.end([ending(first)])).toBe(1);
      expect((await store.readLedger([], 0)).open).toEqual(rows.slice(1));
    }));

  test("the end counts once, however often it is asked for, together or apart", () =>
    withStore(async (store) => {
      const id = await insert(store);
      expect(await store.end([ending(id), ending(id), ending(id, { state: "released", actual: amounts(0) })])).toBe(1);
      expect(await store.end([ending(id)])).toBe(0);
      expect(await store.end([ending(id + 1)])).toBe(0);
      expect((await store.readLedger(["total"], 0)).spent).toEqual([{ keyId: 1, period: "total", amounts: amounts(1, 39_000) }]);
      expect((await store.readUsage({ from: 0, to: NOON + HOUR, by: "model" }))[0]).toMatchObject({ group: "alpha", requests: 1 });
    }));

  test("sums are stored by key and period, and only those asked for are read", () =>
    withStore(async (store) => {
      const ids = await Promise.all([1, 1, 2].map((keyId) => insert(store, { keyId })));
      await store.end(ids.map((id) => ending(id)));
      const { spent } = await store.readLedger(["2026-11-23", "2026-11-22"], 0);
      expect(spent).toEqual([
        { keyId: 1, period: "2026-11-23", amounts: amounts(2, 78_000) },
        { keyId: 2, period: "2026-11-23", amounts: amounts(1, 39_000) },
      ]);
    }));

  test("a release adds to no sum, but is a request that failed", () =>
    withStore(async (store) => {
      const id = await insert(store);
      await store.end([ending(id, { state: "released", actual: amounts(0), ok: false, calls: [] })]);
      expect((await store.readLedger(["total"], 0)).spent).toEqual([]);
      const rows = await store.readUsage({ from: 0, to: NOON + HOUR, by: "key" });
      expect(rows).toMatchObject([{ group: 1, requests: 1, errors: 1, images: 0, usd: 0, p50Ms: null, meanMs: null, maxMs: null }]);
    }));

  test("admissions since a time are reported in order, ended or not", () =>
    withStore(async (store) => {
      for (const at of [NOON + 2, NOON, NOON + 1]) await insert(store, { at });
      await store.end([ending(1)]);
      expect((await store.readLedger([], NOON)).recent).toEqual([
        { keyId: 1, at: NOON + 1 },
        { keyId: 1, at: NOON + 2 },
      ]);
    }));

  test("the calls of each token are counted by half-hours, at most a day back, and go with the token", () =>
    withStore(async (store) => {
      const HALF = HOUR / 2;
      const call = (tokenId: number, ok: boolean) => ({ tokenId, ok, ms: 900, amounts: amounts(1, 39_000) });
      const end = async (endedAt: number, calls: ReservationEnd["calls"]) => store.end([ending(await insert(store), { endedAt, calls })]);
      await end(NOON + 1, [call(7, true), call(7, false), call(8, true)]);
      await end(NOON + HALF - 1, [call(7, true)]);
      expect(await store.readBeats([7], 0)).toEqual([{ tokenId: 7, at: NOON, served: 2, failed: 1 }]);
      await end(NOON + HALF, [call(7, true)]);
      await end(NOON + 5, [call(8, false)]);
      const all = [
        { tokenId: 7, at: NOON, served: 2, failed: 1 },
        { tokenId: 7, at: NOON + HALF, served: 1, failed: 0 },
        { tokenId: 8, at: NOON, served: 1, failed: 1 },
      ];
      expect(await store.readBeats([8, 7, 9], 0)).toEqual(all);
      expect(await store.readBeats([8, 7], NOON + 1)).toEqual(all.slice(1, 2));
      // A day and a half-hour later its place is taken; what ends out of turn does not bring the old day back.
      await end(NOON + 49 * HALF, [call(7, false)]);
      await end(NOON + 2, [call(7, true)]);
      expect(await store.readBeats([7], 0)).toEqual([all[1]!, { tokenId: 7, at: NOON + 49 * HALF, served: 0, failed: 1 }]);
      expect(await store.readBeats([], 0)).toEqual([]);
    }));

  test("everything is there after a restart", async () => {
    using folder = temporaryFolder();
    const store = await open(folder.path);
    await store.end([ending(await insert(store))]);
    await insert(store);
    const [state, usage] = [await store.readLedger(["total"], 0), await store.readUsage({ from: 0, to: NOON + HOUR, by: "token" })];
    await store.close();
    const again = await open(folder.path);
    expect(await again.readLedger(["total"], 0)).toEqual(state);
    expect(await again.readUsage({ from: 0, to: NOON + HOUR, by: "token" })).toEqual(usage);
    await again.close();
  });

  describe("usage", () => {
    /** Two keys, two families, two tokens, three hours over midnight. */
    async function fill(store: LedgerStore): Promise<void> {
      const add = async (change: Partial<NewReservation>, end: Partial<ReservationEnd>) =>
        store.end([ending(await insert(store, change), end)]);
      await add({ keyId: 1 }, { hour: NOON });
      await add({ keyId: 1, family: "beta" }, { hour: NOON + HOUR, actual: amounts(2, 100_000, 8000), inputTokens: 5, outputTokens: 6 });
      const failed = { tokenId: 7, ok: false, ms: 100, amounts: amounts(0) };
      const retried = { tokenId: 8, ok: true, ms: 4000, amounts: amounts(1, 1) };
      await add({ keyId: 2 }, { hour: NOON + 12 * HOUR, actual: amounts(1, 1), calls: [failed, retried] });
    }
    const everything = { from: NOON, to: NOON + 13 * HOUR };
    const brief = ({ group, requests, images, usd }: { group: number | string; requests: number; images: number; usd: number }) => [
      group,
      requests,
      images,
      usd,
    ];
    const CASES: [string, UsageQuery, (number | string)[][]][] = [
      [
        "by hour",
        { ...everything, by: "hour" },
        [
          [NOON, 1, 1, 0.039],
          [NOON + HOUR, 1, 2, 0.1],
          [NOON + 12 * HOUR, 1, 1, 0.000001],
        ],
      ],
      [
        "by UTC day",
        { ...everything, by: "day" },
        [
          [NOON - 12 * HOUR, 2, 3, 0.139],
          [NOON + 12 * HOUR, 1, 1, 0.000001],
        ],
      ],
      [
        "by model",
        { ...everything, by: "model" },
        [
          ["alpha", 2, 2, 0.039001],
          ["beta", 1, 2, 0.1],
        ],
      ],
      [
        "by key",
        { ...everything, by: "key" },
        [
          [1, 2, 3, 0.139],
          [2, 1, 1, 0.000001],
        ],
      ],
      ["by model of one key", { ...everything, by: "model", of: { key: 2 } }, [["alpha", 1, 1, 0.000001]]],
      ["by key of one model", { ...everything, by: "key", model: "beta" }, [[1, 1, 2, 0.1]]],
      [
        "by token: its calls, not requests",
        { ...everything, by: "token" },
        [
          [7, 3, 2, 0.078],
          [8, 1, 1, 0.000001],
        ],
      ],
      ["by day of one token", { ...everything, by: "day", of: { token: 8 } }, [[NOON + 12 * HOUR, 1, 1, 0.000001]]],
      ["the end of a range is not in it", { from: NOON, to: NOON + HOUR, by: "hour" }, [[NOON, 1, 1, 0.039]]],
      ["nothing of a time without any", { from: 0, to: NOON, by: "hour" }, []],
      ["nothing of an unknown key", { ...everything, by: "hour", of: { key: 99 } }, []],
    ];
    test.each(CASES)("%s", (_, query, expected) =>
      withStore(async (store) => {
        await fill(store);
        expect((await store.readUsage(query)).map(brief)).toEqual(expected);
      }),
    );

    test("counts usage, errors, seconds and durations", () =>
      withStore(async (store) => {
        await fill(store);
        expect(await store.readUsage({ ...everything, by: "model", model: "beta" })).toEqual([
          {
            group: "beta",
            requests: 1,
            errors: 0,
            images: 2,
            videoSeconds: 8,
            usd: 0.1,
            inputTokens: 5,
            outputTokens: 6,
            meanMs: 1000,
            p50Ms: 750,
            p95Ms: 975,
            maxMs: 1000,
          },
        ]);
        const tokens = await store.readUsage({ ...everything, by: "token" });
        expect(tokens.map(({ group, errors, maxMs, inputTokens }) => [group, errors, maxMs, inputTokens])).toEqual([
          [7, 1, 900, 0],
          [8, 0, 4000, 0],
        ]);
      }));

    test("of several families together, without the others", () =>
      withStore(async (store) => {
        await fill(store);
        const hours = async (models: string[]) =>
          (await store.readUsage({ ...everything, by: "span", models })).map(({ requests }) => requests);
        expect([await hours(["alpha"]), await hours(["alpha", "beta"]), await hours(["gamma"]), await hours([])]).toEqual([
          [2],
          [3],
          [],
          [],
        ]);
      }));

    test("what keys used by day and family, page by page", () =>
      withStore(async (store) => {
        await fill(store);
        const [today, tomorrow] = [NOON - 12 * HOUR, NOON + 12 * HOUR];
        const days = async (change: Partial<KeyDayQuery> = {}) =>
          (await store.readKeyDays({ from: today, to: tomorrow + 24 * HOUR, limit: 10, ...change })).map(
            ({ day, keyId, family, requests, images, usd }) => [day, keyId, family, requests, images, usd],
          );
        const all = [
          [today, 1, "alpha", 1, 1, 0.039],
          [today, 1, "beta", 1, 2, 0.1],
          [tomorrow, 2, "alpha", 1, 1, 0.000001],
        ];
        expect(await days()).toEqual(all);
        expect(await days({ limit: 1, after: { day: today, keyId: 1, family: "alpha" } })).toEqual(all.slice(1, 2));
        expect([await days({ key: 2 }), await days({ model: "beta" }), await days({ to: tomorrow })]).toEqual([
          all.slice(2),
          all.slice(1, 2),
          all.slice(0, 2),
        ]);
        expect((await store.readKeyDays({ from: today, to: tomorrow, limit: 5, model: "beta" }))[0]).toEqual({
          ...{ day: today, keyId: 1, family: "beta", requests: 1, errors: 0, images: 2, videoSeconds: 8, usd: 0.1 },
          ...{ inputTokens: 5, outputTokens: 6 },
        });
      }));

    test("percentiles lie within a bucket of the true ones, also beyond the last bound", () =>
      withStore(async (store) => {
        for (let index = 1; index <= 100; index++) {
          await store.end([ending(await insert(store), { ms: index * 100 })]);
        }
        const query = { from: NOON, to: NOON + HOUR, by: "hour" } as const;
        const [row] = await store.readUsage(query);
        expect(row!.meanMs).toBe(5050);
        expect(row!.p50Ms).toBeWithin(4000, 8001);
        expect(row!.p95Ms).toBeWithin(8000, 10_001);
        await store.end([ending(await insert(store), { ms: 10_000_000 })]);
        expect((await store.readUsage(query))[0]).toMatchObject({ maxMs: 10_000_000 });
      }));

    const DAY = 24 * HOUR;
    const wholeDays = { from: NOON - (NOON % DAY) - DAY, to: NOON - (NOON % DAY) + 2 * DAY };
    test.each(["day", "model", "span", "key", "token"] as const)("by %s, whole days say the same as their hours", (by) =>
      withStore(async (store) => {
        await fill(store);
        const { from, to } = wholeDays;
        const days = await store.readUsage({ from, to, by });
        const hours = await store.readUsage({ from: from + HOUR, to: to - HOUR, by });
        expect(days.length).toBeGreaterThan(0);
        expect(days.map((row) => ({ ...row, group: by === "span" ? 0 : row.group }))).toEqual(
          hours.map((row) => ({ ...row, group: by === "span" ? 0 : row.group })),
        );
      }),
    );

    test("a slice of tokens begins after an id and has so many", () =>
      withStore(async (store) => {
        await fill(store);
        const tokens = async (after?: number, limit?: number) =>
          (await store.readUsage({ ...wholeDays, by: "token", after, limit })).map(({ group }) => group);
        expect([await tokens(undefined, 1), await tokens(7, 1), await tokens(8, 1), await tokens()]).toEqual([[7], [8], [], [7, 8]]);
      }));

    test("some tokens are summed up as all are, without the others", () =>
      withStore(async (store) => {
        await fill(store);
        const all = await store.readUsage({ ...wholeDays, by: "token" });
        const some = async (ids: number[]) => store.readUsage({ ...wholeDays, by: "token", ids });
        expect([await some([8, 99]), await some([])]).toEqual([all.filter(({ group }) => group === 8), []]);
      }));

    test.each([[0], [1], [250], [251], [512_000], [512_001]])("a duration of %p ms is its own percentile's bound", (ms) =>
      withStore(async (store) => {
        await store.end([ending(await insert(store), { ms })]);
        const [row] = await store.readUsage({ from: NOON, to: NOON + HOUR, by: "hour" });
        expect(row!.maxMs).toBe(ms);
        expect(row!.p95Ms).toBeLessThanOrEqual(ms);
      }),
    );
  });

  test("what is old is deleted in slices; what is open stays, and so do the sums that limits are checked against", () =>
    withStore(async (store) => {
      const old = await Promise.all([1, 2, 3].map(() => insert(store, { at: NOON - 48 * HOUR })));
      const young = await insert(store);
      const end = (id: number, hour: number) => store.end([ending(id, { hour, calls: [] })]);
      for (const id of old.slice(0, 2)) await end(id, NOON - 48 * HOUR);
      await end(young, NOON);
      const before = { reservations: NOON, hours: NOON };
      expect(await store.deleteUsageBefore(before, 1)).toBe(3);
      expect(await store.deleteUsageBefore(before, 10)).toBe(3);
      expect(await store.deleteUsageBefore(before, 10)).toBe(0);
      const state = await store.readLedger(["total"], 0);
      expect(state.recent.map(({ at }) => at)).toEqual([NOON - 48 * HOUR, NOON]);
      expect(state.open.map(({ id }) => id)).toEqual([old[2]!]);
      expect(state.spent[0]?.amounts.images).toBe(3);
      expect(await store.readUsage({ from: 0, to: NOON + HOUR, by: "hour" })).toMatchObject([{ group: NOON, requests: 1 }]);
    }));
});
