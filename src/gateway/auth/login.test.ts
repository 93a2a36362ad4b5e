// Login delays: longer after each failure, per address and device.
import { describe, expect, test } from "bun:test";
import type { AppError } from "../../errors.ts";
import { virtualClock } from "../../testing.ts";
import { CODES_OF_ALL, createLogin, loginDelayMs, throttleKey } from "./login.ts";

const SECOND = 1000;
const LONGEST = 900 * SECOND;

test.each([
  [0, 0],
  [3, 0],
  [4, SECOND],
  [5, 2 * SECOND],
  [10, 64 * SECOND],
  [14, LONGEST],
  [1_000_000, LONGEST],
])("after %d failures the next try comes %d ms later", (failures, delay) => {
  expect(loginDelayMs(failures, 3, LONGEST)).toBe(delay);
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:aaaa::1", "2001:db8:1:2"],
  ["2001:0db8:0001:0002:bbbb:cccc:dddd:eeee", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  [null, "unknown"],
])("%p is counted as %p", (address, key) => {
  expect(throttleKey(address)).toBe(key);
});

function rig(ofAll?: typeof CODES_OF_ALL) {
  const clock = virtualClock();
  let compared = 0;
  const check = async (password: string) => {
    compared++;
    return password === "right" ? ("in" as const) : null;
  };
  const login = createLogin({ check, now: clock.now, ofAll });
  const tried = (password: string, address: string, device?: string) =>
    login(password, { address, device }).catch((error: AppError) => `${error.kind} ${error.retryAfterMs}`);
  return { clock, tried, compared: () => compared };
}

describe("login", () => {
  test("three wrong passwords cost nothing, then each costs twice the time, and nothing is compared meanwhile", async () => {
    const { clock, tried, compared } = rig();
    for (let count = 0; count < 4; count++) expect(await tried("wrong", "10.0.0.1")).toBeNull();
    expect(await tried("right", "10.0.0.1")).toBe("limit_exceeded 1000");
    expect(compared()).toBe(4);
    await clock.advance(1000);
    expect(await tried("wrong", "10.0.0.1")).toBeNull();
    expect(await tried("right", "10.0.0.1")).toBe("limit_exceeded 2000");
    await clock.advance(2000);
    expect(await tried("right", "10.0.0.1")).toBe("in");
    expect(await tried("wrong", "10.0.0.1")).toBeNull();
  });

  test("tries at once count each", async () => {
    const { tried, compared } = rig();
    const responses = await Promise.all(Array.from({ length: 20 }, () => tried("wrong", "10.0.0.1")));
    expect(compared()).toBe(4);
    expect(responses.filter((response) => response === null)).toHaveLength(4);
  });

  test("one address does not wait for another's failures", async () => {
    const { tried } = rig();
    for (let count = 0; count < 6; count++) await tried("wrong", "10.0.0.1");
    expect(await tried("right", "10.0.0.2")).toBe("in");
  });

  test("many addresses together are slowed, for ten seconds at most; one that had the password before is not", async () => {
    const { clock, tried } = rig();
    expect(await tried("right", "10.0.0.1")).toBe("in");
    for (let count = 0; count < 200; count++) {
      await tried("wrong", `203.0.113.${count}`);
      await clock.advance(10_000);
    }
    expect(await tried("wrong", "198.51.100.1")).toBeNull();
    expect(await tried("right", "198.51.100.2")).toBe("limit_exceeded 10000");
    expect(await tried("right", "10.0.0.1")).toBe("in");
  });

  test("a browser that has signed in before waits for its own failures only, not for its address's or everybody's", async () => {
    const { clock, tried, compared } = rig();
    for (let count = 0; count < 200; count++) {
      await tried("wrong", "10.0.0.1");
      await clock.advance(1000);
    }
    expect(await tried("right", "10.0.0.1")).toStartWith("limit_exceeded");
    expect(await tried("right", "10.0.0.1", "mine")).toBe("in");
    for (let count = 0; count < 4; count++) expect(await tried("wrong", "10.0.0.1", "mine")).toBeNull();
    const before = compared();
    expect(await tried("right", "10.0.0.2", "mine")).toBe("limit_exceeded 1000");
    expect(compared()).toBe(before);
    expect(await tried("right", "10.0.0.1", "another")).toBe("in");
  });

  test("a day of quiet forgets", async () => {
    const { clock, tried } = rig();
    for (let count = 0; count < 4; count++) await tried("wrong", "10.0.0.1");
    await clock.advance(24 * 3600 * SECOND);
    for (let count = 0; count < 4; count++) expect(await tried("wrong", "10.0.0.1")).toBeNull();
  });

  test("codes from many addresses are slowed to one a minute", async () => {
    const { clock, tried } = rig(CODES_OF_ALL);
    for (let count = 0; count < 30; count++) {
      await tried("wrong", `203.0.113.${count}`);
      await clock.advance(60_000);
    }
    expect(await tried("wrong", "198.51.100.1")).toBeNull();
    expect(await tried("right", "198.51.100.2")).toBe("limit_exceeded 60000");
  });
});
