// Leases of tokens that nodes share: a lease whose slot fails is given back, and who waited for it stays where it stood.
import { describe, expect, test } from "bun:test";
import { testPool, tokenRow } from "../../../test/pool.ts";
import { sleep } from "../../clock.ts";
import type { SlotOutcome } from "../../db/shared.ts";
import { AppError } from "../../errors.ts";
import { virtualClock } from "../../testing.ts";
import type { HeldLease } from "./lease.ts";
import type { LeaseRequest } from "./lease-contract.ts";
import type { PoolToken } from "./pool-token.ts";
import { SharedLeases } from "./shared-leases.ts";

test("where no further candidate can be chosen, the first lease is given back", async () => {
  let open = 0;
  let picks = 0;
  const token = { row: { id: 7 } } as PoolToken;
  const take = (): HeldLease => {
    open++;
    return { tokenId: 7, token, [Symbol.asyncDispose]: async () => void open-- } as unknown as HeldLease;
  };
  const leases = new SharedLeases({
    arbiter: { take: async () => ({ tokenId: 7, spend: null }), give: () => {} },
    clock: virtualClock(),
    leases: { take } as unknown as ConstructorParameters<typeof SharedLeases>[0]["leases"],
    pick: () => {
      if (picks++ > 0) throw new AppError("no_token", "The pool has changed.");
      return token;
    },
    wait: () => Promise.reject(new Error("not asked")),
    reindex: () => {},
    serve: () => {},
  });
  const request = { kind: "image", family: "alpha", exclude: new Set() } as unknown as LeaseRequest;
  const failure = await leases.lease(request, { signal: new AbortController().signal, waitMs: 10 }).catch(({ kind }) => kind);
  expect([failure, open]).toEqual(["no_token", 0]);
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
