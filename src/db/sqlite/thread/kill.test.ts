// `kill -9` during a batch: what was acknowledged is there, and every batch is there whole or not at all.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { seededRandom, temporaryFolder } from "../../../testing.ts";
import type { UsageQuery } from "../../ledger.ts";
import type { Store } from "../../store.ts";
import { openStore } from "../store.ts";

const KILLS = 4;
const DAY = { from: 0, to: 86_400_000 };

/** Runs the fixture until it has said so many lines, kills it, and gives all that it said. */
async function killAfter(lines: number, dataDir: string, round: number): Promise<string[]> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "kill.fixtures.ts"), dataDir, String(round)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let said = "";
  let seen = 0;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
    said += chunk;
    seen += chunk.split("\n").length - 1;
    if (seen >= lines) child.kill("SIGKILL");
  }
  await child.exited;
  // The last line may be cut.
  return said.split("\n").slice(0, -1);
}

async function requestsBy(store: Store, query: UsageQuery): Promise<number> {
  return (await store.readUsage(query)).reduce((sum, { requests }) => sum + requests, 0);
}

test("nothing that was acknowledged is lost, and no sum differs from its rows", async () => {
  using folder = temporaryFolder();
  const random = seededRandom(3);
  const begun = new Map<number, string>();
  const ended = new Set<number>();
  for (let round = 0; round < KILLS; round++) {
    for (const line of await killAfter(1 + Math.floor(random() * 400), folder.path, round)) {
      const [what, requestId, id] = line.split(" ") as [string, string, string];
      if (what === "begun") {
        expect(begun.has(Number(id)), `${line}: an id is given once`).toBe(false);
        begun.set(Number(id), requestId);
      } else ended.add(Number(id));
    }
    const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
    const { open, spent, recent } = await store.readLedger(["total"], 0);
    const openIds = new Map(open.map(({ id, requestId }) => [id, requestId]));
    for (const id of ended) expect(openIds.has(id), `${id} was ended`).toBe(false);
    expect(recent.length).toBeGreaterThanOrEqual(begun.size);
    for (const [id, requestId] of begun) if (openIds.has(id)) expect(openIds.get(id)).toBe(requestId);
    const settled = recent.length - open.length;
    expect(settled).toBeGreaterThanOrEqual(ended.size);
    expect(spent.reduce((sum, { amounts }) => sum + amounts.images, 0)).toBe(settled);
    for (const by of ["span", "key", "token", "hour"] as const) expect(await requestsBy(store, { ...DAY, by }), by).toBe(settled);
    await store.close();
  }
  expect(ended.size).toBeGreaterThan(0);
}, 60_000);
