// OpenAI's and Google's Python clients against the executable. Counted as skipped where no Python has them: FLOW2API_TEST_PYTHON names one that does.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { virtualClock } from "../../src/testing.ts";
import { startProgram } from "../executable.ts";
import { until } from "../keys.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(120_000);

const PYTHON = process.env.FLOW2API_TEST_PYTHON ?? "python3";
const canImport = () => Bun.spawnSync([PYTHON, "-c", "import openai, google.genai"], { stdout: "ignore", stderr: "ignore" }).success;
const missing = Bun.which(PYTHON) === null || !canImport();
if (missing) console.log("skipped: no Python with openai and google-genai (set FLOW2API_TEST_PYTHON)");

type Results = Record<string, unknown>;

/** Runs a script of this folder and reads the JSON that it prints. */
async function run(script: string, ...args: string[]): Promise<Results> {
  const child = Bun.spawn([PYTHON, join(import.meta.dir, script), ...args], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(stderr.slice(-2000));
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

const FAST = { videoMs: 0, fileMs: 0 };
const PNG = "PNG";
const LINK = /^!\[image\]\(http:\/\/\S+\.(png|jpg)\)$/m;

describe.skipIf(missing)("openai for Python", () => {
  let results: Results = {};
  beforeAll(async () => {
    await using program = await startProgram({ simulator: FAST });
    await using failing = await startProgram({
      simulator: { faults: "gemini.generate=503" },
      env: { FLOW2API_GENERATION_MAX_ATTEMPTS: "1" },
    });
    results = await run("python-openai.py", program.url, program.key, failing.url, failing.key);
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

describe.skipIf(missing)("google-genai for Python", () => {
  let results: Results = {};
  beforeAll(async () => {
    await using program = await startProgram({ simulator: FAST });
    // It downloads from https only, by a path that it puts behind its own base.
    await using proxied = await startProgram({ simulator: FAST, env: { FLOW2API_SERVER_PUBLIC_URL: "https://gateway.example" } });
    const clock = virtualClock(Date.now());
    await using slow = await startRig({ tokens: [GEMINI], clock, simulator: { faults: "gemini.generate=latency(1500)" } });
    const running = run("python-google.py", program.url, program.key, proxied.url, proxied.key, slow.url, slow.key);
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

/** Lets 40 seconds pass while the one request to the slow gateway waits for its upstream. */
async function silence(slow: Rig, clock: ReturnType<typeof virtualClock>): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (await until(() => slow.simulator.counts().total.inFlight === 1).catch(() => false)) break;
  }
  for (let second = 0; second < 40; second += 5) await clock.advance(5000);
}
