// The crash loop by hand: bun test/jobs/crash.ts --rounds 200 [--seed 1] [--nodes 2]. Exits 1 when anything is wrong.
import { parseArgs } from "node:util";
import { crashLoop } from "./crash-loop.ts";
import { crashNodes } from "./crash-nodes.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    nodes: { type: "string", default: "1" },
  },
});
const [rounds, seed, nodes] = [Number(values.rounds), Number(values.seed), Number(values.nodes)];
console.log(`${rounds} rounds, seed ${seed}, ${nodes === 2 ? "two nodes" : "one process"}`);
const show = (round: number, summary: string) => console.log(`${round}: ${summary}`);
const report = await (nodes === 2 ? crashNodes({ kills: rounds, seed, onKill: show }) : crashLoop({ rounds, seed, onRound: show }));
console.log(JSON.stringify(report, null, 2));
process.exit(report.violations.length === 0 ? 0 : 1);
