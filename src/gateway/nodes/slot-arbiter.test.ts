// Slots of tokens on a store that fails: lost answers leak none and give none back twice; whoever asks is answered.
import { expect, test } from "bun:test";
import type { HeldSlots, SlotEnd, SlotRequest } from "../../db/shared.ts";
import { silentLog } from "../../log.ts";
import { virtualClock } from "../../testing.ts";
import { StoreSlots } from "./slot-arbiter.ts";

const request: SlotRequest = {
  kind: "image",
  candidates: [{ tokenId: 7, limit: null, caps: [] }],
  ...{ images: 1, microUsd: 0, dayUntil: 0 },
};
const end: SlotEnd = { tokenId: 7, spend: null, kind: "image", used: null };

/** What the store counts for the node; `lost`: the next action takes effect, and its answer does not come. */
function setUp() {
  const state = { inFlight: 0, lost: false, given: 0, fenced: 0 };
  const clock = virtualClock();
  const answer = <T>(value: T): Promise<T> => {
    const { lost } = state;
    state.lost = false;
    return lost ? Promise.reject(new Error("connection lost")) : Promise.resolve(value);
  };
  const shared = {
    takeSlots: (_: number, batch: readonly SlotRequest[]) => {
      state.inFlight += batch.length;
      return answer(batch.map(() => ({ tokenId: 7, spend: null })));
    },
    giveSlots: (_: number, batch: readonly SlotEnd[]) => {
      state.inFlight -= batch.length;
      return answer(undefined);
    },
    correctSlots: (_: number, held: readonly HeldSlots[]) => {
      state.inFlight = held.reduce((sum, { count }) => sum + count, 0);
      return answer(undefined);
    },
  };
  const node = { id: 1, fence: () => state.fenced++ };
  return { state, clock, slots: new StoreSlots({ shared, node, clock, log: silentLog, onGiven: () => state.given++ }) };
}

test("whoever asks at the very end of a round is answered", async () => {
  const { slots, state, clock } = setUp();
  for (let count = 0; count < 3; count++) expect(await slots.take(request)).toMatchObject({ tokenId: 7 });
  slots.give(end);
  await clock.advance(2);
  slots.give(end);
  await clock.advance(2);
  expect(state).toMatchObject({ inFlight: 1, given: 2 });
});

test("a slot whose answer was lost is not held: the next action corrects the count", async () => {
  const { slots, state } = setUp();
  await slots.take(request);
  state.lost = true;
  expect(await slots.take(request).catch(({ reason }) => reason)).toBe("ledger_unavailable");
  expect(state.inFlight).toBe(2);
  expect(await slots.take(request)).toMatchObject({ tokenId: 7 });
  expect(state.inFlight).toBe(2);
});

test("a slot that was given back, and whose answer was lost, is not given back a second time", async () => {
  const { slots, state, clock } = setUp();
  for (let count = 0; count < 3; count++) await slots.take(request);
  state.lost = true;
  slots.give(end);
  await clock.advance(2);
  expect(state).toMatchObject({ inFlight: 2, given: 0 });
  await clock.advance(1_000);
  expect(state).toMatchObject({ inFlight: 2, given: 1 });
});

test("while the store cannot be asked what is held, nothing is taken; what is given back waits", async () => {
  const { slots, state, clock } = setUp();
  await slots.take(request);
  state.lost = true;
  await slots.take(request).catch(() => {});
  state.lost = true;
  expect(await slots.take(request).catch(({ reason }) => reason)).toBe("ledger_unavailable");
  slots.give(end);
  await clock.advance(1_000);
  expect(state).toMatchObject({ inFlight: 0, given: 1 });
});

test.each([
  ["is left alone", 0],
  ["is set on", 3_600_000],
  ["is set back", -3_600_000],
])("an action that takes effect after the count was corrected is corrected, too, a minute later; the clock %s", async (_name, ms) => {
  const { slots, state, clock } = setUp();
  await slots.take(request);
  state.lost = true;
  await slots.take(request).catch(() => {});
  clock.jump(ms);
  await clock.advance(1_000);
  expect(state.inFlight).toBe(1);
  // The take whose answer was lost had waited for a lock.
  state.inFlight += 1;
  await clock.advance(30_000);
  expect(state.inFlight).toBe(2);
  await clock.advance(30_000);
  expect(state.inFlight).toBe(1);
  state.inFlight += 1;
  await clock.advance(600_000);
  expect([state.inFlight, clock.nextTimer()]).toEqual([2, null]);
});

test("a count that is too high is corrected soon, also when nobody asks", async () => {
  const { slots, state, clock } = setUp();
  state.lost = true;
  await slots.take(request).catch(() => {});
  expect(state.inFlight).toBe(1);
  await clock.advance(1_000);
  expect(state.inFlight).toBe(0);
});
