// Every property of the parsers, 2,000 runs each; `bun run fuzz --runs N` for more.
import { test } from "bun:test";
import fc from "fast-check";
import { PROPERTIES } from "./properties.ts";

const RUNS = 2_000;

test.each(PROPERTIES.map(({ name, property }) => [name, property] as const))(
  "%s",
  async (_, property) => {
    await fc.assert(property, { numRuns: RUNS });
  },
  120_000,
);
