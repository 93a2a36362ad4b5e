// kill -9 at random moments under load: nothing lost, nothing submitted twice, everything settled soon after a start; from copies and backups too.
import { expect, test } from "bun:test";
import { crashLoop } from "./crash-loop.ts";

const ROUNDS = Number(process.env.FLOW2API_CRASH_ROUNDS ?? 8);
const SEED = Number(process.env.FLOW2API_CRASH_SEED ?? 20261123);

test(
  `${ROUNDS} kills (seed ${SEED}; more: bun test/jobs/crash.ts --rounds 200)`,
  async () => {
    const report = await crashLoop({ rounds: ROUNDS, seed: SEED });
    expect(report.violations).toEqual([]);
    expect(report.jobs).toBeGreaterThan(ROUNDS);
    expect([report.copies, report.restores]).toEqual([Math.floor(ROUNDS / 4), 1]);
  },
  60_000 + ROUNDS * 8_000,
);
