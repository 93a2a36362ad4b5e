// bun run simulate-pool --seed N --hours H [--nodes 2]: worlds from seed N on for H virtual hours without a failed assertion.
import { parseArgs } from "node:util";
import { addFigures, inWords, noFigures } from "./figures.ts";
import { noPairFigures, simulatePair } from "./two-pools.ts";
import { simulate } from "./world.ts";

/** A world is as long as this at most, so that a failure is soon there again. */
const WORLD_HOURS = 100;

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, hours: { type: "string", default: "100" }, nodes: { type: "string", default: "1" } },
});
const [firstSeed, hours, nodes] = [Number(values.seed), Number(values.hours), Number(values.nodes)];
if (!Number.isInteger(firstSeed) || !(hours > 0) || !(nodes === 1 || nodes === 2)) {
  console.error("Usage: bun run simulate-pool --seed N --hours H [--nodes 2] (whole number, number above 0)");
  process.exit(2);
}

const startedAt = performance.now();
const total = noFigures();
const ofPairs = noPairFigures();
async function live(seed: number, length: number): Promise<void> {
  if (nodes === 1) return addFigures(total, await simulate(seed, length));
  for (const [name, count] of Object.entries(await simulatePair(seed, length)) as [keyof typeof ofPairs, number][]) ofPairs[name] += count;
}
for (let seed = firstSeed, left = hours; left > 0; seed++, left -= WORLD_HOURS) {
  const length = Math.min(left, WORLD_HOURS);
  try {
    await live(seed, length);
  } catch (error) {
    console.error(`Seed ${seed}: ${error instanceof Error ? error.message : error}`);
    console.error(`\nAgain: bun run simulate-pool --seed ${seed} --hours ${length}${nodes === 2 ? " --nodes 2" : ""}`);
    process.exit(1);
  }
}
console.log(nodes === 1 ? inWords(total) : inWords({ ...ofPairs, failed: {} }));
console.log(
  `\nNo promise was broken in ${hours.toLocaleString()} virtual hours; ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`,
);
