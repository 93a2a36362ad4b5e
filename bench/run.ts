// bun run bench: gateway, ceiling and peers side by side in interleaved rounds, then every aim beside what was seen.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import { type Aim, atLeast, atMost, printAims } from "./aims.ts";
import { type Allocated, allocationsOf } from "./allocations.ts";
import { anonymousOf, pin } from "./cpu.ts";
import { measureFloors, printFloors } from "./floor.ts";
import { type Gateway, LIMITS, startFlow2api } from "./gateway.ts";
import { largeInstallation, longestStop, startLarge, startOf } from "./large.ts";
import { memoryOf, peakWhile } from "./memory.ts";
import { startNginx, startPortkey } from "./peers.ts";
import { printPool } from "./pool.ts";
import { type Entry, Rounds, type Scenario } from "./rounds.ts";
import { LARGE } from "./seed.ts";
import { startCeiling, startMock, type Target, verify, type Weight } from "./targets.ts";
import { wayInMicroseconds } from "./way-in.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    /** Requests to each target before anything counts. */
    warm: { type: "string", default: "15000" },
    /** Leaves out the installation of 1,000,000 rows. */
    small: { type: "boolean", default: false },
    /** A folder with that installation, seeded when it is empty; absent: one that goes when all is done. */
    data: { type: "string" },
  },
});
const [ROUNDS, WARM_UP] = [Number(values.rounds), Number(values.warm)];
/** The gateway has one core for itself; the mock and the load share the other. */
const [GATEWAY_CORE, LOAD_CORE] = ["0", "1"];
/** On a machine of two cores the load is on the same two, for all targets alike. */
const [GATEWAY_PAIR, LOAD_PAIR] = availableParallelism() >= 4 ? ["0,1", "2,3"] : ["0,1", "0,1"];
const IDLE_MS = 3_000;
const STARTS = 5;
const WATCHED_S = 20;
/** What is measured by itself; printed at the end. */
const FURTHER = `further figures:
  bun bench/streams.ts   2,000 chat streams held at once, every frame counted
  bun bench/answers.ts   16 answers of 24 MiB in every form that holds an image, and the memory of it
  bun bench/video.ts     16 videos of 200 MB from the upstream to disk, then to clients, and the memory of it`;

const ONE: Scenario = { name: "1 connection", connections: 1 };
const MANY: Scenario = { name: "64 connections", connections: 64 };
const HEAVY: Scenario = { name: "2 MB at 8", connections: 8 };
const TWO_CORES: Scenario = { name: "64 connections, two cores", connections: 64 };
const SCENARIOS: [Scenario, Weight][] = [
  [ONE, "small"],
  [MANY, "small"],
  [HEAVY, "large"],
];

await build(new URL("../dist/flow2api", import.meta.url).pathname);
const mock = await startMock(LOAD_CORE);
const started: Target[] = [];
try {
  await measure();
} finally {
  for (const target of started) await target.stop();
  await mock.stop();
}
console.log();
await printPool();
printFloors(await measureFloors());
console.log(`\n${FURTHER}`);
process.exit(0);

async function measure(): Promise<void> {
  const rounds = new Rounds(LOAD_CORE, Number(values.seconds));
  const ceiling = await begin(startCeiling(GATEWAY_CORE, mock.url));
  const ours = await begin(startFlow2api(GATEWAY_CORE, mock.url));
  const limited = await begin(startFlow2api(GATEWAY_CORE, mock.url, { name: "flow2api, key with limits", limits: LIMITS }));
  const peers = [await startNginx(GATEWAY_CORE, mock.url), await startPortkey(GATEWAY_CORE, mock.url)].filter((peer) => peer !== null);
  started.push(...peers);
  const targets: Target[] = [ceiling, ours, limited, ...peers];
  for (const target of targets) for (const weight of ["small", "large"] as const) await verify(target, target.shape(weight), weight);
  for (const shape of ours.shapes) await verify(ours, shape, "small");
  const startMs = await startOf(ours, STARTS);
  await Bun.sleep(IDLE_MS);
  const idleMb = anonymousOf(ours.pid);

  const main: Entry[] = SCENARIOS.flatMap(([scenario, weight]) =>
    targets.map((target) => ({ target, scenario, shape: target.shape(weight) })),
  );
  await rounds.warm(
    main.filter(({ scenario }) => scenario === MANY),
    WARM_UP,
  );
  const shapes: Entry[] = ours.shapes.map((shape) => ({ target: ours, scenario: { ...MANY, name: shape.name }, shape }));
  await rounds.warm(shapes.slice(1), WARM_UP / 5);
  await rounds.run(ROUNDS, [...main, ...shapes]);
  await Bun.sleep(IDLE_MS);
  const loadedMb = memoryOf(ours.pid);
  await onTwoCores(rounds, [ceiling, ours, ...peers]);
  const huge = await hugeAnswers([ceiling, ours]);
  printTargets(rounds, targets, huge);

  const aims = [
    ...aimsOf(rounds, { ceiling, ours, portkey: peers.find(({ name }) => name.startsWith("Portkey")) }),
    atMost("start on an empty folder, ms", startMs, 110),
    atMost("anonymous memory idle, MB", idleMb, 20),
    atMost("RSS after load, MB", loadedMb, 100),
    atMost("guard, access log and headers, µs", await wayInMicroseconds(), 10),
    ...(await allocationAims("", await allocationsOf(null))),
    ...(values.small ? [] : await largeAims(rounds, ours)),
  ];
  printShapes(rounds, shapes);
  printAims(aims);
}

async function begin<T extends Target>(starting: Promise<T>): Promise<T> {
  const target = await starting;
  started.push(target);
  return target;
}

/** Requests per second where the gateway may use two cores: what it moves off its main thread counts here. */
async function onTwoCores(rounds: Rounds, targets: readonly Target[]): Promise<void> {
  for (const { pid } of targets) await pin(pid, GATEWAY_PAIR!);
  await pin(mock.pid, LOAD_PAIR!);
  const paired = new Rounds(LOAD_PAIR!, Number(values.seconds));
  const entries = targets.map((target) => ({ target, scenario: TWO_CORES, shape: target.shape("small") }));
  await paired.run(ROUNDS, entries);
  rounds.adopt(paired);
  for (const { pid } of targets) await pin(pid, GATEWAY_CORE!);
  await pin(mock.pid, LOAD_CORE!);
}

function aimsOf(rounds: Rounds, { ceiling, ours, portkey }: { ceiling: Target; ours: Gateway; portkey?: Target }): Aim[] {
  const ratio = (scenario: Scenario, figure: "rps" | "p99" | "cpu") =>
    rounds.of(ours, scenario, figure) / rounds.of(ceiling, scenario, figure);
  const shape = (name: string) => rounds.of(ours, { ...MANY, name }, "cpu") / rounds.of(ours, { ...MANY, name: "chat" }, "cpu");
  const ahead = (figure: "rps" | "p99" | "cpu") =>
    portkey ? rounds.of(ours, MANY, figure) / rounds.of(portkey, MANY, figure) : Number.NaN;
  return [
    atMost("requests that were not answered with an image", rounds.errorsOf(ours), 0),
    atLeast("CPU at 64, one core, against the ceiling", 1 / ratio(MANY, "cpu"), 0.4, "x"),
    atMost("CPU at 64 against Portkey", ahead("cpu"), 1, "x"),
    atLeast("requests/s at 64 against Portkey", ahead("rps"), 1, "x"),
    atMost("p99 at 64 against Portkey", ahead("p99"), 1, "x"),
    atLeast("requests/s, gateway on two cores", ratio(TWO_CORES, "rps"), 0.5, "x"),
    atMost("p99 at 64", ratio(MANY, "p99"), 2.5, "x"),
    atMost("added p50 at one connection, ms", rounds.of(ours, ONE, "p50") - rounds.of(ceiling, ONE, "p50"), 0.15),
    atLeast("2 MB at 8, CPU against the ceiling", 1 / ratio(HEAVY, "cpu"), 0.35, "x"),
    atMost("stream: true against chat", shape("chat, streamed"), 1.1, "x"),
    atMost("generateContent against chat", shape("generateContent"), 1.1, "x"),
  ];
}

async function allocationAims(where: string, allocated: readonly Allocated[]): Promise<Aim[]> {
  return allocated.flatMap(({ name, objects, kilobytes }) => [
    atMost(`objects, ${name}${where}`, objects, 300),
    atMost(`kB allocated, ${name}${where}`, kilobytes, 25),
  ]);
}

async function largeAims(rounds: Rounds, ours: Gateway): Promise<Aim[]> {
  using installation = await largeInstallation(values.data);
  const large = await startLarge(GATEWAY_CORE!, mock.url, installation.path);
  try {
    await verify(large, large.shape("small"), "small");
    const startMs = await startOf(large, STARTS);
    await Bun.sleep(IDLE_MS);
    const stopMs = await longestStop(large.origin, WATCHED_S);
    const pair = [ours, large].map((target) => ({
      target,
      scenario: { ...MANY, name: "beside 1,000,000 rows" },
      shape: target.shape("small"),
    }));
    await rounds.warm(pair.slice(1), WARM_UP);
    await rounds.run(ROUNDS, pair);
    const [small, grown] = pair.map(({ target, scenario }) => rounds.of(target, scenario, "cpu"));
    await large.stop();
    return [
      atMost("CPU per request at 1,000,000 rows, more, %", (grown! / small! - 1) * 100, 10),
      atMost("start at that size, ms", startMs, 200),
      atMost("longest stop of the loop by housekeeping, ms", stopMs, 10),
      ...(await allocationAims(" at 1,000,000 rows", await allocationsOf(installation.path, LARGE.tokens))),
    ];
  } finally {
    await large.stop();
  }
}

/** 16 responses of 24 MiB (base64) in flight: the most memory that each takes. */
async function hugeAnswers(targets: readonly Target[]): Promise<Map<string, number>> {
  const peaks = new Map<string, number>();
  for (const target of targets) {
    const { path, body, headers } = target.shape("huge");
    const once = async () => {
      const response = await fetch(`${target.origin}${path}`, { method: "POST", body, headers });
      for await (const chunk of response.body ?? []) void chunk;
    };
    peaks.set(target.name, await peakWhile(target.pid, () => Promise.all(Array.from({ length: 16 }, once))));
  }
  return peaks;
}

function printTargets(rounds: Rounds, targets: readonly Target[], huge: Map<string, number>): void {
  const [ceiling] = targets;
  const ratio = (target: Target, scenario: Scenario, figure: "rps" | "p99" | "cpu") => {
    const [value, base] = [rounds.of(target, scenario, figure), rounds.of(ceiling!, scenario, figure)];
    // What costs less is nearer to 1, as more requests are.
    const share = figure === "cpu" ? base / value : value / base;
    return Number.isNaN(value) ? "-" : `${value.toFixed(value < 10 ? 2 : 0)} (${share.toFixed(2)}x)`;
  };
  const p50 = (target: Target) => rounds.of(target, ONE, "p50");
  console.log(
    `medians of ${ROUNDS} interleaved rounds of ${values.seconds} s after ${WARM_UP} requests; gateway on core ${GATEWAY_CORE}, mock and load on core ${LOAD_CORE}; (x) against the ceiling`,
  );
  console.table(
    targets.map((target) => ({
      target: target.name,
      "CPU µs at 64": ratio(target, MANY, "cpu"),
      "req/s at 64": ratio(target, MANY, "rps"),
      "req/s, two cores": ratio(target, TWO_CORES, "rps"),
      "p50 ms at 1": `${p50(target).toFixed(3)} (+${(p50(target) - p50(ceiling!)).toFixed(3)})`,
      "p99 ms at 64": ratio(target, MANY, "p99"),
      "2 MB at 8, CPU µs": ratio(target, HEAVY, "cpu"),
      "2 MB at 8, req/s": ratio(target, HEAVY, "rps"),
      "16 x 24 MiB peak MB": huge.get(target.name)?.toFixed(0) ?? "-",
      "start ms": target.startMs.toFixed(0),
      errors: rounds.errorsOf(target),
    })),
  );
}

function printShapes(rounds: Rounds, shapes: readonly Entry[]): void {
  console.table(
    shapes.map(({ target, scenario }) => ({
      form: scenario.name,
      "CPU µs at 64": rounds.of(target, scenario, "cpu").toFixed(0),
      "req/s at 64": rounds.of(target, scenario, "rps").toFixed(0),
      "p99 ms": rounds.of(target, scenario, "p99").toFixed(1),
    })),
  );
}
