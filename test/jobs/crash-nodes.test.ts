// kill -9 of one of two nodes at random moments under load: nothing lost, nothing submitted twice, nothing left reserved.
import { expect, test } from "bun:test";
import { hasPostgres } from "../../src/db/postgres/testing.ts";
import { crashNodes } from "./crash-nodes.ts";

const KILLS = Number(process.env.FLOW2API_CRASH_KILLS ?? 4);
const SEED = Number(process.env.FLOW2API_CRASH_SEED ?? 20261130);

test.skipIf(!hasPostgres)(
  `${KILLS} kills of two nodes (seed ${SEED}; more: bun test/jobs/crash.ts --nodes 2 --rounds 200)`,
  async () => {
    const report = await crashNodes({ kills: KILLS, seed: SEED });
    expect(report.violations).toEqual([]);
    expect(report.jobs).toBeGreaterThan(KILLS);
  },
  120_000 + KILLS * 15_000,
);
