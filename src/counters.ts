// Plain counters and histograms by label values: counting is a few look-ups, read when metrics are collected.

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
