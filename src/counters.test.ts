// Plain counters say what prom-client's own would say of the same events.
import { expect, test } from "bun:test";
import { Counter, Histogram, Registry } from "prom-client";
import { registerCounter, registerHistogram } from "./counters.ts";
import { seededRandom } from "./testing.ts";

const BOUNDS = [0.1, 1, 10];
const KINDS = ["image", "video"] as const;
const RESULTS = ["ok", "busy", 'odd "\n\\'] as const;

const sorted = async (registry: Registry) => (await registry.metrics()).trim().split("\n").sort();

test("the text of any events is that of prom-client's own metrics, at each collection", async () => {
  const [plain, theirs] = [new Registry(), new Registry()];
  const counter = registerCounter({ name: "calls_total", help: "Calls", registry: plain }, ["kind", "result"]);
  const histogram = registerHistogram({ name: "call_seconds", help: "Time", registry: plain }, ["kind"], BOUNDS);
  const own = new Counter({ name: "calls_total", help: "Calls", labelNames: ["kind", "result"], registers: [theirs] });
  const seconds = new Histogram({ name: "call_seconds", help: "Time", labelNames: ["kind"], buckets: BOUNDS, registers: [theirs] });
  const random = seededRandom(3);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  for (let round = 0; round < 3; round++) {
    expect(await sorted(plain)).toEqual(await sorted(theirs));
    for (let event = 0; event < 200; event++) {
      const [labels, by] = [{ kind: pick(KINDS), result: pick(RESULTS) }, Math.floor(random() * 3)];
      const of = { kind: pick(KINDS) };
      const time = pick([0.1, 1, 10, 11, 0, 2 ** (random() * 8 - 4)]);
      counter.add(by, labels.kind, labels.result);
      own.inc(labels, by);
      histogram.observe(time, of.kind);
      seconds.observe(of, time);
    }
  }
  expect(await sorted(plain)).toEqual(await sorted(theirs));
});

test("a counter without labels, and one whose first label alone differs", async () => {
  const registry = new Registry();
  const bare = registerCounter({ name: "bare_total", help: "Bare", registry }, []);
  const three = registerCounter({ name: "three_total", help: "Three", registry }, ["a", "b", "c"]);
  bare.add(1);
  bare.add(4);
  for (const a of ["x", "y"]) three.add(1, a, "same", "same");
  const text = await registry.metrics();
  expect(text).toContain("\nbare_total 5\n");
  expect(text).toContain('three_total{a="x",b="same",c="same"} 1\nthree_total{a="y",b="same",c="same"} 1');
});
