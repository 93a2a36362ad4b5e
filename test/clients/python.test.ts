// OpenAI's and Google's Python clients, as pinned first, against the executable. FLOW2API_TEST_PYTHON names the interpreter that has them.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { virtualClock } from "../../src/testing.ts";
import { startProgram } from "../executable.ts";
import { pythonOf, type Results } from "../python.ts";
import { GEMINI, startRig } from "../rig.ts";
import { silence } from "./replay.ts";

setDefaultTimeout(120_000);

const python = pythonOf("FLOW2API_TEST_PYTHON");

const FAST = { videoMs: 0, fileMs: 0 };
const PNG = "PNG";
const LINK = /^!\[image\]\(http:\/\/\S+\.(png|jpg)\)$/m;

describe.skipIf(!python.isThere)("openai for Python", () => {
  let results: Results = {};
  beforeAll(async () => {
    await using program = await startProgram({ simulator: FAST });
    await using failing = await startProgram({
      simulator: { faults: "gemini.generate=503" },
      env: { FLOW2API_GENERATION_MAX_ATTEMPTS: "1" },
    });
    results = await python.run("clients/python-openai.py", program.url, program.key, failing.url, failing.key);
  });

  test.each<[number: string, name: string, expected: unknown]>([
    ["1", "wrong_key", { status: 401, code: "invalid_api_key", request_id: expect.stringMatching(/^req_/) }],
    ["2", "models", { listed: expect.any(Number), one: "google/gemini-3-pro-image" }],
    ["7", "chat", expect.stringMatching(LINK)],
    ["9", "chat_stream", { text: expect.stringMatching(LINK), tokens: expect.any(Number) }],
    ["13", "failing_stream", { raised: "APIError", code: expect.any(String) }],
    ["16", "generate", [PNG, PNG]],
    ["18", "edit_one", 1],
    ["18", "edit_two", 1],
    ["19", "generate_stream", ["image_generation.partial_image", "image_generation.completed"]],
    ["22", "create_and_poll", { status: "completed", seconds: "4", progress: 100, error: null, head: "ftyp" }],
    ["24", "videos", { paged: true, deleted: true }],
    ["27", "remix", true],
    ["29", "responses", { status: "completed", head: PNG }],
    ["29", "responses_stream", "completed"],
    ["", "files", { name: "fox.png", same: true, deleted: true }],
  ])("%s: %s", (_number, name, expected) => expect(results[name]).toEqual(expected as never));
});

describe.skipIf(!python.isThere)("google-genai for Python", () => {
  let results: Results = {};
  beforeAll(async () => {
    await using program = await startProgram({ simulator: FAST });
    // It downloads from https only, by a path that it puts behind its own base.
    await using proxied = await startProgram({ simulator: FAST, env: { FLOW2API_SERVER_PUBLIC_URL: "https://gateway.example" } });
    const clock = virtualClock(Date.now());
    await using slow = await startRig({ tokens: [GEMINI], clock, simulator: { faults: "gemini.generate=latency(1500)" } });
    const running = python.run("clients/python-google.py", program.url, program.key, proxied.url, proxied.key, slow.url, slow.key);
    await Promise.race([silence(slow, clock), running]);
    results = await running;
  });

  test.each<[number: string, name: string, expected: unknown]>([
    ["30", "generate_content", ["image/jpeg"]],
    ["30", "generate_content_with_picture", ["image/jpeg"]],
    ["30", "generate_content_stream", ["image/jpeg"]],
    ["30", "chat", [["image/jpeg"], ["image/jpeg"]]],
    ["30", "models", { many: true, one: "models/gemini-3-pro-image", tokens: true }],
    ["30", "files", { state: "ACTIVE", used: 1, listed: true }],
    ["30", "interactions", { id: "v1_", status: "completed" }],
    ["32b", "silent_stream", ["image/jpeg"]],
    ["34", "generate_videos", "ftyp"],
    ["36", "wrong_key", { code: 400, status: "INVALID_ARGUMENT" }],
  ])("%s: %s", (_number, name, expected) => expect(results[name]).toEqual(expected as never));
});
