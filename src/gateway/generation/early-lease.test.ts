// Early leases: asked for in the turn of the admission, and given back where that is refused.
import { expect, test } from "bun:test";
import { virtualClock } from "../../testing.ts";
import type { Admission } from "../limits/contract.ts";
import type { Lease } from "../pool/lease-contract.ts";
import { admitWithLease } from "./early-lease.ts";
import type { ImagePlan } from "./plan-images.ts";

function worldOf() {
  const seen = { asked: [] as string[], disposed: 0 };
  const lease = { [Symbol.asyncDispose]: async () => void seen.disposed++ } as unknown as Lease;
  const leaseEarly = (_: unknown, __: unknown, requestId: string) => {
    seen.asked.push(requestId);
    return Promise.resolve(lease);
  };
  const settings = () => ({ generation: { image_timeout: 60 } });
  const deps = { clock: virtualClock(), settings, pool: { leaseEarly } } as unknown as Parameters<typeof admitWithLease>[0];
  return { deps, seen, lease };
}

const planOf = (n: number) => ({ request: { n, requestId: "req_1" }, lease: {} }) as unknown as ImagePlan;
const admission = {} as Admission;

test("a request for one image leases its token before it is known to be admitted", async () => {
  const { deps, seen, lease } = worldOf();
  const admitting = Promise.withResolvers<Admission>();
  const admitted = admitWithLease(deps, planOf(1), admitting.promise);
  expect(seen.asked).toEqual(["req_1"]);
  admitting.resolve(admission);
  expect((await admitted).admission).toBe(admission);
  expect(await (await admitted).lease).toBe(lease);
  expect(seen.disposed).toBe(0);
});

test("one that is not admitted fails with the reason, and its lease is given back", async () => {
  const { deps, seen } = worldOf();
  const reason = new Error("limit");
  expect(await admitWithLease(deps, planOf(1), Promise.reject(reason)).catch((error) => error)).toBe(reason);
  await Promise.resolve();
  expect(seen.disposed).toBe(1);
});

test("several images lease their tokens as they begin, and so does all where no other node is", async () => {
  const { deps, seen } = worldOf();
  expect((await admitWithLease(deps, planOf(2), Promise.resolve(admission))).lease).toBeNull();
  const alone = { ...deps, pool: {} } as typeof deps;
  expect((await admitWithLease(alone, planOf(1), Promise.resolve(admission))).lease).toBeNull();
  expect(seen.asked).toEqual([]);
});
