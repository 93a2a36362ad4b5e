// Leases of tokens that nodes share: whatever fails between the lease and its slot, the lease is given back.
import { expect, test } from "bun:test";
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
