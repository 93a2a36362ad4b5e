// bun run simulate-pool --seed N --hours H: worlds from seed N on for H virtual hours without a failed assertion.
import { parseArgs } from "node:util";
import { addFigures, inWords, noFigures } from "./figures.ts";
import { simulate } from "./world.ts";

/** A world is as long as this at most, so that a failure is soon there again. */
const WORLD_HOURS = 100;

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" }, hours: { type: "string", default: "100" } } });
const [firstSeed, hours] = [Number(values.seed), Number(values.hours)];
if (!Number.isInteger(firstSeed) || !(hours > 0)) {
  console.error("Usage: bun run simulate-pool --seed N --hours H (whole number, number above 0)");
  process.exit(2);
}

const startedAt = performance.now();
const total = noFigures();
for (let seed = firstSeed, left = hours; left > 0; seed++, left -= WORLD_HOURS) {
  const length = Math.min(left, WORLD_HOURS);
  try {
    addFigures(total, await simulate(seed, length));
  } catch (error) {
    console.error(`Seed ${seed}: ${error instanceof Error ? error.message : error}`);
    console.error(`\nAgain: bun run simulate-pool --seed ${seed} --hours ${length}`);
    process.exit(1);
  }
}
console.log(inWords(total));
console.log(
  `\nNo promise was broken in ${hours.toLocaleString()} virtual hours; ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`,
);
