// Turns of nodes at a token: one at a time, given back whatever happens, and none waited for longer than a turn lasts.
import { expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { virtualClock } from "../../testing.ts";
import { TokenTurns } from "./token-turns.ts";

function setUp() {
  const clock = virtualClock();
  const state = { isTaken: false, given: 0 };
  const shared = {
    tryLock: async () => !state.isTaken,
    unlock: async () => {
      state.given++;
    },
  };
  const node = { id: 1 } as never;
  return { clock, state, turns: new TokenTurns({ shared, node, announcer: { tell() {} }, clock }) };
}

test("a turn is given back, also after work that failed", async () => {
  const { state, turns } = setUp();
  expect(await turns.run(7, async () => "done")).toBe("done");
  await expect(turns.run(7, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(state.given).toBe(2);
});

test("work begins when another node has given its turn back", async () => {
  const { clock, state, turns } = setUp();
  state.isTaken = true;
  let result: string | null = null;
  turns
    .run(7, async () => "done")
    .then((done) => {
      result = done;
    });
  await clock.advance(5_000);
  expect(result).toBeNull();
  state.isTaken = false;
  await clock.advance(100);
  expect(result).toBe("done" as never);
});

test.each([
  ["left alone", 0],
  ["set on", 3_600_000],
  ["set back", -3_600_000],
])("a turn is waited for as long as one lasts, while the clock is %s", async (_name, ms) => {
  const { clock, state, turns } = setUp();
  state.isTaken = true;
  let reason: unknown = null;
  turns
    .run(7, async () => {})
    .catch((error) => {
      reason = error instanceof AppError ? error.reason : error;
    });
  await clock.advance(5_000);
  clock.jump(ms);
  await clock.advance(50_000);
  expect(reason).toBeNull();
  await clock.advance(6_000);
  expect(reason).toBe("token_locked");
});
