// A server that is asked to stop: refuses who comes, lets open responses end, cuts them at the deadline, and writes everything down.
import { expect, test } from "bun:test";
import { openRequestLog } from "../../src/db/sqlite/store.ts";
import { silentLog } from "../../src/log.ts";
import { temporaryFolder, virtualClock } from "../../src/testing.ts";
import { framesOf, type Rig, startRig } from "../rig.ts";

/** A stream whose head has come: the upstream has its request. */
async function openStream(rig: Rig) {
  const response = await rig.chat({ stream: true });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("Drawing")) text += (await reader.read()).value;
  while (rig.simulator.counts().total.accepted === 0) await Bun.sleep(1);
  return {
    /** Everything, once it has ended. */
    async rest() {
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      return text;
    },
  };
}

async function rowsOf(folder: string) {
  const requests = await openRequestLog({ dataDir: folder, clock: virtualClock(), log: silentLog });
  const rows = await requests.list({ limit: 10 });
  await requests.close();
  return rows;
}

test("a response that is open ends whole, while nobody else is let in", async () => {
  using folder = temporaryFolder();
  const simulator = { faults: "gemini.generate=latency(300)" };
  await using rig = await startRig({ folder: folder.path, simulator, settings: { "server.drain_timeout": 60 } });
  const stream = await openStream(rig);
  const stopping = rig.stopGateway();
  await expect(fetch(`${rig.url}/health`, { keepalive: false })).rejects.toThrow();
  expect(framesOf(await stream.rest()).at(-1)).toBe("[DONE]");
  await stopping;
  expect(await rowsOf(folder.path)).toMatchObject([{ outcome: "ok", images: 1 }]);
});

test("one that takes longer than server.drain_timeout is reported so and cut; its slot and its reservation end", async () => {
  using folder = temporaryFolder();
  const simulator = { faults: "gemini.generate=hang" };
  await using rig = await startRig({ folder: folder.path, simulator, settings: { "server.drain_timeout": 0 } });
  const stream = await openStream(rig);
  const stopping = rig.stopGateway();
  const last = JSON.parse(framesOf(await stream.rest()).at(-1)!) as { error?: { message: string } };
  expect(last.error?.message).toContain("stopping");
  await stopping;
  expect(rig.context.pool.gauges().inFlight).toEqual({ image: 0, video: 0 });
  expect(rig.simulator.counts().total.accepted).toBe(1);
  const [row] = await rowsOf(folder.path);
  expect(row).toMatchObject({ images: 0, attempts: [{ tokenId: 1 }] });
  // The upstream had the request: what it may have charged counts.
  expect(row!.usd).toBeGreaterThan(0);
});
