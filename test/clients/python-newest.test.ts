// The newest google-genai, the legacy google-generativeai and LiteLLM against the executable. FLOW2API_TEST_PYTHON_NEWEST names the interpreter.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { virtualClock } from "../../src/testing.ts";
import { startProgram } from "../executable.ts";
import { pythonOf, type Results } from "../python.ts";
import { GEMINI, startRig } from "../rig.ts";
import { silence } from "./replay.ts";

setDefaultTimeout(180_000);

const python = pythonOf("FLOW2API_TEST_PYTHON_NEWEST");
const FAST = { videoMs: 0, fileMs: 0 };

/** Runs a script against the executable and, for its silent stream, a gateway whose upstream takes 40 s of its clock. */
async function runBesideSlow(script: string): Promise<Results> {
  await using program = await startProgram({ simulator: FAST });
  const clock = virtualClock(Date.now());
  await using slow = await startRig({ tokens: [GEMINI], clock, simulator: { faults: "gemini.generate=latency(1500)" } });
  const running = python.run(script, program.url, program.key, slow.url, slow.key);
  await Promise.race([silence(slow, clock), running]);
  return await running;
}

describe.skipIf(!python.isThere)("google-genai 3.6.1", () => {
  let results: Results = {};
  beforeAll(async () => {
    results = await runBesideSlow("clients/python-google-newest.py");
  });

  test.each<[string, unknown]>([
    ["chat", [1, 1]],
    ["stream", 1],
    ["silent_stream", 1],
    ["options", { searched: true, thought: true }],
    ["edit", { name: "files/my-pixel", used: 1, gone: [403, "PERMISSION_DENIED"] }],
    ["image_interaction", ["completed", true]],
    ["video_interaction", ["completed", "ftyp"]],
    ["streamed_interaction", "interaction.completed"],
    ["no_videos_without_express", "ValueError"],
    ["express_mode", [1, 2, "ftyp"]],
    ["wrong_key", [400, "INVALID_ARGUMENT"]],
  ])("%s", (name, expected) => expect(results[name]).toEqual(expected as never));
});

describe.skipIf(!python.isThere)("google-generativeai 0.8.5 over REST", () => {
  let results: Results = {};
  beforeAll(async () => {
    results = await runBesideSlow("clients/python-google-legacy.py");
  });

  test.each<[string, unknown]>([
    ["generate", 1],
    ["stream", 1],
    ["options", 1],
    ["silent_stream", 1],
    ["edit", 1],
    ["chat", [1, 1]],
    ["models", true],
    ["video", true],
    ["files", []],
    ["wrong_key", [400, true]],
    ["unknown_model", 404],
  ])("%s", (name, expected) => expect(results[name]).toEqual(expected as never));
});

describe.skipIf(!python.isThere)("LiteLLM 1.110.2 as a client", () => {
  let results: Results = {};
  beforeAll(async () => {
    await using program = await startProgram({ simulator: FAST });
    results = await python.run("clients/python-litellm.py", program.url, program.key);
  });

  test.each<[string, unknown]>([
    ["openai_chat", true],
    ["openai_stream", true],
    ["openai_edit_in_chat", true],
    ["openai_image", true],
    ["openai_image_edit", true],
    ["openai_video", ["completed", "ftyp"]],
    ["openai_file", ["pixel.png", true, true]],
    ["gemini_chat", [true]],
    ["gemini_stream", 1],
    ["gemini_image", true],
    ["gemini_image_edit", true],
    ["gemini_video", ["completed", "ftyp"]],
    ["wrong_key", 401],
    ["unknown_model", 404],
    ["gemini_wrong_key", "AuthenticationError"],
  ])("%s", (name, expected) => expect(results[name]).toEqual(expected as never));
});
