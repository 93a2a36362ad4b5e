// Request log retention: old rows are deleted every hour, and a failure is logged and tried again.
import { expect, test } from "bun:test";
import { createLog } from "../../log.ts";
import { settled, virtualClock } from "../../testing.ts";
import { sweepRequests } from "./request-sweep.ts";

const DAY = 86_400_000;

test("rows older than the setting go at the start and every hour, by the setting of that hour", async () => {
  const clock = virtualClock();
  const asked: number[] = [];
  let days = 30;
  const requests = { deleteBefore: async (time: number) => asked.push((clock.now() - time) / DAY) };
  const log = createLog({ level: "error", format: "json", write: () => {} });
  const sweep = sweepRequests({ requests, clock, log, retentionDays: () => days });
  await settled();
  days = 7;
  await clock.advance(3_600_000);
  expect(asked).toEqual([30, 7]);
  await sweep.stop();
  expect(clock.nextTimer()).toBeNull();
});

test("a sweep that fails is logged and tried again", async () => {
  const clock = virtualClock();
  const lines: string[] = [];
  let calls = 0;
  const requests = {
    deleteBefore: async () => {
      if (++calls === 1) throw new Error("disk");
      return 3;
    },
  };
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line) });
  const sweep = sweepRequests({ requests, clock, log, retentionDays: () => 1 });
  await settled();
  await clock.advance(3_600_000);
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(["error", "info"]);
  await sweep.stop();
});
