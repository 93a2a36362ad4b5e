// Who watches which job, to be woken when it changes.

export class JobWatchers {
  readonly #byJob = new Map<string, Set<() => void>>();

  /** Calls `wake` at each change of the job. Returns what ends that. */
  add(id: string, wake: () => void): () => void {
    const watchers = this.#byJob.get(id) ?? new Set();
    this.#byJob.set(id, watchers.add(wake));
    return () => {
      watchers.delete(wake);
      if (watchers.size === 0 && this.#byJob.get(id) === watchers) this.#byJob.delete(id);
    };
  }

  wake(id: string): void {
    for (const wake of this.#byJob.get(id) ?? []) wake();
  }
}
