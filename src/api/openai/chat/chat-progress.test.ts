// What people read while they wait, in words and in order.
import { expect, test } from "bun:test";
import type { GenerateEvent } from "../../../domain/generation.ts";
import { ChatProgress, videoWords } from "./chat-progress.ts";

function told(events: GenerateEvent[], { usualMs = null as number | null, showToken = false, waitMs = 0 } = {}) {
  let now = 1000;
  const progress = new ChatProgress({ now: () => now, usualMs, showToken });
  const lines = events.map((event) => progress.lineOf(event));
  now += waitMs;
  return { lines, beat: progress.beat() };
}

const TOKEN = { type: "token", label: "alpha", provider: "gemini" } as const;

test.each<[GenerateEvent, string | null]>([
  [{ type: "queued", position: 3, waitMs: 1500 }, "Waiting in the queue: position 3, about 2 s.\n"],
  [{ type: "queued", position: 1, waitMs: null }, "Waiting in the queue: position 1.\n"],
  [{ ...TOKEN, attempt: 1 }, null],
  [{ ...TOKEN, attempt: 2 }, "That did not work; trying once more.\n"],
  [{ type: "uploading", index: 1, total: 2 }, "Sending image 1 of 2.\n"],
  [{ type: "generating" }, "Drawing.\n"],
  [{ type: "storing" }, null],
  [{ type: "thought", text: "I place the fox" }, "I place the fox"],
  [{ type: "text", text: "Here it is" }, null],
])("%j reads %j", (event, line) => expect(told([event]).lines).toEqual([line]));

test("tokens are named where that is wanted", () => {
  expect(told([{ ...TOKEN, attempt: 1 }], { showToken: true }).lines).toEqual(['Using token "alpha" (gemini).\n']);
});

test("a line that repeats the one before is left out", () => {
  expect(told([{ type: "generating" }, { type: "generating" }]).lines).toEqual(["Drawing.\n", null]);
});

test("a silence is filled with what is under way, what is usual and the seconds so far", () => {
  expect(told([{ type: "generating" }], { usualMs: 11_600, waitMs: 9_000 }).beat).toBe("Drawing, usually 12 s; 9 s so far.\n");
  expect(told([{ type: "generating" }], { waitMs: 9_000 }).beat).toBe("Drawing, 9 s so far.\n");
  expect(told([{ type: "queued", position: 2, waitMs: 8_000 }], { waitMs: 10_000 }).beat).toBe(
    "Waiting in the queue: position 2, about 8 s; 10 s so far.\n",
  );
  expect(told([], { waitMs: 10_000 }).beat).toBe("Starting, 10 s so far.\n");
});

test("a video reports its share and what is usual", () => {
  expect(videoWords({ state: "running", progress: 41.7, seconds: 8 })).toBe("Making the video: 41 %, usually 68 s");
  expect(videoWords({ state: "queued", progress: 0, seconds: 8, place: { position: 2, waitMs: null } })).toBe(
    "Waiting in the queue: position 2",
  );
});
