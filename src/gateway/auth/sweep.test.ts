// The sweep of scratch values and login failures, on every engine.
import { expect, test } from "bun:test";
import { ENGINES } from "../../db/testing.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { startScratchSweep } from "./sweep.ts";

const HOUR = 3_600_000;

test.each(ENGINES)("what has expired goes, the rest stays: $name", async ({ open }) => {
  using folder = temporaryFolder();
  const store = await open(folder.path);
  const clock = virtualClock();
  const start = clock.now();
  await store.putScratch("short", 1, start);
  await store.putScratch("long", 2, start + 2 * HOUR);
  const tried = { own: { name: "10.0.0.1", free: 3, longestMs: 1000 }, all: null, subject: "a", at: start - 25 * HOUR };
  await store.shared?.countLoginTry(tried);
  const sweep = startScratchSweep({ store, clock, log: silentLog });
  await clock.advance(0);
  while ((await store.getScratch("short", 0)) !== null) await Bun.sleep(1);
  await sweep.stop();
  expect(await store.getScratch("long", 0)).toBe(2);
  expect((await store.shared?.deleteLoginFailuresBefore(start)) ?? 0).toBe(0);
  await store.close();
});
