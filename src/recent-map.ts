// Map of the newest entries, at a cost that does not grow with their number.

/**
 * Holds the newest entries: at most `most` by weight, and of those at least the newer half. What is too old goes half a map at a time, because
 * taking the first key of a map walks over all that were deleted before it. Values are never undefined.
 */
export class RecentMap<K, V> {
  #newer = new Map<K, V>();
  #older = new Map<K, V>();
  /** Of the newer half. */
  #weight = 0;

  /** @param weightOf what a value counts; absent: each counts one */
  constructor(
    private readonly most: number,
    private readonly weightOf: (value: V) => number = () => 1,
  ) {}

  get(key: K): V | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  /** As the newest entry. */
  set(key: K, value: V): void {
    const former = this.#newer.get(key);
    this.#weight += this.weightOf(value) - (former === undefined ? 0 : this.weightOf(former));
    this.#newer.set(key, value);
    if (this.#weight * 2 < this.most) return;
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#weight = 0;
  }

  delete(key: K): void {
    const newest = this.#newer.get(key);
    if (newest !== undefined) this.#weight -= this.weightOf(newest);
    this.#newer.delete(key);
    this.#older.delete(key);
  }
}
