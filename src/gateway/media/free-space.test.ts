// Free space: read again after a few seconds, whatever the clock on the wall is set to.
import { expect, test } from "bun:test";
import { rmdirSync } from "node:fs";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { createFreeSpace } from "./free-space.ts";

test.each([0, 3_600_000, -3_600_000])("the disk is read again after three seconds of a clock that is set by %d ms", async (ms) => {
  using folder = temporaryFolder();
  const clock = virtualClock();
  const freeBytes = createFreeSpace(folder.path, clock);
  const first = freeBytes();
  expect(first).toBeGreaterThan(0);
  // A folder that is gone shows when it is read.
  rmdirSync(folder.path);
  clock.jump(ms);
  await clock.advance(2_999);
  expect(freeBytes()).toBe(first);
  await clock.advance(1);
  expect(freeBytes).toThrow("ENOENT");
});
