// Reservations whose answer was lost: the store has made them, their client was refused, and they do not stay.
import { expect, test } from "bun:test";
import type { LedgerStore } from "../../db/ledger.ts";
import type { SharedStore } from "../../db/shared.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { silentLog } from "../../log.ts";
import { settled, temporaryFolder, virtualClock } from "../../testing.ts";
import { CATALOGUE } from "../models/testing.ts";
import { Limits } from "./limits.ts";
import { keyRow, request, SECRET_KEY } from "./testing.ts";
import { VainReservations } from "./vain-reservations.ts";

test("what the store has made although it gave no answer is released, and nothing else", async () => {
  using folder = temporaryFolder();
  const clock = virtualClock();
  const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
  const { begin } = store;
  const shared = { releaseConcurrency: async () => {} } as Partial<SharedStore> as SharedStore;
  const keys = { get: () => keyRow() };
  const limits = new Limits({ catalogue: () => CATALOGUE, keys, store, shared, clock, log: silentLog, retentionDays: () => 30 });
  await limits.load();
  await limits.admit(1, request({ requestId: "known" }));
  // It is made long after its client was refused.
  let make = async () => {};
  store.begin = (batch) => {
    make = async () => void (await begin(batch));
    return Promise.reject(new Error("no answer"));
  };
  expect(await limits.admit(1, request({ requestId: "vain" })).catch(({ reason }) => reason)).toBe("ledger_unavailable");
  const open = async () => (await store.readLedger([], 0)).open.map(({ requestId }) => requestId);
  await clock.advance(16_000);
  await make();
  expect(await open()).toEqual(["known", "vain"]);
  for (let passed = 0; passed < 4; passed++) {
    await clock.advance(15_000);
    await Bun.sleep(20);
    await limits.flush();
  }
  expect([await open(), clock.nextTimer() === null || limits.gauges().reservations]).toEqual([["known"], 1]);
  await limits.close();
  await store.close();
});

test("a stop waits for the look under way: nothing is released, and nothing looked for, after it", async () => {
  const clock = virtualClock();
  const found = Promise.withResolvers<Awaited<ReturnType<LedgerStore["readLedger"]>>>();
  const released: string[] = [];
  const vain = new VainReservations({
    ...{ clock, log: silentLog },
    store: { readLedger: () => found.promise },
    release: ({ requestId }) => released.push(requestId),
  });
  vain.note("req_1");
  await clock.advance(15_000);
  let isStopped = false;
  const stopping = vain.stop().then(() => (isStopped = true));
  await settled();
  expect(isStopped).toBe(false);
  const estimate = { images: 1, videoMs: 0, microUsd: 0 };
  const made = { id: 1, keyId: 1, requestId: "req_1", kind: "image", family: "alpha", at: 0, estimate } as const;
  found.resolve({ open: [made], spent: [], recent: [] });
  await stopping;
  expect([released, clock.nextTimer()]).toEqual([["req_1"], null]);
  vain.note("req_2");
  expect(clock.nextTimer()).toBeNull();
});
