// What grows with the installation: start, processor time per request and stops of the event loop on 1,000,000 rows.
import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Gateway, startFlow2api } from "./gateway.ts";
import { median } from "./load.ts";
import { LARGE, seed } from "./seed.ts";

/** Sweeps come this often, so that some fall into the time that is watched. */
const SWEEP_S = 5;

export type Installation = Disposable & { path: string };

/** A seeded folder: the given one, seeded if it is empty, or one that goes when it is disposed. Takes minutes. */
export async function largeInstallation(given: string | undefined): Promise<Installation> {
  const path = given ?? mkdtempSync(join(tmpdir(), "flow2api-bench-large-"));
  if (!existsSync(join(path, "flow2api.db"))) {
    console.log(`seeding ${LARGE.requests} requests, ${LARGE.tokens} tokens, ${LARGE.media} media`);
    await seed(path, LARGE, (what) => console.log(`  ${what}`));
    serveFromMock(path);
  }
  return {
    path,
    [Symbol.dispose]() {
      if (given === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The mock speaks Gemini alone. One token in five stays in cooldown. */
export function serveFromMock(folder: string): void {
  using db = new Database(join(folder, "flow2api.db"));
  db.run("UPDATE tokens SET provider = 'gemini', families = NULL, image_concurrency = -1");
}

export const startLarge = (cores: string, upstream: string, folder: string): Promise<Gateway> =>
  startFlow2api(cores, upstream, {
    name: "flow2api, 1,000,000 rows",
    folder,
    env: { FLOW2API_REFRESH_ENABLED: "false", FLOW2API_MEDIA_SWEEP_INTERVAL: String(SWEEP_S) },
  });

/** Median ms to the first response. */
export async function startOf(gateway: Gateway, times: number): Promise<number> {
  const all = [];
  for (let time = 0; time < times; time++) all.push(await gateway.restart());
  return median(all);
}

/** Longest wait for `/health` of an idle server within `seconds`, in ms: how long its own housekeeping stops the event loop. */
export async function longestStop(origin: string, seconds: number): Promise<number> {
  let longest = 0;
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await Bun.sleep(1)) {
    const asked = performance.now();
    await (await fetch(`${origin}/health`)).text();
    longest = Math.max(longest, performance.now() - asked);
  }
  return longest;
}
