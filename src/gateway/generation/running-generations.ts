// Generations under way: the end of the server reaches them through one listener.

type Stoppable = { stopWithServer(): void };

export class RunningGenerations {
  readonly #all = new Set<Stoppable>();

  constructor(private readonly shutdown: AbortSignal) {
    shutdown.addEventListener("abort", () => {
      for (const generation of this.#all) generation.stopWithServer();
    });
  }

  add(generation: Stoppable): void {
    this.#all.add(generation);
    if (this.shutdown.aborted) generation.stopWithServer();
  }

  delete(generation: Stoppable): void {
    this.#all.delete(generation);
  }
}
