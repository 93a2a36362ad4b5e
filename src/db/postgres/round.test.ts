// Rounds: what was decided by rows that were not locked does not hold where others were faster; the last minute as both sides count it.
import { describe, expect, test } from "bun:test";
import { seededRandom, temporaryFolder } from "../../testing.ts";
import type { KeyChecks, NewReservation } from "../ledger.ts";
import { NOW, newMedia } from "../rows.fixtures.ts";
import type { SlotRequest } from "../shared.ts";
import type { Store } from "../store.ts";
import { connect, type Postgres, type Sql } from "./driver.ts";
import { isContended } from "./failures.ts";
import { type Call, runRound } from "./round.ts";
import { RecentMinute } from "./shared/recent.ts";
import { openStore } from "./store.ts";
import { databaseOf, hasPostgres } from "./testing.ts";

const FREE: KeyChecks = { rpm: null, concurrency: null, budgets: [] };

const begin = (limits: Partial<KeyChecks>, count = 1): Call => ({
  name: "begin",
  args: [
    Array.from(
      { length: count },
      (_, at): NewReservation => ({
        ...{ keyId: 1, requestId: `req_${at}`, kind: "image", family: "f", at: NOW },
        estimate: { images: 1, videoMs: 0, microUsd: 0 },
        shared: { periods: ["day"], limits: { ...FREE, ...limits } },
      }),
    ),
  ],
});

type World = { db: Postgres; store: Store; node: number };

async function withWorld(body: (world: World) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const url = await databaseOf(folder.path);
  const store = await openStore({ url, secretKey: new Uint8Array(32) });
  const db = connect({ url });
  const { id: node } = await store.joinNode({ url: null, version: "1" });
  await body({ db, store, node }).finally(() => Promise.all([db.close(), store.close()]));
}

/** Both rounds have read before either is committed; what became of the second. */
async function race({ db }: World, call: Call, other = call): Promise<unknown> {
  const read = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const isFirstCommitted = Promise.withResolvers<void>();
  const run = (at: 0 | 1) =>
    db.transaction(async (sql) => {
      const waiting: Sql = {
        ...sql,
        // The clock is read last.
        get: async (text, bound) => {
          const row = await sql.get<never>(text, bound);
          read[at].resolve();
          await read[1 - at]!.promise;
          if (at === 1) await isFirstCommitted.promise;
          return row;
        },
      };
      return runRound(waiting, [at === 0 ? call : other], false);
    });
  const first = run(0).finally(() => isFirstCommitted.resolve());
  const second = run(1).catch((error) => (isContended(error) ? "contended" : error));
  await first;
  return second;
}

describe.skipIf(!hasPostgres)("a round", () => {
  test.each([
    ["concurrency", { concurrency: 1 }],
    ["requests per minute", { rpm: 1 }],
    ["a budget", { budgets: [{ period: "day", of: "images", limit: 1 }] }],
  ] as [string, Partial<KeyChecks>][])("that another one has overtaken changes nothing beyond %s, and the store refuses it", (_, limits) =>
    withWorld(async (world) => {
      const { store } = world;
      // Rows that are there are not locked.
      const [made] = await store.begin([{ ...(begin({}).args[0] as NewReservation[])[0]!, keyId: 1, requestId: "first" }]);
      const { id } = made as { id: number };
      const released = { state: "released", endedAt: NOW, actual: { images: 0, videoMs: 0, microUsd: 0 }, periods: ["day"] } as const;
      await store.end([{ id, ...released, hour: NOW, ok: true, ms: 1, inputTokens: 0, outputTokens: 0, calls: [] }]);
      const more = "rpm" in limits ? { rpm: 2 } : limits;
      expect(await race(world, begin(more))).toBe("contended");
      expect((await store.readLedger(["day"], 0)).open).toHaveLength(1);
      expect(await store.begin(begin(more).args[0] as NewReservation[])).toMatchObject([{ refused: "limit" }]);
    }),
  );

  test("of slots that another one has overtaken takes none beyond the limit, and the store refuses it", () =>
    withWorld(async (world) => {
      const { store, node } = world;
      const shared = store.shared!;
      const request: SlotRequest = {
        ...{ kind: "image", candidates: [{ tokenId: 1, limit: 1, caps: [] }], images: 1, microUsd: 0, dayUntil: NOW },
      };
      const [slot] = await shared.takeSlots(node, [request]);
      await shared.giveSlots(node, [{ ...(slot as { tokenId: number; spend: null }), kind: "image", used: null }]);
      const other = (await store.joinNode({ url: null, version: "1" })).id;
      expect(await race(world, { name: "takeSlots", args: [node, [request]] }, { name: "takeSlots", args: [other, [request]] })).toBe(
        "contended",
      );
      expect(await shared.takeSlots(other, [request])).toEqual([{ refused: "full" }]);
    }));

  test("takes no slot for a request whose reservation it refuses", () =>
    withWorld(async ({ store, node }) => {
      const candidates = [{ tokenId: 1, limit: 1, caps: [] }];
      const request: SlotRequest = { kind: "image", candidates, images: 1, microUsd: 0, dayUntil: NOW, requestId: "req_0" };
      const asked = (limits: Partial<KeyChecks>) =>
        Promise.all([
          store.begin(begin(limits).args[0] as NewReservation[]),
          store.shared!.takeSlots(node, [request, { ...request, requestId: "other" }]),
        ]);
      expect(await asked({ budgets: [{ period: "day", of: "images", limit: 0 }] })).toEqual([
        [{ refused: "limit", by: { of: "images", period: "day", used: 0 } }],
        [{ refused: "limit" }, { tokenId: 1, spend: null }],
      ]);
      await store.shared!.giveSlots(node, [{ tokenId: 1, spend: null, kind: "image", used: null }]);
      expect(await asked({})).toEqual([[{ id: expect.any(Number) }], [{ tokenId: 1, spend: null }, { refused: "full" }]]);
    }));

  test("puts many together, in order, and an action of it that fails fails alone", () =>
    withWorld(async ({ store, node }) => {
      const shared = store.shared!;
      const request: SlotRequest = {
        ...{ kind: "image", candidates: [{ tokenId: 1, limit: null, caps: [] }], images: 1, microUsd: 0, dayUntil: NOW },
      };
      const media = newMedia();
      const outcomes = await Promise.allSettled([
        store.begin(begin({ concurrency: 3 }, 2).args[0] as NewReservation[]),
        store.insertMedia(media, new Uint8Array([0, 255, 7])),
        shared.takeSlots(node, [request, request]),
        store.begin(begin({ concurrency: 3 }, 2).args[0] as NewReservation[]),
        store.insertMedia(media),
        store.insertMedia(newMedia(), null, { tokenId: 3, signature: "sig" }),
      ]);
      expect(outcomes.map(({ status }): string => status)).toEqual([
        ...["fulfilled", "fulfilled", "fulfilled", "fulfilled", "rejected", "fulfilled"],
      ]);
      expect(outcomes[3]).toMatchObject({ value: [{ id: expect.any(Number) }, { refused: "limit", by: { of: "concurrency" } }] });
      expect(await store.readMediaBytes(media.id)).toEqual(new Uint8Array([0, 255, 7]));
      expect((await store.readLedger([], 0)).open.map(({ requestId }) => requestId)).toEqual(["req_0", "req_1", "req_0"]);
    }));

  test("counts the last minute as the program does", () =>
    withWorld(async ({ db }) => {
      const random = seededRandom(11);
      let text = "[]";
      let own = "[]";
      for (let second = 1_700_000_000; second < 1_700_000_400; second += Math.floor(random() * 9)) {
        const count = 1 + Math.floor(random() * 5);
        const row = await db.get<{ text: string; requests: number }>(
          "SELECT add_recent($text, $second, $count) AS text, recent_requests($text, $second) AS requests",
          { text, second, count },
        );
        const recent = new RecentMinute(own, second * 1000);
        expect(recent.availableAt("requests", 1, row!.requests + 1)).toBe(0);
        if (row!.requests > 0) expect(recent.availableAt("requests", 1, row!.requests)).toBeGreaterThan(0);
        recent.add(count, 0);
        own = recent.text;
        text = row!.text;
        expect(JSON.parse(text)).toEqual(JSON.parse(own));
      }
    }));
});
