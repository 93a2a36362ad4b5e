// Everything that one running simulator holds.

import type { Counter } from "./counts.ts";
import type { Recorder } from "./recorder.ts";
import type { World } from "./world.ts";

/** Everything that one running simulator holds. */
export type Running = {
  world: World;
  counter: Counter;
  recorder: Recorder;
  stopping: AbortController;
  advance(ms: number): void;
  reset(): void;
};
