// Late: a part of the program that is loaded with the first request that needs it, once.
export class Late<T> {
  #loading: Promise<T> | null = null;
  /** Null until it is loaded. */
  loaded: T | null = null;

  constructor(private readonly create: () => Promise<T>) {}

  /** A failure is not remembered: the next request tries again. */
  load(): Promise<T> {
    this.#loading ??= this.#create();
    return this.#loading;
  }

  async #create(): Promise<T> {
    try {
      this.loaded = await this.create();
      return this.loaded;
    } catch (error) {
      this.#loading = null;
      throw error;
    }
  }
}
