// Leases of tokens that nodes share: one whose slot fails is given back, who waited for it stays where it stood; early ones.
import { describe, expect, test } from "bun:test";
import { testPool, tokenRow } from "../../../test/pool.ts";
import { sleep } from "../../clock.ts";
import type { SlotOutcome, SlotRequest } from "../../db/shared.ts";
import { AppError } from "../../errors.ts";
import { virtualClock } from "../../testing.ts";
import type { HeldLease } from "./lease.ts";
import type { LeaseRequest } from "./lease-contract.ts";
import type { PoolToken } from "./pool-token.ts";
import { SharedLeases } from "./shared-leases.ts";

type Pick = (nth: number, token: PoolToken) => PoolToken | null;

/** A pool of one token; `open` leases are not disposed of. */
function poolOf(pick: Pick = (_, token) => token, outcome: () => SlotOutcome = () => ({ tokenId: 7, spend: null })) {
  const seen = { open: 0, asked: [] as SlotRequest[] };
  let picks = 0;
  const token = {
    ...{ row: { id: 7, imageConcurrency: 1 }, fullElsewhere: 0, caps: null, health: { cooldown: null } },
    group: { cap: null, models: new Map(), health: { cooldown: null } },
  } as unknown as PoolToken;
  const dispose = async () => void seen.open--;
  const take = (): HeldLease => {
    seen.open++;
    return { tokenId: 7, token, waitedMs: 0, hold: () => {}, [Symbol.asyncDispose]: dispose } as unknown as HeldLease;
  };
  const leases = new SharedLeases({
    arbiter: {
      take: async (request) => {
        seen.asked.push(request);
        return outcome();
      },
      give: () => {},
    },
    clock: virtualClock(),
    leases: { take } as unknown as ConstructorParameters<typeof SharedLeases>[0]["leases"],
    pick: () => pick(picks++, token),
    wait: () => Promise.reject(new Error("not asked")),
    reindex: () => {},
    serve: () => {},
  });
  return { leases, token, seen };
}

const request = {
  kind: "image",
  family: "alpha",
  exclude: new Set(),
  pinned: 7,
  estimate: { images: 1, usd: 0 },
} as unknown as LeaseRequest;
const options = { signal: new AbortController().signal, waitMs: 10 };

const none = (): never => {
  throw new AppError("no_token", "The pool has changed.");
};

test("where no further candidate can be chosen, the first lease is given back", async () => {
  const { leases, seen } = poolOf((nth, token) => (nth > 0 ? none() : token));
  const failure = await leases.lease({ ...request, pinned: undefined }, options).catch(({ kind }) => kind);
  expect([failure, seen.open]).toEqual(["no_token", 0]);
});

test("a token that can never be full needs no second choice", async () => {
  let picks = 0;
  const { leases, token, seen } = poolOf((_, one) => {
    picks++;
    return one;
  });
  await leases.lease({ ...request, pinned: undefined }, options);
  expect(picks).toBeGreaterThan(1);
  picks = 0;
  token.row.imageConcurrency = -1;
  await leases.lease({ ...request, pinned: undefined }, options);
  expect([picks, seen.asked.at(-1)!.candidates.length]).toEqual([1, 1]);
});

test("an early lease names its request to the store, and is one like any other", async () => {
  const { leases, seen } = poolOf();
  expect(await leases.leaseEarly(request, options, "req_1")).toMatchObject({ tokenId: 7 });
  expect([seen.open, seen.asked.map(({ requestId }) => requestId)]).toEqual([1, ["req_1"]]);
});

test.each([
  ["was not admitted", "limit", 0],
  ["found no room", "full", 1],
] as const)("an early lease whose request %s is none, and its token counts as full only where it is", async (_, refused, full) => {
  const { leases, token, seen } = poolOf(undefined, () => ({ refused }));
  expect(await leases.leaseEarly(request, options, "req_1")).toBeNull();
  expect([seen.open, Math.sign(token.fullElsewhere)]).toEqual([0, full]);
});

test("what goes wrong with an early lease is no failure: its request asks again", async () => {
  expect(poolOf(none).leases.leaseEarly(request, options, "req_1")).toBeNull();
  expect(poolOf(() => null).leases.leaseEarly(request, options, "req_1")).toBeNull();
  const { leases, seen } = poolOf(undefined, none);
  expect(await leases.leaseEarly(request, options, "req_1")).toBeNull();
  expect(seen.open).toBe(0);
});

describe("a request whose token turned out to be full elsewhere", () => {
  /** One token, of which another node holds the slot until `isFull` is false; `ended` in the order in which requests ended. */
  function setUp({ queueLimit = 100, roundTripMs = 0 } = {}) {
    const clock = virtualClock();
    const state = { isFull: true, asked: 0 };
    const arbiter = {
      take: async (): Promise<SlotOutcome> => {
        state.asked++;
        if (roundTripMs > 0) await sleep(clock, roundTripMs);
        return state.isFull ? { refused: "full" } : { tokenId: 1, spend: null };
      },
      give() {},
    };
    const test = testPool([tokenRow(1)], { clock, arbiter, settings: { wait_ms: 60_000, queue_limit: queueLimit } });
    const ended: string[] = [];
    const waits = new Map<string, number>();
    const positions = new Map<string, number[]>();
    const come = (name: string, keyId = 1) => {
      positions.set(name, []);
      test.lease({ keyId }, { onWait: (position) => void positions.get(name)!.push(position) }).then(
        async (lease) => {
          ended.push(name);
          waits.set(name, lease.waitedMs);
          await lease[Symbol.asyncDispose]();
        },
        (error) => ended.push(`${name} ${error.kind}`),
      );
    };
    return { test, state, ended, waits, positions, come };
  }

  test("keeps its turn before those who came later", async () => {
    const { test, state, ended, positions, come } = setUp();
    for (const name of ["a", "b", "c", "d"]) {
      come(name);
      await test.clock.advance(10);
    }
    // Each time the first of them asks in vain.
    await test.clock.advance(5_000);
    expect(state.asked).toBeGreaterThan(10);
    expect(ended).toEqual([]);
    state.isFull = false;
    await test.clock.advance(1_000);
    expect(ended).toEqual(["a", "b", "c", "d"]);
    expect(new Set(positions.get("a"))).toEqual(new Set([1]));
  });

  test("has waited since it came", async () => {
    const { test, state, waits, come } = setUp();
    come("a");
    await test.clock.advance(10_000);
    state.isFull = false;
    await test.clock.advance(1_000);
    expect(waits.get("a")).toBeGreaterThanOrEqual(10_000);
  });

  test("is not turned away because the queue has filled up while the store was asked", async () => {
    const { test, state, ended, come } = setUp({ queueLimit: 2, roundTripMs: 20 });
    for (const name of ["a", "b"]) {
      come(name);
      await test.clock.advance(100);
    }
    for (let count = 0; count < 200; count++) {
      come(`late ${count}`);
      await test.clock.advance(7);
    }
    expect(ended.filter((end) => end.startsWith("late")).length).toBeGreaterThan(100);
    state.isFull = false;
    await test.clock.advance(2_000);
    expect(ended.filter((end) => !end.endsWith("busy")).slice(0, 2)).toEqual(["a", "b"]);
  });

  test("ends when its wait is over", async () => {
    const { test, ended, come } = setUp();
    come("a");
    await test.clock.advance(59_000);
    expect(ended).toEqual([]);
    await test.clock.advance(2_000);
    expect(ended).toEqual(["a busy"]);
  });
});
