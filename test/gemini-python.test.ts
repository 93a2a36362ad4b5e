// Google's official Python client against the gateway; counted as skipped where Python or its package google-genai is missing.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Clock, systemClock } from "../src/clock.ts";
import { GEMINI, startRig } from "./rig.ts";

/** An interpreter that has the package; `FLOW2API_TEST_PYTHON` names another one than `python3`. */
const python = process.env.FLOW2API_TEST_PYTHON || "python3";
const isThere = (() => {
  try {
    return Bun.spawnSync([python, "-c", "import google.genai"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  } catch {
    return false;
  }
})();

const clock: Clock = { now: Date.now, after: (ms, task) => systemClock.after(ms / 50, task) };

test.skipIf(!isThere)(
  `30, 32b: google-genai draws, edits, uploads and films${isThere ? "" : " (skipped: no python/google-genai)"}`,
  async () => {
    // Every answer waits for three heartbeats of the shortened clock.
    const simulator = { videoMs: 0, fileMs: 0, faults: "gemini.generate=latency(700)" };
    await using rig = await startRig({ clock, tokens: [GEMINI], simulator });
    const script = join(import.meta.dir, "python", "google_genai.py");
    const child = Bun.spawn([python, script, rig.url, rig.key], { stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect([await child.exited, stderr]).toEqual([0, expect.any(String)]);
    expect(JSON.parse(stdout)).toEqual({
      whole: 1,
      streamed: 1,
      finish: "STOP",
      signed: true,
      chat: 1,
      models: [expect.stringMatching(/^models\//)],
      model: "models/gemini-3.1-flash-image",
      tokens: expect.any(Number),
      file: ["pixel", "ACTIVE", 70],
      edited: 1,
      video: "ftyp",
      wrong: [400, "INVALID_ARGUMENT"],
    });
  },
  60_000,
);
