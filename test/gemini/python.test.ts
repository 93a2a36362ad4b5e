// Google's official Python client against the gateway.
import { expect, test } from "bun:test";
import { type Clock, systemClock } from "../../src/clock.ts";
import { pythonOf } from "../python.ts";
import { GEMINI, startRig } from "../rig.ts";

const python = pythonOf("FLOW2API_TEST_PYTHON");

const clock: Clock = { now: Date.now, after: (ms, task) => systemClock.after(ms / 50, task) };

test.skipIf(!python.isThere)(
  "30, 32b: google-genai generates, edits, uploads and films",
  async () => {
    // Every response waits for three heartbeats of the shortened clock.
    const simulator = { videoMs: 0, fileMs: 0, faults: "gemini.generate=latency(700)" };
    await using rig = await startRig({ clock, tokens: [GEMINI], simulator });
    expect(await python.run("python/google_genai.py", rig.url, rig.key)).toEqual({
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
