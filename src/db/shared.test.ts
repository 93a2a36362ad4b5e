// Store contract: what several nodes decide together: limits of keys, slots, caps, fencing, locks, messages, logins.
import { describe, expect, test } from "bun:test";
import { newId } from "../ids.ts";
import { temporaryFolder } from "../testing.ts";
import type { Begun, KeyChecks, NewReservation, ReservationEnd } from "./ledger.ts";
import { hasPostgres } from "./postgres/testing.ts";
import { NOW, newJob } from "./rows.fixtures.ts";
import type { SharedStore, SlotCap, SlotRequest } from "./shared.ts";
import type { Store } from "./store.ts";
import { ENGINES } from "./testing.ts";

const NODE = { url: null, version: "1.2.3" };
const MIDNIGHT = Date.now() + 3_600_000;
const FREE: KeyChecks = { rpm: null, concurrency: null, budgets: [] };

/** A store as one node has it open. */
type Opened = { store: Store; shared: SharedStore; node: number };

const reservation = (
  { node }: Pick<Opened, "node">,
  limits: Partial<KeyChecks> = {},
  change: Partial<NewReservation> = {},
): NewReservation => ({
  ...{ keyId: 1, requestId: newId(), node, kind: "image", family: "f", at: NOW },
  estimate: { images: 1, videoMs: 0, microUsd: 100 },
  shared: { periods: ["day", "total"], limits: { ...FREE, ...limits } },
  ...change,
});
const ending = (id: number, change: Partial<ReservationEnd> = {}): ReservationEnd => ({
  ...{
    id,
    state: "settled",
    endedAt: NOW,
    periods: ["day", "total"],
    hour: NOW,
    ok: true,
    ms: 1,
    inputTokens: 0,
    outputTokens: 0,
    calls: [],
  },
  actual: { images: 1, videoMs: 0, microUsd: 100 },
  ...change,
});
const request = (
  tokens: readonly (number | [number, SlotCap[]])[],
  limit: number | null,
  change: Partial<SlotRequest> = {},
): SlotRequest => ({
  kind: "image",
  candidates: tokens.map((one) => (typeof one === "number" ? { tokenId: one, limit, caps: [] } : { tokenId: one[0], limit, caps: one[1] })),
  ...{ images: 1, microUsd: 100, dayUntil: MIDNIGHT },
  ...change,
});
const cap = (change: Partial<SlotCap> = {}): SlotCap => ({
  ...{ counter: "token 1", requestsPerMinute: null, imagesPerMinute: null, requestsPerDay: null, microUsdPerDay: null },
  ...change,
});
const FULL = { refused: "full" as const };
const idsOf = (begun: readonly Begun[]) => begun.flatMap((one) => ("id" in one ? [one.id] : []));
const refusalsOf = (begun: readonly Begun[]) =>
  begun.flatMap((one) => ("id" in one ? [] : [one.refused === "limit" ? one.by : one.refused]));
const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));

test("SQLite has nothing of it: one process owns the store", async () => {
  using folder = temporaryFolder();
  const store = await ENGINES[0]!.open(folder.path);
  expect(store.shared).toBeNull();
  await store.close();
});

describe.skipIf(!hasPostgres)("two nodes on Postgres", () => {
  async function withNodes(body: (one: Opened, two: Opened) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const { open } = ENGINES.find(({ name }) => name === "postgres")!;
    const opened: Opened[] = [];
    for (let count = 0; count < 2; count++) {
      const store = await open(folder.path);
      opened.push({ store, shared: store.shared!, node: (await store.joinNode(NODE)).id });
    }
    try {
      await body(opened[0]!, opened[1]!);
    } finally {
      for (const { store } of opened) await store.close();
    }
  }

  test("a budget that both race for is spent to the last unit, and not beyond", () =>
    withNodes(async (one, two) => {
      const budget = { budgets: [{ period: "total", of: "images", limit: 10 } as const] };
      const rounds = times(12, (round) => {
        const node = round % 2 === 0 ? one : two;
        return node.store.begin(times(3, () => reservation(node, budget)));
      });
      const begun = (await Promise.all(rounds)).flat();
      expect(idsOf(begun)).toHaveLength(10);
      expect(refusalsOf(begun)).toEqual(times(26, () => ({ of: "images", period: "total", used: 10 })));
    }));

  test("what a call did not use of its estimate is there again, and what it used beyond it is not", () =>
    withNodes(async (one, two) => {
      const budget = { budgets: [{ period: "day", of: "microUsd", limit: 250 } as const] };
      const first = idsOf(await one.store.begin(times(3, () => reservation(one, budget))));
      expect(first).toHaveLength(2);
      await two.store.end([ending(first[0]!, { actual: { images: 1, videoMs: 0, microUsd: 20 } })]);
      const [third] = idsOf(await two.store.begin([reservation(two, budget)]));
      await one.store.end([ending(third!, { actual: { images: 1, videoMs: 0, microUsd: 150 } })]);
      expect(refusalsOf(await one.store.begin([reservation(one, budget)]))).toEqual([{ of: "microUsd", period: "day", used: 270 }]);
      const free = reservation(one, budget, { estimate: { images: 1, videoMs: 0, microUsd: 0 } });
      expect(idsOf(await one.store.begin([free]))).toHaveLength(1);
      await one.store.end([ending(first[1]!, { state: "released", actual: { images: 0, videoMs: 0, microUsd: 0 } })]);
      expect(refusalsOf(await two.store.begin([reservation(two, budget)]))).toEqual([{ of: "microUsd", period: "day", used: 170 }]);
    }));

  test("requests per minute are those of all nodes, and the refusal says when another fits", () =>
    withNodes(async (one, two) => {
      const begun = await Promise.all([one, two].map((node) => node.store.begin(times(4, () => reservation(node, { rpm: 5 })))));
      expect(idsOf(begun.flat())).toHaveLength(5);
      const [refused] = refusalsOf(begun.flat());
      expect(refused).toMatchObject({ of: "rpm" });
      expect((refused as { until: number }).until).toBeWithin(Date.now() + 55_000, Date.now() + 65_000);
      expect(idsOf(await two.store.begin([reservation(two, { rpm: 5 }, { keyId: 2 })]))).toHaveLength(1);
    }));

  test("concurrency is held until the end, or until it is released, once", () =>
    withNodes(async (one, two) => {
      const limit = { concurrency: 2 };
      const [first, second] = idsOf(await one.store.begin(times(3, () => reservation(one, limit))));
      expect(refusalsOf(await two.store.begin([reservation(two, limit)]))).toEqual([{ of: "concurrency" }]);
      await two.store.end([ending(first!)]);
      for (let count = 0; count < 2; count++) await one.shared.releaseConcurrency([second!]);
      const more = await two.store.begin(times(3, () => reservation(two, limit)));
      expect([idsOf(more).length, refusalsOf(more)]).toEqual([2, [{ of: "concurrency" }]]);
      await one.store.end([ending(second!)]);
      expect(refusalsOf(await two.store.begin([reservation(two, limit)]))).toEqual([{ of: "concurrency" }]);
    }));

  test("a slot is one node's at a time, of the first candidate that has room", () =>
    withNodes(async (one, two) => {
      const taken = await Promise.all(
        times(8, (index) => (index % 2 ? one : two).shared.takeSlots((index % 2 ? one : two).node, [request([7, 8], 1)])),
      );
      const tokens = taken.flat().flatMap((slot) => ("tokenId" in slot ? [slot.tokenId] : []));
      expect(tokens.sort()).toEqual([7, 8]);
      expect(taken.flat().filter((slot) => "refused" in slot)).toEqual(times(6, () => FULL));
      const holders = taken.flatMap(([slot], index) => (slot && "tokenId" in slot && slot.tokenId === 7 ? [index % 2 ? one : two] : []));
      await holders[0]!.shared.giveSlots(holders[0]!.node, [{ tokenId: 7, spend: null, kind: "image", used: null }]);
      expect(await two.shared.takeSlots(two.node, [request([7, 8], 1), request([7, 8], 1)])).toEqual([
        { tokenId: 7, spend: null },
        { refused: "full" },
      ]);
      expect(await two.shared.takeSlots(two.node, [request([7], null), request([7], 1, { kind: "video" })])).toEqual(
        times(2, () => ({ tokenId: 7, spend: null })),
      );
    }));

  test("a node that lost an answer corrects what is counted for it, of slots and caps, and of no other node", () =>
    withNodes(async (one, two) => {
      const daily = [cap({ requestsPerDay: 4 })];
      const take = (node: Opened, requests: SlotRequest[]) => node.shared.takeSlots(node.node, requests);
      await take(two, [request([7], 9), request([[1, daily]], 9)]);
      const [held, , known] = await take(one, [request([7], 9), request([7], 9), request([[1, daily]], 9), request([[1, daily]], 9)]);
      expect(held).toEqual({ tokenId: 7, spend: null });
      const { spend } = known as { spend: number };
      // It knows of one slot of each, and of one that the store does not count.
      const kind = "image" as const;
      const counts = [7, 1, 5].map((tokenId) => ({ tokenId, kind, count: 1 }));
      for (let attempt = 0; attempt < 2; attempt++) await one.shared.correctSlots(one.node, counts, [spend]);
      expect(await take(two, [request([7], 3), request([7], 3), request([5], 1)])).toEqual([{ tokenId: 7, spend: null }, FULL, FULL]);
      const capped = { tokenId: 1, spend: expect.any(Number) };
      expect(
        await take(
          two,
          times(3, () => request([[1, daily]], 9)),
        ),
      ).toEqual([capped, capped, FULL]);
    }));

  test("caps count over all nodes until the day ends; a call that was not made does not count, and what was used counts instead", () =>
    withNodes(async (one, two) => {
      const capped = (change: Partial<SlotCap>) => request([[1, [cap(change)]], 2], 9);
      const daily = { requestsPerDay: 2, microUsdPerDay: 250 };
      const [[first], [second], [third]] = [
        await one.shared.takeSlots(one.node, [capped(daily)]),
        await two.shared.takeSlots(two.node, [capped(daily)]),
        await two.shared.takeSlots(two.node, [capped(daily)]),
      ];
      expect([first, second, third].map((slot) => slot && "tokenId" in slot && slot.tokenId)).toEqual([1, 1, 2]);
      const end = (slot: typeof first, used: { images: number; microUsd: number } | null) =>
        one.shared.giveSlots(one.node, [{ ...(slot as { tokenId: number; spend: number }), kind: "image", used }]);
      await end(first, null);
      const [fourth] = await two.shared.takeSlots(two.node, [capped(daily)]);
      expect(fourth).toMatchObject({ tokenId: 1 });
      await two.shared.giveSlots(two.node, [
        { ...(fourth as { tokenId: number; spend: number }), kind: "image", used: { images: 1, microUsd: 10 } },
      ]);
      expect(await two.shared.takeSlots(two.node, [capped(daily)])).toMatchObject([{ tokenId: 2 }]);
      // 100 of the second call, 10 of the fourth.
      expect(await two.shared.takeSlots(two.node, [capped({ microUsdPerDay: 210 }), capped({ microUsdPerDay: 210 })])).toMatchObject([
        { tokenId: 1 },
        { tokenId: 2 },
      ]);
      expect(await one.shared.takeSlots(one.node, [capped({ ...daily, counter: "other", imagesPerMinute: 1 })])).toMatchObject([
        { tokenId: 1 },
      ]);
      expect(await two.shared.takeSlots(two.node, [capped({ ...daily, counter: "other", imagesPerMinute: 1 })])).toMatchObject([
        { tokenId: 2 },
      ]);
      expect(
        await two.shared.takeSlots(two.node, [request([[1, [cap({ counter: "over", requestsPerDay: 1 })]]], 9, { dayUntil: 1 })]),
      ).toHaveLength(1);
      expect(await two.shared.takeSlots(two.node, [request([[1, [cap({ counter: "over", requestsPerDay: 1 })]]], 9)])).toMatchObject([
        { tokenId: 1 },
      ]);
    }));

  test("of a dead node nothing is accepted, and its slots and locks are free; it gives none back a second time", () =>
    withNodes(async (one, two) => {
      await one.shared.takeSlots(one.node, [request([7], 1), request([8], 2)]);
      expect([await one.shared.tryLock(one.node, "cookie 3", 60_000), await two.shared.tryLock(two.node, "cookie 3", 60_000)]).toEqual([
        true,
        false,
      ]);
      const open = idsOf(await one.store.begin([reservation(one)]));
      await Bun.sleep(30);
      await two.store.beatNode(two.node, null);
      const inherited = await two.store.takeOver(two.node, 20);
      expect(inherited.reservations.map(({ id }) => id)).toEqual(open);
      expect(await two.shared.takeSlots(two.node, [request([7], 1)])).toEqual([{ tokenId: 7, spend: null }]);
      await one.shared.giveSlots(one.node, [{ tokenId: 7, spend: null, kind: "image", used: null }]);
      expect(await two.shared.takeSlots(two.node, [request([7], 1)])).toEqual([{ refused: "full" }]);
      expect(await two.shared.tryLock(two.node, "cookie 3", 60_000)).toBe(true);

      expect(await one.store.begin([reservation(one), reservation(two)])).toEqual([{ refused: "node" }, { id: expect.any(Number) }]);
      expect(await one.shared.takeSlots(one.node, [request([9], 1)])).toEqual([{ refused: "node" }]);
      expect(await one.shared.tryLock(one.node, "other", 1000)).toBe(false);
      expect(one.store.insertJob(newJob(), one.node)).rejects.toMatchObject({ kind: "unavailable", reason: "fenced" });
      expect(await two.store.end(open.map((id) => ending(id)))).toBe(1);
    }));

  test("a lock is its holder's again and again, another's after its time or when it is given up", () =>
    withNodes(async (one, two) => {
      for (let count = 0; count < 2; count++) expect(await one.shared.tryLock(one.node, "a", 10_000)).toBe(true);
      await two.shared.unlock(two.node, "a");
      expect(await two.shared.tryLock(two.node, "a", 10_000)).toBe(false);
      await one.shared.unlock(one.node, "a");
      expect(await two.shared.tryLock(two.node, "a", 5)).toBe(true);
      await Bun.sleep(20);
      expect(await one.shared.tryLock(one.node, "a", 10_000)).toBe(true);
    }));

  test("messages reach every node, until it stops to listen", () =>
    withNodes(async (one, two) => {
      const heard: string[] = [];
      let ready = 0;
      const stop = await two.shared.listen(
        (message) => heard.push(message),
        () => ready++,
      );
      const text = `ünïcode ${"x".repeat(6000)}`;
      await one.shared.notify(text);
      await two.shared.notify("own");
      while (heard.length < 2) await Bun.sleep(5);
      expect([heard.sort(), ready]).toEqual([["own", text], 1]);
      await stop();
      await one.shared.notify("late");
      await Bun.sleep(50);
      expect(heard).toHaveLength(2);
    }));

  test("tries of a login are counted over all nodes, one after the other, and forgotten when they are old", () =>
    withNodes(async (one, two) => {
      const count = (name: string) => ({ name, free: 3, longestMs: 60_000 });
      const tried = (at: number, subject = "a") => ({ own: count("10.0.0.1"), all: count("all"), subject, at });
      const waits = await Promise.all(times(20, (index) => [one, two][index % 2]!.shared.countLoginTry(tried(100))));
      expect(waits.filter((wait) => wait === 0)).toHaveLength(4);
      await two.shared.endLoginFailures(tried(200, "b"));
      expect(await one.shared.countLoginTry(tried(200))).toBe(900);
      await two.shared.endLoginFailures(tried(200, "a"));
      expect(await one.shared.countLoginTry(tried(200))).toBe(0);
      expect([await two.shared.deleteLoginFailuresBefore(200), await two.shared.deleteLoginFailuresBefore(201)]).toEqual([0, 2]);
    }));
});
