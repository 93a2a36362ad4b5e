// Readiness, with each fact given by hand.
import { expect, test } from "bun:test";
import { loadConfig } from "../../config/config.ts";
import { silentLog } from "../../log.ts";
import { settled, virtualClock } from "../../testing.ts";
import { Readiness } from "./readiness.ts";

const { settings } = loadConfig({ file: null, env: {}, flags: {} });
const TOKENS = { healthy: 1, cooling: 0, blocked: 0, disabled: 0 };

function world() {
  const clock = virtualClock();
  const facts = { write: () => Promise.resolve(), freeBytes: () => 1e12, hasKey: true, usable: 1, tokens: TOKENS };
  let writes = 0;
  const readiness = new Readiness({
    store: {
      writeFact: () => {
        writes++;
        return facts.write();
      },
    },
    media: { freeBytes: () => facts.freeBytes() },
    maintenance: { hasSecretKey: () => facts.hasKey },
    pool: { countUsable: () => facts.usable, gauges: () => ({ tokens: facts.tokens }) as never },
    settings: () => settings,
    clock,
    log: silentLog,
  });
  return { clock, facts, readiness, writes: () => writes };
}

test("nothing to say while all is well, and with an empty pool", async () => {
  const { facts, readiness } = world();
  expect(await readiness.reasons()).toEqual([]);
  Object.assign(facts, { usable: 0, tokens: { ...TOKENS, healthy: 0 } });
  expect(await readiness.reasons()).toEqual([]);
});

test("every fact is reported, together", async () => {
  const { facts, readiness } = world();
  const freeBytes = () => {
    throw new Error("no such folder");
  };
  Object.assign(facts, { write: () => Promise.reject(new Error("read-only")), freeBytes, hasKey: false, usable: 0 });
  expect(await readiness.reasons()).toEqual([
    "The store cannot be written.",
    "Less than 256 MiB of disk are free.",
    "The secret key is missing.",
    "No token of the pool is usable.",
  ]);
});

test("a store that does not answer is not writable, and is asked again", async () => {
  const { clock, facts, readiness } = world();
  facts.write = () => new Promise(() => {});
  const asked = readiness.reasons();
  await settled();
  await clock.advance(2_000);
  expect(await asked).toEqual(["The store cannot be written."]);
  facts.write = () => Promise.resolve();
  await clock.advance(3_000);
  expect(await readiness.reasons()).toEqual([]);
});

test("many questions are one write", async () => {
  const { readiness, writes } = world();
  await Promise.all(Array.from({ length: 50 }, () => readiness.reasons()));
  expect(writes()).toBe(1);
});
