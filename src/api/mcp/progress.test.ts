// Progress notes of a tool call: at each new phase, every 5 s, rising, and none once it is over.
import { describe, expect, test } from "bun:test";
import type { Job } from "../../domain/job.ts";
import { virtualClock } from "../../testing.ts";
import { eventWords, jobWords, Progress, type ProgressNote } from "./progress.ts";

function started() {
  const clock = virtualClock(0);
  const notes: ProgressNote[] = [];
  return { clock, notes, progress: new Progress(clock, (note) => notes.push(note)) };
}

test("a note every 5 s, with the seconds so far", async () => {
  const { clock, notes, progress } = started();
  await clock.advance(17_000);
  expect(notes.map((note) => note.message)).toEqual(["Starting, 5 s so far", "Starting, 10 s so far", "Starting, 15 s so far"]);
  progress[Symbol.dispose]();
  await clock.advance(60_000);
  expect([notes.length, clock.nextTimer()]).toEqual([3, null]);
});

test("a new phase is sent at once, the same one again is not, and the value always rises", () => {
  const { notes, progress } = started();
  for (const words of ["Generating", "Generating", "", "Fetching the image"]) progress.say(words);
  expect(notes.map(({ message }) => message)).toEqual(["Generating, 0 s so far", "Fetching the image, 0 s so far"]);
  expect(notes[1]!.progress).toBeGreaterThan(notes[0]!.progress);
});

test("nothing runs for a client that does not ask", () => {
  const clock = virtualClock(0);
  using progress = new Progress(clock, null);
  progress.say("Generating");
  expect(clock.nextTimer()).toBeNull();
});

describe("words", () => {
  test.each([
    [{ type: "queued", position: 2, waitMs: 19_500 }, null, "Waiting in the queue at position 2, about 20 s"],
    [{ type: "queued", position: 1, waitMs: null }, null, "Waiting in the queue at position 1"],
    [{ type: "token", label: "alpha", provider: "gemini", attempt: 1 }, null, ""],
    [{ type: "token", label: "alpha", provider: "gemini", attempt: 2 }, null, "That did not work; trying once more"],
    [{ type: "uploading", index: 1, total: 3 }, null, "Sending image 1 of 3"],
    [{ type: "generating" }, 11_200, "Generating, usually 12 s"],
    [{ type: "generating" }, undefined, "Generating"],
    [{ type: "text", text: "hm" }, null, ""],
  ] as const)("%j", (event, usualMs, words) => expect(eventWords(event, usualMs)).toBe(words));

  test.each([
    [{ kind: "video", state: "queued" }, "Waiting in the queue"],
    [{ kind: "video", state: "running", progress: 41.7, seconds: 5 }, "Generating: 41 %, usually 50 s"],
    [{ kind: "image", state: "running", progress: 0, seconds: null }, "Generating"],
    [{ kind: "video", state: "storing" }, "Fetching the video"],
    [{ kind: "video", state: "completed" }, ""],
  ] as [Partial<Job>, string][])("%j", (job, words) => expect(jobWords(job as Job)).toBe(words));
});
