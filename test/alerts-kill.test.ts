// kill -9 between an edge and its message, and between message and reply: sent after the restart, with the same id, in a process of its own.
import { expect, test } from "bun:test";
import { loadSecretKey } from "../src/db/sqlite/secrets.ts";
import { openStore } from "../src/db/sqlite/store.ts";
import { startSimulator } from "../src/simulator/simulator.ts";
import { temporaryFolder } from "../src/testing.ts";
import { startStandIns } from "./alert-stand-ins.ts";
import { startProcess } from "./serve-process.ts";

const HOUR = 3_600_000;

async function until(done: () => boolean, ms = 60_000): Promise<void> {
  for (const end = Date.now() + ms; !done(); ) {
    if (Date.now() > end) throw new Error("It did not happen.");
    await Bun.sleep(50);
  }
}

test("an incident that nobody was told of, and a message whose reply was never read, reach the channel after a restart", async () => {
  using folder = temporaryFolder();
  const simulator = await startSimulator({});
  await using _simulator = { [Symbol.asyncDispose]: () => simulator.stop() };
  await using far = startStandIns();
  const open = () => openStore({ dataDir: folder.path, secretKey: loadSecretKey(folder.path, {}) });
  const store = await open();
  const now = Date.now();
  await store.putChannel({
    id: "hook",
    kind: "webhook",
    name: "hook",
    enabled: true,
    rules: [],
    createdAt: now,
    config: far.config("webhook"),
  });
  // The edge is stored, its message is not: what a kill within the half minute of grouping leaves.
  const facts = { kind: "signIn", address: "203.0.113.9", actor: "admin" };
  const state = { facts, level: 1, urgent: true, changedAt: now - HOUR, toldAt: null, toldLevel: null };
  await store.saveIncidents(
    [{ id: "inc_edge", rule: "sign_in", subject: "x", beganAt: now - HOUR, endedAt: now - HOUR, settled: false, state }],
    [],
  );
  await store.close();
  const env = { FLOW2API_ALERTS_ALLOW_PRIVATE_HOSTS: "127.0.0.1" };

  far.faults.set("webhook", ["hang"]);
  const first = await startProcess(folder.path, simulator, env);
  await until(() => far.received.length === 1);
  await first.end("SIGKILL");

  await using _second = await startProcess(folder.path, simulator, env);
  await until(() => far.received.some(({ problem }) => problem === null), 120_000);
  const ids = far.received.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids).size).toBe(1);
  expect(far.received.at(-1)!.body).toMatchObject({ id: ids[0], incidents: [{ id: "inc_edge", rule: "sign_in" }] });
  await Bun.sleep(1_000);
  expect(far.received).toHaveLength(2);
}, 240_000);
