// Undelivered outcomes in memory: how long they are swept.
import { expect, test } from "bun:test";
import { silentLog } from "../../../log.ts";
import { virtualClock } from "../../../testing.ts";
import { UNDELIVERED_MS, Undelivered } from "./undelivered.ts";

function world() {
  const clock = virtualClock();
  const deleted: string[] = [];
  const store = {
    putUndelivered: async () => {},
    deleteUndelivered: async (id: string) => void deleted.push(id),
    listUndelivered: async () => [],
  };
  const undelivered = new Undelivered({ store, clock, log: silentLog });
  const failure = { kind: "upstream_timeout", message: "late" } as const;
  const add = () => undelivered.add({ keyId: 1, requestId: "req_1", hash: async () => "a", outcome: { type: "failure", failure } });
  return { clock, deleted, undelivered, add };
}

test("what was offered long enough is deleted", async () => {
  const { clock, deleted, undelivered, add } = world();
  const { id } = add();
  await clock.advance(2 * UNDELIVERED_MS);
  expect([deleted, undelivered.has(1)]).toEqual([[id], false]);
});

test("a server that has stopped leaves it to the next one, whose data folder it is then", async () => {
  const { clock, deleted, undelivered, add } = world();
  add();
  await undelivered.close();
  expect(clock.nextTimer()).toBeNull();
  await clock.advance(2 * UNDELIVERED_MS);
  expect(deleted).toEqual([]);
});

test("of several nodes those that live are asked for once, however many rows there are, and keep what is theirs", async () => {
  const failure = { kind: "upstream_timeout", message: "late" } as const;
  const rows = [1, 2, 3, 4].map((at) => ({
    ...{ id: `${at}`, keyId: at, requestId: `req_${at}`, hash: "a", at: Date.now(), node: at % 2 === 0 ? 7 : 8 },
    outcome: { type: "failure" as const, failure },
  }));
  const store = { putUndelivered: async () => {}, deleteUndelivered: async () => {}, listUndelivered: async () => rows };
  let asked = 0;
  const living = async () => {
    asked++;
    return new Set([7]);
  };
  const undelivered = new Undelivered({ store, clock: virtualClock(), log: silentLog, node: { id: 9, living } });
  await undelivered.load();
  expect([asked, [1, 2, 3, 4].map((keyId) => undelivered.has(keyId))]).toEqual([1, [true, false, true, false]]);
  await undelivered.close();
});
