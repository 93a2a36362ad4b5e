// The simulated upstreams' memory: what was uploaded, made and promised, and the settings that shape it.

import { chance } from "./chance.ts";
import { createFaultSchedule, type FaultSchedule } from "./faults.ts";

export type SimulatorOptions = {
  /** Milliseconds that every call takes at least which answers with an image. */
  latencyMs: number;
  /** Milliseconds a video job runs until it is done. */
  videoMs: number;
  /** Milliseconds a file is PROCESSING before it is ACTIVE. */
  fileMs: number;
  /** Life of a Flow access token. */
  accessTokenSeconds: number;
  /** Life of a signed link to a Flow result. */
  linkSeconds: number;
  /** Which form of reply Flow's video endpoints give: `workflows` since May 2026, `operations` before. */
  flowVideoReply: "workflows" | "operations";
  /** Ids of models that the Gemini API has besides its own: a video model where the id says `omni`, else an image model. */
  newModels: readonly string[];
};

export const DEFAULT_OPTIONS: SimulatorOptions = {
  latencyMs: 0,
  videoMs: 200,
  fileMs: 30,
  accessTokenSeconds: 3600,
  linkSeconds: 3600,
  flowVideoReply: "workflows",
  newModels: [],
};

/** A map that forgets its oldest entries, so that a long run does not grow. */
export type Shelf<Value> = {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): boolean;
  entries(): [string, Value][];
};

export type World = {
  seed: number;
  options: SimulatorOptions;
  plan: FaultSchedule;
  /** A random number in [0, 1) that repeats with the seed. */
  random(): number;
  /** An id of so many lower-case letters and digits. */
  id(length: number): string;
  uuid(): string;
  /** How often this text was asked before, modulo four: the same prompt gives four different images in turn. */
  variant(text: string): number;
  /** Epoch ms by the simulator's own clock, which real time moves, and whoever asks for it. */
  now(): number;
  /** Values that live under a name until reset, made on first use. */
  shelf<Value>(name: string): Shelf<Value>;
};

const MOST_ENTRIES = 20_000;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

export function createWorld(seed: number, options: SimulatorOptions, faults: string, now: () => number = Date.now): World {
  const random = chance(seed ^ 0x51ab);
  const variants = createShelf<number>();
  const shelves = new Map<string, Shelf<unknown>>();
  const id = (length: number) => Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
  const hex = (length: number) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
  return {
    seed,
    options,
    plan: createFaultSchedule(seed, faults),
    random,
    now,
    id,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    variant(text) {
      const before = variants.get(text) ?? 0;
      variants.set(text, before + 1);
      return before % 4;
    },
    shelf<Value>(name: string) {
      if (!shelves.has(name)) shelves.set(name, createShelf<unknown>());
      return shelves.get(name) as Shelf<Value>;
    },
  };
}

function createShelf<Value>(): Shelf<Value> {
  const entries = new Map<string, Value>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.set(key, value);
      if (entries.size > MOST_ENTRIES) entries.delete(entries.keys().next().value!);
    },
    delete: (key) => entries.delete(key),
    entries: () => [...entries],
  };
}
