// Bench of nodes: one process on SQLite, one node and two nodes on Postgres, each the executable under the same load: `bun run bench:nodes`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Cluster } from "../src/db/postgres/testing.ts";
import { cpuOf } from "./cpu.ts";
import { type Gateway, LIMITS, startFlow2api } from "./gateway.ts";
import { load, median, warmUp } from "./load.ts";
import { startMock } from "./targets.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    // The compilers of a process are at work for its first 20,000 requests.
    warm: { type: "string", default: "30000" },
    connections: { type: "string", default: "64" },
  },
});
const [rounds, seconds, warm, connections] = [
  Number(values.rounds),
  Number(values.seconds),
  Number(values.warm),
  Number(values.connections),
];

/** Everything shares the cores of the machine: nodes, Postgres, mock and load. */
const CORES = `0-${navigator.hardwareConcurrency - 1}`;
const AIM = 2000;

type Target = { name: string; gateways: readonly Gateway[]; postgres: number | null };
/** Processor time in µs a request. */
type Round = { rps: number; node: number; postgres: number; p50: number; p99: number; single: number; errors: number };

/** One measurement over all gateways of the target at once. */
async function measure({ gateways, postgres }: Target): Promise<Round> {
  const before = postgres === null ? 0 : cpuOf(postgres);
  const at = (gateway: Gateway, some: number) => {
    const { path, body, headers } = gateway.shape("small");
    return load({ url: `${gateway.origin}${path}`, body, headers, connections: some, seconds }, gateway.pid, CORES);
  };
  const all = await Promise.all(gateways.map((gateway) => at(gateway, connections / gateways.length)));
  const requests = all.reduce((sum, one) => sum + one.requests, 0);
  const postgresUs = postgres === null ? 0 : (cpuOf(postgres) - before) / requests;
  const single = await at(gateways[0]!, 1);
  return {
    rps: all.reduce((sum, { rps }) => sum + rps, 0),
    node: all.reduce((sum, one) => sum + one.cpu * one.requests, 0) / requests,
    postgres: postgresUs,
    p50: Math.max(...all.map(({ p50 }) => p50)),
    p99: Math.max(...all.map(({ p99 }) => p99)),
    single: single.p50,
    errors: all.reduce((sum, { errors }) => sum + errors, single.errors),
  };
}

await using closing = new AsyncDisposableStack();
const mock = await startMock(CORES);
closing.defer(() => mock.stop());
const postgres = await Cluster.start({ fsync: "on", full_page_writes: "on", shared_buffers: "256MB" });
closing.defer(postgres.stop);

/** @param dataDir of a further node: the tokens are in the database already */
const node = async (database: string, dataDir?: string): Promise<Gateway> => {
  const env = {
    FLOW2API_STORAGE_DATABASE_URL: postgres.url(database),
    FLOW2API_SECRET_KEY: Buffer.from(new Uint8Array(32).map((_, at) => at * 7 + 3)).toString("base64"),
  };
  const gateway = await startFlow2api(CORES, mock.url, { name: database, env, limits: LIMITS, folder: dataDir });
  closing.defer(() => gateway.stop());
  return gateway;
};
const folder = mkdtempSync(join(tmpdir(), "flow2api-bench-nodes-"));
closing.defer(() => rmSync(folder, { recursive: true, force: true }));
const sqlite = await startFlow2api(CORES, mock.url, { limits: LIMITS });
closing.defer(() => sqlite.stop());
for (const name of ["one", "two"]) await postgres.execute(`CREATE DATABASE ${name}`);
const targets: Target[] = [
  { name: "SQLite", gateways: [sqlite], postgres: null },
  { name: "1 node", gateways: [await node("one")], postgres: postgres.pid },
  { name: "2 nodes", gateways: [await node("two"), await node("two", folder)], postgres: postgres.pid },
];
for (const { gateways } of targets)
  for (const gateway of gateways) {
    const { path, body, headers } = gateway.shape("small");
    await warmUp({ url: `${gateway.origin}${path}`, body, headers, connections: 32, seconds }, gateway.pid, CORES, warm);
  }
const seen = new Map<Target, Round[]>(targets.map((target) => [target, []]));
for (let round = 0; round < rounds; round++) for (const target of targets) seen.get(target)!.push(await measure(target));

const of = (target: Target) => {
  const all = seen.get(target)!;
  const middle = (name: keyof Round) => median(all.map((round) => round[name]));
  const names = ["rps", "node", "postgres", "p50", "p99", "single"] as const;
  return {
    ...(Object.fromEntries(names.map((name) => [name, middle(name)])) as Omit<Round, "errors">),
    errors: all.reduce((sum, one) => sum + one.errors, 0),
  };
};
const base = of(targets[0]!);
console.log(`${connections} connections, medians of ${rounds} rounds of ${seconds} s; processor time in µs a request\n`);
console.log("| target | requests/s | CPU node | CPU Postgres | p50 ms | p99 ms | p50 at one connection | added | errors |");
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const target of targets) {
  const { rps, node, postgres, p50, p99, single, errors } = of(target);
  const cells = [
    rps.toFixed(0),
    node.toFixed(0),
    postgres.toFixed(0),
    p50.toFixed(2),
    p99.toFixed(2),
    single.toFixed(2),
    (single - base.single).toFixed(2),
    errors,
  ];
  console.log(`| ${target.name} | ${cells.join(" | ")} |`);
}
const both = of(targets[2]!).rps;
console.log(`\nTwo nodes: ${both.toFixed(0)} generations/s, aim ${AIM}: ${both >= AIM ? "met" : "MISSED"}`);
