// The rules of a job's life as tables.
import { describe, expect, test } from "bun:test";
import { JOB_STATES } from "../../domain/job.ts";
import { AppError, type ErrorKind } from "../../errors.ts";
import { downloadDelay, isSettled, mayFollow, nextProgress, pollDelay, pollsAfter, submissionEnd, usualVideoMs } from "./job-state.ts";

describe("states", () => {
  test("nothing follows an end, and every other state leads to one", () => {
    const ends = JOB_STATES.filter((state) => JOB_STATES.every((next) => next === state || !mayFollow(state, next)));
    expect(ends).toEqual(["completed", "failed", "cancelled"]);
    const leads = (state: (typeof JOB_STATES)[number]) => ends.some((end) => mayFollow(state, end));
    expect(JOB_STATES.filter((state) => !ends.includes(state) && !leads(state))).toEqual([]);
  });

  test.each([
    ["queued", "running"],
    ["queued", "completed"],
    ["unknown", "queued"],
    ["unknown", "submitting"],
    ["running", "queued"],
    ["storing", "running"],
    ["completed", "failed"],
  ] as const)("%s is never followed by %s", (from, to) => expect(mayFollow(from, to)).toBe(false));

  test("unknown stands still until a person decides", () => {
    expect(isSettled("unknown")).toBe(true);
    expect(mayFollow("unknown", "failed")).toBe(true);
  });
});

describe("pauses", () => {
  test("between polls they grow from 2 s to 10 s and end at the deadline", () => {
    expect([0, 1, 2, 20].map((polls) => pollDelay(polls, 1e9))).toEqual([2000, 2500, 3125, 10_000]);
    expect(pollDelay(0, 1e9, 30_000)).toBe(30_000);
    expect(pollDelay(20, 400)).toBe(400);
    expect(pollDelay(20, -5)).toBe(0);
  });

  test("a resumed job is polled as seldom as one that was never interrupted", () => {
    expect(pollsAfter(0)).toBe(0);
    expect(pollsAfter(1)).toBe(1);
    expect(pollsAfter(3_600_000)).toBe(10);
  });

  test("between downloads they double from 1 s to 30 s", () => {
    expect([1, 2, 3, 9, 60].map((failures) => downloadDelay(failures, 1e9))).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  });
});

describe("progress", () => {
  const elapsed = (elapsedMs: number) => ({ reported: null, elapsedMs, usualMs: 60_000 });

  test("without word from the upstream it follows the time and never claims to be nearly there", () => {
    const shown = [0, 10_000, 30_000, 60_000, 120_000, 3_600_000].map((ms) => nextProgress(0, elapsed(ms)));
    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown[0]).toBe(0);
    expect(shown.at(-1)).toBeLessThanOrEqual(90);
  });

  test.each([
    [10, { reported: 40, elapsedMs: 0, usualMs: 1 }, 40],
    [50, { reported: 40, elapsedMs: 0, usualMs: 1 }, 50],
    [0, { reported: 100, elapsedMs: 0, usualMs: 1 }, 99],
    [20, "storing", 95],
    [97, "storing", 97],
  ] as const)("after %p, %p shows %p", (before, now, shown) => expect(nextProgress(before, now)).toBe(shown));

  test("a longer video is expected to take longer", () => expect(usualVideoMs(15)).toBeGreaterThan(usualVideoMs(4)));
});

describe("a failed submission", () => {
  const table: [ErrorKind, "before" | "after", boolean, string][] = [
    ["upstream_timeout", "after", false, "unknown"],
    ["upstream_unknown_outcome", "after", true, "unknown"],
    ["cancelled", "after", false, "unknown"],
    ["upstream_unavailable", "after", true, "unknown"],
    ["upstream_unavailable", "after", false, "refused"],
    ["upstream_rate_limited", "after", false, "refused"],
    ["upstream_quota", "after", false, "refused"],
    ["network", "before", false, "refused"],
    ["upstream_timeout", "before", false, "refused"],
    ["content_policy", "after", true, "final"],
    ["upstream_invalid", "after", false, "final"],
    ["invalid_request", "before", false, "final"],
  ];
  test.each(table)("%s %s sending, charged %p: %s", (kind, when, charged, end) =>
    expect(submissionEnd(new AppError(kind, "x", { charged }), when === "after")).toBe(end as never),
  );
});
