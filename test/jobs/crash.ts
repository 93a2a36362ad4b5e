// The crash loop by hand: bun test/jobs/crash.ts --rounds 200 [--seed 1]. Exits 1 when anything is wrong.
import { parseArgs } from "node:util";
import { crashLoop } from "./crash-loop.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "200" }, seed: { type: "string", default: String(Date.now() % 100_000) } },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
console.log(`${rounds} rounds, seed ${seed}`);
const report = await crashLoop({ rounds, seed, onRound: (round, summary) => console.log(`${round}: ${summary}`) });
console.log(JSON.stringify(report, null, 2));
process.exit(report.violations.length === 0 ? 0 : 1);
