// Idempotency-Key of the admin's JSON API: one creation on two nodes, a repetition without secrets, another try after a failure.
import { describe, expect, test } from "bun:test";
import type { Store } from "../../db/store.ts";
import { ENGINES } from "../../db/testing.ts";
import { AppError } from "../../errors.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { Idempotency } from "./idempotency.ts";

const ASKED = { tokenId: 1, key: "once", method: "POST", path: "/keys", body: { name: "a" }, secrets: ["key"] };

const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    ({ reason, message }: AppError) => reason ?? message,
  );

describe.each(ENGINES)("over $name", ({ name, open }) => {
  async function withNodes(body: (one: Idempotency, two: Idempotency, clock: ReturnType<typeof virtualClock>) => Promise<void>) {
    using folder = temporaryFolder();
    const stores: Store[] = [await open(folder.path)];
    if (name === "postgres") stores.push(await open(folder.path));
    const clock = virtualClock();
    const [one, two] = [stores[0]!, stores.at(-1)!].map((store) => new Idempotency({ store, now: clock.now }));
    try {
      await body(one!, two!, clock);
    } finally {
      for (const store of stores) await store.close();
    }
  }

  test("of several at once on two nodes one creates, the others are told to wait; later they have its response without the secret", () =>
    withNodes(async (one, two) => {
      let made = 0;
      const create = async () => {
        await Bun.sleep(50);
        return { id: ++made, key: "secret" };
      };
      const outcomes = await Promise.allSettled([one, two, one, two].map((node) => node.once(ASKED, create)));
      expect(made).toBe(1);
      expect(outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))).toEqual([
        { body: { id: 1, key: "secret" }, replayed: false },
      ]);
      const refused = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason as AppError] : []));
      expect(refused.map(({ reason }) => reason)).toEqual(["idempotency_running", "idempotency_running", "idempotency_running"]);
      for (const node of [one, two]) expect(await node.once(ASKED, create)).toEqual({ body: { id: 1, key: null }, replayed: true });
      expect(await refusalOf(two.once({ ...ASKED, body: { name: "b" } }, create))).toBe("idempotency_mismatch");
      expect((await two.once({ ...ASKED, tokenId: 2 }, create)).replayed).toBe(false);
    }));

  test("what failed created nothing, and is tried again", () =>
    withNodes(async (one, two) => {
      const fail = () => Promise.reject(new AppError("conflict", "Not now."));
      expect(await refusalOf(one.once(ASKED, fail))).toBe("Not now.");
      expect((await two.once(ASKED, async () => ({ id: 1 }))).replayed).toBe(false);
    }));

  test("a node that died in between holds the name for five minutes, a response for a day", () =>
    withNodes(async (one, two, clock) => {
      void one.once(ASKED, () => new Promise(() => {}));
      await Bun.sleep(50);
      const create = async () => ({ id: 2 });
      expect(await refusalOf(two.once(ASKED, create))).toBe("idempotency_running");
      await clock.advance(5 * 60_000);
      expect((await two.once(ASKED, create)).replayed).toBe(false);
      await clock.advance(23 * 3_600_000);
      expect((await one.once(ASKED, create)).replayed).toBe(true);
      await clock.advance(3_600_000);
      expect((await one.once(ASKED, create)).replayed).toBe(false);
    }));
});
