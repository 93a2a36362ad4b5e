// Sign-ins: the first address of all is not reported, each new one is, also after half a year without any.
import { expect, test } from "bun:test";
import { silentLog } from "../../log.ts";
import type { Signal } from "./facts.ts";
import { SignIns } from "./sign-ins.ts";

const DAY_MS = 86_400_000;

function world() {
  let fact: string | null = null;
  let now = Date.UTC(2026, 10, 23, 12);
  const seen: Signal[] = [];
  const writeFact = async (_: string, value: string | null) => {
    fact = value;
  };
  const signIns = new SignIns({
    store: { readFact: async () => fact, writeFact },
    alerts: { note: async (signal) => void seen.push(signal) },
    now: () => now,
    log: silentLog,
  });
  return {
    from: (address: string) => signIns.note({ address }),
    pass(days: number) {
      now += days * DAY_MS;
    },
    reported: () => seen.map(({ facts }) => (facts as { address: string }).address),
    damage() {
      fact = "{";
    },
  };
}

test("an address that no admin came from is reported once, the first of all is not", async () => {
  const { from, reported } = world();
  for (const address of ["203.0.113.1", "203.0.113.2", "203.0.113.2", "203.0.113.1"]) await from(address);
  expect(reported()).toEqual(["203.0.113.2"]);
});

test("after more than 180 days without a sign-in the first one is reported, whatever its address", async () => {
  const { from, pass, reported } = world();
  await from("203.0.113.1");
  pass(181);
  await from("198.51.100.7");
  expect(reported()).toEqual(["198.51.100.7"]);
});

test("where what is known cannot be read, an address is reported rather than not", async () => {
  const { from, damage, reported } = world();
  await from("203.0.113.1");
  damage();
  await from("203.0.113.1");
  expect(reported()).toEqual(["203.0.113.1"]);
});
