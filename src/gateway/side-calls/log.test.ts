// The book of side calls: counts by day that outlast a restart, shapes that are remembered, rules that are read.
import { describe, expect, test } from "bun:test";
import { createLog } from "../../log.ts";
import type { ChatCall } from "./decide.ts";
import { judgeSideCall } from "./decide.ts";
import { SideCallLog } from "./log.ts";
import { CallShape } from "./shape.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 29, 12);

function world() {
  const facts = new Map<string, string | null>();
  let now = NOW;
  const timers: (() => void)[] = [];
  const clock = {
    now: () => now,
    after: (_ms: number, run: () => void) => {
      timers.push(run);
      return () => {};
    },
  };
  const store = {
    readFact: async (name: string) => facts.get(name) ?? null,
    writeFact: async (name: string, value: string | null) => void facts.set(name, value),
  };
  const log = createLog({ level: "error", format: "json", write: () => {} });
  return { facts, pass: (ms: number) => (now += ms), book: () => new SideCallLog({ store, clock, log } as never) };
}

const call = (text: string, change: Partial<ChatCall> = {}): ChatCall => ({
  kind: "image",
  system: "",
  text,
  earlier: [],
  messages: 1,
  hasAttachment: false,
  maxTokens: null,
  marker: null,
  hasImageOptions: false,
  model: "m",
  ...change,
});
const shape = (text: string, change: Partial<ChatCall> = {}) => new CallShape(call(text, change), judgeSideCall(call(text, change)));
const BY = [1, "m"] as const;

describe("counts", () => {
  test("are by UTC day and outlast a restart", async () => {
    const { book, pass } = world();
    const first = book();
    await first.start();
    first.answered();
    first.generated(shape("Suggest a name for a bakery"), ...BY);
    pass(DAY);
    first.answered();
    await first.stop();
    const second = book();
    await second.start();
    expect([second.counts(NOW + DAY), second.counts(NOW)]).toEqual([
      { answered: 1, generated: 0 },
      { answered: 2, generated: 1 },
    ]);
  });

  test.each(["{", "[[1]]", '[["x",{}]]', "null", '[[0,{"answered":-1,"generated":0}]]'])("stored as %s are none", async (text) => {
    const { facts, book } = world();
    facts.set("side_calls.days", text);
    const one = book();
    await one.start();
    expect(one.counts(0)).toEqual({ answered: 0, generated: 0 });
    await one.stop();
  });
});

describe("shapes", () => {
  test("of a call with a sign are shown at once, of one without after five times in a day", () => {
    const { book, pass } = world();
    const one = book();
    one.generated(shape("Suggest a name for a bakery"), ...BY);
    for (let times = 0; times < 4; times++) one.generated(shape("a cat"), ...BY);
    expect(one.suspects(9).map(({ count }) => count)).toEqual([1]);
    one.generated(shape("a cat"), ...BY);
    expect(one.suspects(9).map(({ sample, count }) => [sample, count])).toEqual([
      ["a cat", 5],
      ["Suggest a name for a bakery", 1],
    ]);
    expect(one.counts(NOW)).toEqual({ answered: 0, generated: 6 });
    pass(2 * DAY);
    one.generated(shape("a cat"), ...BY);
    expect(one.suspects(9).some(({ sample }) => sample === "a cat")).toBe(false);
  });

  test("are the same for other numbers, and others for other words, limits and kinds", () => {
    expect(shape("check 17 of 20").id).toBe(shape("check 18 of 20").id);
    const all = [
      shape("a cat"),
      shape("a cat in the snow"),
      shape("a cat", { maxTokens: 5 }),
      shape("a cat", { kind: "video" }),
      shape("a cat", { system: "x" }),
    ];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  test("are forgotten from the oldest on", () => {
    const one = world().book();
    for (let index = 0; index < 400; index++)
      one.generated(
        shape(
          `Suggest a name for ${"abcdefghij"[index % 10]}${"klmnopqrst"[Math.floor(index / 10) % 10]}${"uvwx"[Math.floor(index / 100)]}`,
        ),
        ...BY,
      );
    expect(one.suspects(1000)).toHaveLength(300);
  });
});

test("rules that are no rules are passed over", () => {
  const one = world().book();
  one.loadRules([{ id: "0123456789ab", sample: "a", kind: "image", maxTokens: 5, since: 1 }, null, { id: "x" }, 7, "y"]);
  expect([one.rules().length, one.hasRules(), one.matches("0123456789ab"), one.matches("x")]).toEqual([1, true, true, false]);
  for (const stored of [null, undefined, {}, "x"]) {
    one.loadRules(stored);
    expect(one.hasRules()).toBe(false);
  }
});
