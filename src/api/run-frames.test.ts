// That the frames of a generation come in order, as soon as they are known, and end with it.
import { expect, test } from "bun:test";
import type { GenerateEvent } from "../domain/generation.ts";
import { AppError } from "../errors.ts";
import { EventLog, EventReader } from "../gateway/generation/event-log.ts";
import { createLog } from "../log.ts";
import { settled } from "../testing.ts";
import { RunFrames } from "./run-frames.ts";

type Waited = { text: string; promise: Promise<void> };

/** Writes the texts of a generation, `<` before them and `>` after them. */
class TextFrames extends RunFrames {
  /** A text that is written later than it is heard. */
  waited: Waited | null = null;

  heartbeat(): string {
    return "";
  }

  protected begin(): void {
    this.write("<");
  }

  protected hear(event: GenerateEvent): void | Promise<void> {
    if (event.type !== "text") return;
    const { text } = event;
    if (text === "bug") throw new TypeError("a bug");
    if (text === "large") this.writePieces(pieces(["lar", "ge"]));
    else if (text === this.waited?.text) return this.waited.promise.then(() => this.writeLate(text));
    else this.write(text);
  }

  private writeLate(text: string): void {
    this.write(text);
    if (text === "late and large") this.writePieces(pieces([" as", " it is"]));
  }

  protected end(): void {
    this.write(">");
  }

  protected fail(error: unknown): void {
    this.write(`!${error instanceof AppError ? error.kind : "internal"}`);
  }
}

async function* pieces(list: string[]): AsyncGenerator<string> {
  for (const piece of list) {
    await Promise.resolve();
    yield piece;
  }
}

const said = (text: string): GenerateEvent => ({ type: "text", text });

function setUp(events: AsyncIterable<GenerateEvent>) {
  const seen = { stopped: 0, delivered: 0, logged: [] as string[] };
  const run = { family: "f", successorOf: null, headers: {}, events, delivered: () => void seen.delivered++ };
  const log = createLog({ level: "error", format: "json", write: (line) => seen.logged.push(line) });
  return { seen, frames: new TextFrames({ run, stop: () => void seen.stopped++, log }) };
}

/** What comes next, waited for. */
async function nextOf(frames: RunFrames): Promise<string | null> {
  for (;;) {
    const taken = frames.take();
    if (taken !== undefined) return taken;
    await frames.more();
  }
}

async function restOf(frames: RunFrames): Promise<string[]> {
  const all: string[] = [];
  for (let next = await nextOf(frames); next !== null; next = await nextOf(frames)) all.push(next);
  return all;
}

test("what is there is one piece, what comes later is another", async () => {
  const log = new EventLog<GenerateEvent>();
  log.push(said("a"));
  log.push(said("b"));
  const { frames, seen } = setUp(new EventReader(log));
  expect(frames.take()).toBe("<ab");
  const next = nextOf(frames);
  log.push({ type: "generating" });
  await settled();
  log.push(said("c"));
  expect(await next).toBe("c");
  log.push(said("d"));
  log.close();
  expect(frames.take()).toBe("d>");
  expect(frames.take()).toBeNull();
  frames.ended();
  expect(seen).toEqual({ stopped: 0, delivered: 1, logged: [] });
});

test("a large frame leaves in pieces, after what was written before it and before what comes after it", async () => {
  const log = new EventLog<GenerateEvent>();
  for (const text of ["a", "large", "b", "large"]) log.push(said(text));
  log.close();
  expect(await restOf(setUp(new EventReader(log)).frames)).toEqual(["<a", "lar", "ge", "b", "lar", "ge", ">"]);
});

test("an event that is written later holds up those after it", async () => {
  const log = new EventLog<GenerateEvent>();
  for (const text of ["a", "slow", "b"]) log.push(said(text));
  log.close();
  const { promise, resolve } = Promise.withResolvers<void>();
  const { frames } = setUp(new EventReader(log));
  frames.waited = { text: "slow", promise };
  expect(frames.take()).toBe("<a");
  const next = nextOf(frames);
  await settled();
  resolve();
  expect(await next).toBe("slowb>");
});

test("a large frame that is written later comes after what its event wrote before it", async () => {
  const log = new EventLog<GenerateEvent>();
  for (const text of ["a", "late and large", "b"]) log.push(said(text));
  log.close();
  const { frames } = setUp(new EventReader(log));
  frames.waited = { text: "late and large", promise: Promise.resolve() };
  expect(await restOf(frames)).toEqual(["<a", "late and large", " as", " it is", "b>"]);
});

test("the events of a generator are read like those of a log", async () => {
  async function* events(): AsyncGenerator<GenerateEvent> {
    yield said("a");
    yield said("b");
  }
  expect((await restOf(setUp(events()).frames)).join("")).toBe("<ab>");
});

const refused = new AppError("content_policy", "No.");
async function* failing(): AsyncGenerator<GenerateEvent> {
  yield said("a");
  throw refused;
}
const failed = new EventLog<GenerateEvent>();
failed.push(said("a"));
failed.fail(refused);

test.each([
  ["a log", () => new EventReader(failed)],
  ["a generator", failing],
] as const)("a failure of %s is written after what came before it, and ends the frames", async (_, events) => {
  const { frames, seen } = setUp(events());
  expect((await restOf(frames)).join("")).toBe("<a!content_policy");
  expect(seen.logged).toEqual([]);
});

test("a bug, and a write that fails, are failures too; bugs are logged", async () => {
  const log = new EventLog<GenerateEvent>();
  for (const text of ["a", "bug", "b"]) log.push(said(text));
  const { frames, seen } = setUp(new EventReader(log));
  expect((await restOf(frames)).join("")).toBe("<a!internal");
  expect(seen.logged).toHaveLength(1);
  const later = new EventLog<GenerateEvent>();
  for (const text of ["a", "slow", "b"]) later.push(said(text));
  const { frames: others } = setUp(new EventReader(later));
  others.waited = { text: "slow", promise: Promise.reject(refused) };
  expect((await restOf(others)).join("")).toBe("<a!content_policy");
});

test("a reader that leaves stops the generation, and nothing follows", async () => {
  const log = new EventLog<GenerateEvent>();
  const { frames, seen } = setUp(new EventReader(log));
  expect(frames.take()).toBe("<");
  await frames.left();
  log.push(said("a"));
  expect(await nextOf(frames)).toBeNull();
  expect(seen).toEqual({ stopped: 1, delivered: 0, logged: [] });
});
