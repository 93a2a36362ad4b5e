// Gathered log lines: how many writes, in which order, and that none is lost when the process ends.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfig } from "../../config/config.ts";
import type { LogLevel } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { recordedIo } from "../testing.ts";
import { GATHER_MS, LineWriter, MAX_GATHERED } from "./line-writer.ts";
import { createServerLog } from "./listen.ts";

function gathering() {
  const clock = virtualClock();
  const writes: string[] = [];
  const writer = new LineWriter((text) => writes.push(text) > 0, clock);
  return { clock, writes, writer };
}

test("lines of 5 ms are one write", async () => {
  const { clock, writes, writer } = gathering();
  for (let index = 0; index < 100; index++) writer.add(`line ${index}`, index % 2 ? "info" : "debug");
  expect(writes).toEqual([]);
  await clock.advance(GATHER_MS);
  expect(writes).toEqual([Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join("")]);
  await clock.advance(1_000);
  writer.add("later", "info");
  await clock.advance(GATHER_MS);
  expect(writes.slice(1)).toEqual(["later\n"]);
});

test.each<LogLevel>(["warn", "error"])("a line of level %s is written at once, after those that waited", async (level) => {
  const { clock, writes, writer } = gathering();
  writer.add("first", "info");
  writer.add("second", level);
  expect(writes).toEqual(["first\nsecond\n"]);
  writer.add("third", "info");
  await clock.advance(GATHER_MS);
  expect(writes).toEqual(["first\nsecond\n", "third\n"]);
});

test("what waits is bounded", () => {
  const { writes, writer } = gathering();
  const line = "x".repeat(1_000);
  for (let index = 0; index < 100; index++) writer.add(line, "info");
  expect(writes.length).toBeGreaterThan(4);
  for (const text of writes) expect(text.length).toBeLessThanOrEqual(MAX_GATHERED + line.length + 1);
});

test("lines that nobody could read are counted, and told when lines are read again", () => {
  const writes: string[] = [];
  const told: number[] = [];
  let isRead = true;
  const write = (text: string) => isRead && writes.push(text) > 0;
  const writer = new LineWriter(write, virtualClock(), (lost) => void told.push(lost));
  writer.add("first", "warn");
  isRead = false;
  for (const level of ["info", "debug", "error", "warn"] as const) writer.add("lost", level);
  expect(told).toEqual([]);
  isRead = true;
  writer.add("second", "warn");
  writer.add("third", "warn");
  expect([writes, told]).toEqual([["first\n", "second\n", "third\n"], [4]]);
});

test("the log of a server says how many of its lines are lost", () => {
  const io = recordedIo({ cwd: "/" });
  let isRead = false;
  const log = createServerLog(loadConfig({ file: null, env: {}, flags: {} }), { ...io, stderr: (text) => isRead && io.stderr(text) });
  log.warn("Unread");
  isRead = true;
  log.warn("Read");
  const written = io.err.trim().split("\n");
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { message: "Read" },
    { level: "warn", message: "Nobody read the log: lines are lost", lost: 1 },
  ]);
});

test("the log of a server writes what waits when the process exits", () => {
  const io = recordedIo({ cwd: "/" });
  const log = createServerLog(loadConfig({ file: null, env: {}, flags: {} }), io);
  log.info("Not yet");
  expect(io.err).toBe("");
  io.end();
  expect(JSON.parse(io.err)).toMatchObject({ level: "info", message: "Not yet" });
});

/** Runs a program that logs one line and ends; its standard error. */
async function errorsOf(ending: string): Promise<string> {
  using folder = temporaryFolder();
  const file = join(folder.path, "program.ts");
  const source = (name: string) => JSON.stringify(join(import.meta.dir, name));
  await Bun.write(
    file,
    `import { createServerLog } from ${source("listen.ts")};
     import { loadConfig } from ${source("../../config/config.ts")};
     const io = { stderr: (text) => process.stderr.write(text), now: Date.now, isTerminal: false, onExit: (listener) => process.on("exit", listener) };
     const log = createServerLog(loadConfig({ file: null, env: {}, flags: {} }), io);
     log.info("The last line");
     ${ending}`,
  );
  const child = Bun.spawn([process.execPath, file], { stdout: "ignore", stderr: "pipe" });
  return await new Response(child.stderr).text();
}

test.each([
  ["ends by itself", ""],
  ["exits", "process.exit(3)"],
  ["throws", "throw new Error('a bug')"],
  ["leaves a rejection unhandled", "Promise.reject(new Error('a bug'))"],
])("no line is lost when the process %s", async (_name, ending) => {
  expect(await errorsOf(ending)).toContain('"message":"The last line"');
});
