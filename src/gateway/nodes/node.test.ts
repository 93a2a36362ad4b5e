// A node among others: it is heard of from its joining on, a stopping one takes no work, a fenced one is told so.
import { expect, test } from "bun:test";
import type { Inheritance, NodeRow, NodeStore } from "../../db/nodes.ts";
import { newJob } from "../../db/rows.fixtures.ts";
import type { SharedStore } from "../../db/shared.ts";
import { silentLog } from "../../log.ts";
import { virtualClock } from "../../testing.ts";
import { Node } from "./node.ts";

const NOTHING: Inheritance = { jobs: [], reservations: [] };

function setUp() {
  const clock = virtualClock();
  const state = {
    beats: 0,
    takenOver: 0,
    claims: 0,
    isDead: false,
    left: NOTHING,
    inherited: 0,
    fenced: 0,
    nodes: [] as Pick<NodeRow, "id" | "state">[],
  };
  const store = {
    shared: {} as SharedStore,
    joinNode: async () => ({ id: 3, now: clock.now() }),
    beatNode: async () => {
      state.beats++;
      return state.isDead ? null : { now: clock.now(), isDraining: false };
    },
    listNodes: async () => state.nodes as unknown as NodeRow[],
    takeOver: async () => {
      state.takenOver++;
      return state.left;
    },
    claimJobs: async () => {
      state.claims++;
      return NOTHING;
    },
    drainNode: async () => true,
    leaveNode: async () => {},
    handOver: async () => 0,
  } satisfies NodeStore & { shared: SharedStore };
  const node = new Node({ store, clock, log: silentLog, url: null, version: "test", elapsed: clock.now });
  const work = { gauges: () => ({}), inherit: async () => void state.inherited++, fenced: () => void state.fenced++ };
  return { clock, state, node, work };
}

test("it is heard of from its joining on, however long the start takes, and takes work when that is over", async () => {
  const { clock, state, node, work } = setUp();
  await node.join();
  await clock.advance(60_000);
  expect(state).toMatchObject({ beats: 31, claims: 0, takenOver: 1 });
  node.start(work);
  state.left = { jobs: [newJob()], reservations: [] };
  await clock.advance(2_000);
  expect(state).toMatchObject({ claims: 1, takenOver: 2, inherited: 1 });
  await node.leave();
});

test("one that stops goes on to be heard of, and takes nothing over", async () => {
  const { clock, state, node, work } = setUp();
  await node.join();
  node.start(work);
  await clock.advance(20_000);
  const { takenOver, claims } = state;
  expect(takenOver).toBeGreaterThan(1);
  node.stopServing();
  await clock.advance(10_000);
  expect(state).toMatchObject({ beats: 16, takenOver, claims });
  await node.leave();
});

test("one that is declared dead during its start ends when that is over", async () => {
  const { clock, state, node, work } = setUp();
  await node.join();
  state.isDead = true;
  await clock.advance(4_000);
  node.start(work);
  expect(state.fenced).toBe(1);
  await node.leave();
});

test("the oldest that serves leads, one that drains only where no other serves, and none that is out of touch", async () => {
  const { clock, state, node } = setUp();
  const leads = async (...nodes: (typeof state)["nodes"]) => {
    state.nodes = nodes;
    await clock.advance(2_000);
    return node.leads;
  };
  expect(node.leads).toBe(false);
  await node.join();
  expect(await leads({ id: 2, state: "serving" }, { id: 3, state: "serving" })).toBe(false);
  expect(await leads({ id: 2, state: "dead" }, { id: 3, state: "serving" }, { id: 9, state: "serving" })).toBe(true);
  expect(await leads({ id: 2, state: "draining" }, { id: 3, state: "serving" })).toBe(true);
  expect(await leads({ id: 3, state: "draining" }, { id: 9, state: "serving" })).toBe(false);
  expect(await leads({ id: 3, state: "draining" })).toBe(true);
  state.isDead = true;
  await clock.advance(20_000);
  expect(node.leads).toBe(false);
  await node.leave();
});
