// bun run fuzz [--runs N] [--seed S] [--only NAME]: every property N times (default 100,000), with the figures.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { PROPERTIES } from "./properties.ts";

const { values } = parseArgs({ options: { runs: { type: "string" }, seed: { type: "string" }, only: { type: "string" } } });
const runs = Number(values.runs ?? 100_000);
const seed = Number(values.seed ?? Date.now() & 0x7fffffff);
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  console.error("Usage: bun run fuzz [--runs N] [--seed S] [--only NAME]");
  process.exit(2);
}
let failed = 0;
let total = 0;
console.log(`seed ${seed}, ${runs} runs each`);
for (const { name, property } of PROPERTIES.filter((one) => one.name.includes(values.only ?? ""))) {
  const start = performance.now();
  const result = await fc.check(property, { numRuns: runs, seed });
  total += result.numRuns;
  const seconds = (performance.now() - start) / 1000;
  console.log(`${result.failed ? "FAILED" : "ok    "} ${name}: ${result.numRuns} runs in ${seconds.toFixed(1)} s`);
  if (!result.failed) continue;
  failed += 1;
  console.log(fc.defaultReportMessage(result));
}
console.log(`${total} runs, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
