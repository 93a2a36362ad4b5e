// bun run bench: every figure side by side, in interleaved rounds, as medians and as ratios to the ceiling of the same run.
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import { type Figures, load, median } from "./load.ts";
import { memoryOf, peakWhile } from "./memory.ts";
import { printPool } from "./pool.ts";
import { startCeiling, startFlow2api, startLimited, startMock, startNginx, startPortkey, type Target } from "./targets.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
/** What is measured by itself; printed at the end. */
const FURTHER = `further figures:
  bun bench/streams.ts   2,000 chat streams held at once, every frame counted
  bun bench/answers.ts   16 answers of 24 MiB in every form that holds a picture, and the memory of it
  bun bench/video.ts     16 videos of 200 MB from the upstream to disk, then to clients, and the memory of it`;
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
/** The gateway has one core for itself; the mock and the load share the other. */
const GATEWAY_CORE = 0;
const LOAD_CORE = 1;

const SCENARIOS = [
  { name: "1 connection", weight: "small", connections: 1 },
  { name: "64 connections", weight: "small", connections: 64 },
  { name: "2 MB at 8", weight: "large", connections: 8 },
] as const;

const root = new URL("..", import.meta.url).pathname;
await build(`${root}dist/flow2api`);
const mock = await startMock(LOAD_CORE);
const starters = [startCeiling, startFlow2api, startLimited, startNginx, startPortkey];
const targets: Target[] = [];
for (const start of starters) {
  const target = await start(GATEWAY_CORE, mock.url);
  if (target) targets.push(target);
}

const results = new Map<string, Figures[]>();
try {
  const idle = new Map(targets.map((target) => [target.name, memoryOf(target.pid)]));
  for (const target of targets) await load(request(target, SCENARIOS[1], 1), LOAD_CORE);
  for (let round = 0; round < ROUNDS; round++) {
    for (const scenario of SCENARIOS) {
      for (const target of targets) {
        const figures = await load(request(target, scenario, SECONDS), LOAD_CORE);
        const key = `${target.name}|${scenario.name}`;
        results.set(key, [...(results.get(key) ?? []), figures]);
      }
    }
  }
  print(idle, await hugeAnswers());
} finally {
  for (const target of targets) await target.stop();
  await mock.stop();
}
console.log();
await printPool();
console.log(`\n${FURTHER}`);

function request(target: Target, scenario: { weight: "small" | "large"; connections: number }, seconds: number) {
  return {
    url: target.url,
    body: target.body(scenario.weight),
    headers: target.headers(scenario.weight),
    connections: scenario.connections,
    seconds,
  };
}

/** 16 answers of 24 MiB (base64) in flight: the most memory that flow2api and the ceiling take. */
async function hugeAnswers(): Promise<Map<string, number>> {
  const peaks = new Map<string, number>();
  for (const target of targets.slice(0, 2)) {
    const once = async () => {
      const response = await fetch(target.url, { method: "POST", body: target.body("huge"), headers: target.headers("huge") });
      for await (const chunk of response.body ?? []) void chunk;
    };
    peaks.set(target.name, await peakWhile(target.pid, () => Promise.all(Array.from({ length: 16 }, once))));
  }
  return peaks;
}

function print(idle: Map<string, number>, huge: Map<string, number>): void {
  const [ceiling] = targets;
  const of = (target: Target, scenario: string, figure: keyof Figures) =>
    median((results.get(`${target.name}|${scenario}`) ?? []).map((one) => one[figure]));
  const errors = (target: Target) =>
    SCENARIOS.reduce((sum, { name }) => sum + (results.get(`${target.name}|${name}`) ?? []).reduce((all, one) => all + one.errors, 0), 0);
  const ratio = (value: number, base: number) => `${value.toFixed(value < 10 ? 2 : 0)} (${(value / base).toFixed(2)}x)`;
  const rows = targets.map((target) => ({
    target: target.name,
    "p50 ms at 1": `${of(target, "1 connection", "p50").toFixed(3)} (+${(of(target, "1 connection", "p50") - of(ceiling!, "1 connection", "p50")).toFixed(3)})`,
    "req/s at 64": ratio(of(target, "64 connections", "rps"), of(ceiling!, "64 connections", "rps")),
    "p99 ms at 64": ratio(of(target, "64 connections", "p99"), of(ceiling!, "64 connections", "p99")),
    "2 MB req/s at 8": ratio(of(target, "2 MB at 8", "rps"), of(ceiling!, "2 MB at 8", "rps")),
    "16 x 24 MiB peak MB": huge.has(target.name) ? huge.get(target.name)!.toFixed(0) : "-",
    "idle MB": idle.get(target.name)!.toFixed(0),
    "start ms": target.startMs.toFixed(0),
    errors: errors(target),
  }));
  console.log(
    `medians of ${ROUNDS} interleaved rounds of ${SECONDS} s; gateway on core ${GATEWAY_CORE}, mock and load on core ${LOAD_CORE}; (x) against the ceiling`,
  );
  console.table(rows);
}
