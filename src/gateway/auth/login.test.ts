// Login delays: longer after each failure, per address or browser and account; in memory, and over two nodes on Postgres.
import { describe, expect, test } from "bun:test";
import { hasPostgres } from "../../db/postgres/testing.ts";
import type { LoginCounts } from "../../db/shared.ts";
import { ENGINES } from "../../db/testing.ts";
import { type Failures, loginDelayMs, loginWaitMs, withFailure, withoutFailures } from "../../domain/login-failures.ts";
import type { AppError } from "../../errors.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { CODES_OF_ALL, createLogin, MemoryLoginCounts, throttleKey } from "./login.ts";

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

type Engine = { name: string; open(folder: string): Promise<{ nodes: LoginCounts[]; close(): Promise<void> }> };

const MEMORY: Engine = { name: "one process", open: async () => ({ nodes: [new MemoryLoginCounts()], close: async () => {} }) };
const TWO_NODES: Engine = {
  name: "two nodes in turn",
  async open(folder) {
    const { open } = ENGINES.find(({ name }) => name === "postgres")!;
    const stores = [await open(folder), await open(folder)];
    return { nodes: stores.map(({ shared }) => shared!), close: async () => void (await Promise.all(stores.map((one) => one.close()))) };
  },
};

type Rig = {
  clock: ReturnType<typeof virtualClock>;
  /** A password of `admin`, or of another account. */
  tried(password: string, address: string, device?: string | null, account?: string): Promise<"in" | null | string>;
  compared(): number;
};

async function withRig(engine: Engine, body: (rig: Rig) => Promise<void>, ofAll?: typeof CODES_OF_ALL): Promise<void> {
  using folder = temporaryFolder();
  const { nodes, close } = await engine.open(folder.path);
  const clock = virtualClock();
  let compared = 0;
  type Attempt = { password: string; account: string };
  const check = async ({ password }: Attempt) => {
    compared++;
    return password === "right" ? ("in" as const) : null;
  };
  const subjectOf = ({ account }: Attempt) => account;
  const logins = nodes.map((counts) => createLogin({ name: "password", subjectOf, check, counts, now: clock.now, ofAll }));
  let turn = 0;
  const tried: Rig["tried"] = (password, address, device = null, account = "admin") =>
    logins[turn++ % logins.length]!({ password, account }, { address, device }).catch((error: AppError) => {
      if (error.kind !== "limit_exceeded") throw error;
      return `${error.kind} ${error.retryAfterMs}`;
    });
  try {
    await body({ clock, tried, compared: () => compared });
  } finally {
    await close();
  }
}

describe.each(hasPostgres ? [MEMORY, TWO_NODES] : [MEMORY])("login, $name", (engine) => {
  test("three wrong passwords cost nothing, then each costs twice the time, and nothing is compared meanwhile", () =>
    withRig(engine, async ({ clock, tried, compared }) => {
      for (let count = 0; count < 4; count++) expect(await tried("wrong", "10.0.0.1")).toBeNull();
      expect(await tried("right", "10.0.0.1")).toBe("limit_exceeded 1000");
      expect(compared()).toBe(4);
      await clock.advance(1000);
      expect(await tried("wrong", "10.0.0.1")).toBeNull();
      expect(await tried("right", "10.0.0.1")).toBe("limit_exceeded 2000");
      await clock.advance(2000);
      expect(await tried("right", "10.0.0.1")).toBe("in");
      expect(await tried("wrong", "10.0.0.1")).toBeNull();
    }));

  test("tries at once count each", () =>
    withRig(engine, async ({ tried, compared }) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => tried("wrong", "10.0.0.1")));
      expect(compared()).toBe(4);
      expect(responses.filter((response) => response === null)).toHaveLength(4);
    }));

  test("one address does not wait for another's failures", () =>
    withRig(engine, async ({ tried }) => {
      for (let count = 0; count < 6; count++) await tried("wrong", "10.0.0.1");
      expect(await tried("right", "10.0.0.2")).toBe("in");
    }));

  test("many addresses together are slowed, for ten seconds at most; one that had the password before is not", () =>
    withRig(engine, async ({ clock, tried }) => {
      expect(await tried("right", "10.0.0.1")).toBe("in");
      for (let count = 0; count < 200; count++) {
        await tried("wrong", `203.0.113.${count}`);
        await clock.advance(10_000);
      }
      expect(await tried("wrong", "198.51.100.1")).toBeNull();
      expect(await tried("right", "198.51.100.2")).toBe("limit_exceeded 10000");
      expect(await tried("right", "10.0.0.1")).toBe("in");
    }));

  test("a browser that has signed in before waits for its own failures only, not for its address's or everybody's", () =>
    withRig(engine, async ({ clock, tried, compared }) => {
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
    }));

  test("a day of quiet forgets", () =>
    withRig(engine, async ({ clock, tried }) => {
      for (let count = 0; count < 4; count++) await tried("wrong", "10.0.0.1");
      await clock.advance(24 * 3600 * SECOND);
      for (let count = 0; count < 4; count++) expect(await tried("wrong", "10.0.0.1")).toBeNull();
    }));

  test("codes from many addresses are slowed to one a minute", () =>
    withRig(
      engine,
      async ({ clock, tried }) => {
        for (let count = 0; count < 30; count++) {
          await tried("wrong", `203.0.113.${count}`);
          await clock.advance(60_000);
        }
        expect(await tried("wrong", "198.51.100.1")).toBeNull();
        expect(await tried("right", "198.51.100.2")).toBe("limit_exceeded 60000");
      },
      CODES_OF_ALL,
    ));

  test("who signs in between guesses of another account has no more tries of it", () =>
    withRig(engine, async ({ clock, tried }) => {
      for (let count = 0; count < 3; count++) expect(await tried("wrong", "10.0.0.1")).toBeNull();
      expect(await tried("right", "10.0.0.1", null, "viewer")).toBe("in");
      expect(await tried("wrong", "10.0.0.1")).toBeNull();
      expect(await tried("right", "10.0.0.1")).toBe("limit_exceeded 1000");
      // Not by waiting and signing in either.
      await clock.advance(1000);
      expect(await tried("right", "10.0.0.1", null, "viewer")).toBe("in");
      expect(await tried("wrong", "10.0.0.1")).toBeNull();
      expect(await tried("right", "10.0.0.1")).toBe("limit_exceeded 2000");
    }));

  test("nor from many addresses, however often another account is signed in with", () =>
    withRig(engine, async ({ clock, tried }) => {
      for (let count = 0; count < 30; count++) {
        await tried("wrong", `203.0.113.${count}`);
        expect(await tried("right", "10.0.0.1", "device of the viewer", "viewer")).toBe("in");
        await clock.advance(10_000);
      }
      expect(await tried("wrong", "198.51.100.1")).toBeNull();
      expect(await tried("right", "198.51.100.2")).toBe("limit_exceeded 10000");
    }));

  test("guesses of many accounts from one address count together", () =>
    withRig(engine, async ({ tried }) => {
      for (let count = 0; count < 4; count++) expect(await tried("wrong", "10.0.0.1", null, `person ${count}`)).toBeNull();
      expect(await tried("wrong", "10.0.0.1", null, "person 5")).toBe("limit_exceeded 1000");
    }));
});

test("accounts beyond those that one name counts apart are counted together, and their success takes none of it away", () => {
  const own = { name: "10.0.0.1", free: 3, longestMs: LONGEST };
  const triedBy = (subject: string, at: number) => ({ own, all: null, subject, at });
  let failures: Failures = {};
  for (let count = 0; count < 150; count++) failures = withFailure(failures, `person ${count}`, count);
  expect(Object.keys(failures)).toHaveLength(101);
  for (let count = 0; count < 150; count++) failures = withoutFailures(failures, triedBy(`person ${count}`, 150), { isKnown: false });
  expect(Object.values(failures)).toEqual([{ count: 50, at: 49 }]);
  expect(loginWaitMs(triedBy("admin", 50), failures, {})).toBe(LONGEST - 1);
  expect(loginWaitMs(triedBy("admin", 25 * 3_600_000), failures, {})).toBe(0);
});
