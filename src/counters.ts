// Plain counters and histograms by label values: counting is a few look-ups, read when metrics are collected.

import type { Metric } from "prom-client";
// Alone: prom-client's index also loads OpenTelemetry's API.
import Counter from "prom-client/lib/counter.js";
import type Registry from "prom-client/lib/registry.js";

/** Values of the labels, in the order of their names. */
type Values = readonly string[];
type Cell<Value> = { values: Values; value: Value };
type Level<Value> = Map<string, Level<Value> | Cell<Value>>;

/** One value for each combination of label values. */
class Cells<Value> {
  readonly #root: Level<Value> = new Map();
  readonly #all: Cell<Value>[] = [];

  constructor(private readonly create: () => Value) {}

  at(values: Values): Cell<Value> {
    let level = this.#root;
    const last = values.length - 1;
    for (let index = 0; index < last; index++) {
      level = (level.get(values[index]!) as Level<Value> | undefined) ?? this.#deepen(level, values[index]!);
    }
    return (level.get(values[last] ?? "") as Cell<Value> | undefined) ?? this.#add(level, values);
  }

  all(): readonly Cell<Value>[] {
    return this.#all;
  }

  #deepen(level: Level<Value>, key: string): Level<Value> {
    const next: Level<Value> = new Map();
    level.set(key, next);
    return next;
  }

  #add(level: Level<Value>, values: Values): Cell<Value> {
    const cell = { values: [...values], value: this.create() };
    level.set(values.at(-1) ?? "", cell);
    this.#all.push(cell);
    return cell;
  }
}

export class PlainCounter {
  readonly #cells = new Cells(() => 0);

  constructor(readonly labelNames: readonly string[]) {}

  /** As many values as there are label names, in their order. */
  add(amount: number, ...values: string[]): void {
    this.#cells.at(values).value += amount;
  }

  all() {
    return this.#cells.all();
  }
}

export class PlainHistogram {
  readonly #cells;

  /** @param bounds upper bounds of the buckets, ascending; values above the last are in none */
  constructor(
    readonly labelNames: readonly string[],
    readonly bounds: readonly number[],
  ) {
    this.#cells = new Cells(() => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
  }

  /** As many values as there are label names, in their order. */
  observe(observed: number, ...values: string[]): void {
    const { value: of } = this.#cells.at(values);
    of.count += 1;
    of.sum += observed;
    for (let index = 0; index < this.bounds.length; index++) {
      if (observed > this.bounds[index]!) continue;
      of.counts[index]! += 1;
      return;
    }
  }

  all() {
    return this.#cells.all();
  }
}

type Named = { name: string; help: string; registry: Registry };

const labelsOf = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index]!]));

/** A counter in plain numbers that prom-client reads when the metrics are requested: counting hashes no labels. */
export function registerCounter({ name, help, registry }: Named, labelNames: readonly string[]): PlainCounter {
  const counter = new PlainCounter(labelNames);
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { values, value } of counter.all()) this.inc(labelsOf(labelNames, values), value);
    },
  });
  return counter;
}

/** The same for a histogram. prom-client's own can only observe, so its samples are made here. */
export function registerHistogram(named: Named, labelNames: readonly string[], bounds: readonly number[]): PlainHistogram {
  const { name, help, registry } = named;
  const histogram = new PlainHistogram(labelNames, bounds);
  const samplesOf = ({ values, value: { counts, count, sum } }: ReturnType<typeof histogram.all>[number]) => {
    const labels = labelsOf(labelNames, values);
    const bucket = (le: number | string, value: number) => ({ metricName: `${name}_bucket`, labels: { le, ...labels }, value });
    const upTo = (index: number) => counts.slice(0, index + 1).reduce((all, one) => all + one, 0);
    return [
      ...bounds.map((le, index) => bucket(le, upTo(index))),
      bucket("+Inf", count),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  };
  const get = async () => ({ name, help, type: "histogram", values: histogram.all().flatMap(samplesOf), aggregator: "sum" });
  registry.registerMetric({ name, get } as unknown as Metric);
  return histogram;
}
