// Changing the secret key of a database that nodes use: nothing is unreadable at any step.

import { expect, test } from "bun:test";
import { temporaryFolder } from "../../testing.ts";
import { NOW, newJob } from "../rows.fixtures.ts";
import type { Store } from "../store.ts";
import { rotateSecret } from "./rotate.ts";
import { openStore } from "./store.ts";
import { databaseOf, hasPostgres } from "./testing.ts";

const OLD = new Uint8Array(32).fill(1);
const NEW = new Uint8Array(32).fill(2);
const TRAIL = { at: NOW, actor: "cli", address: null, action: "secret.rotate", subject: "data", before: null, after: null };

const secretsOf = async (store: Store) =>
  Promise.all((await store.listTokens()).map(async ({ id }) => (await store.readTokenSecret(id)).secret));

test.skipIf(!hasPostgres)("two keys, swapped node by node, then one: every value opens throughout", async () => {
  using folder = temporaryFolder();
  const url = await databaseOf(folder.path);
  const first = await openStore({ url, secretKey: OLD });
  for (let count = 0; count < 220; count++)
    await first.insertToken({ provider: "gemini", label: `t${count}`, secret: `secret ${count}` }, NOW);
  await first.writeSettings({ "plugin.connection_token": "c".repeat(32) });
  const job = newJob();
  await first.insertJob(job);
  await first.close();
  await expect(openStore({ url, secretKey: NEW })).rejects.toThrow("expected the secret key that this database was made with");

  const [before, after] = [
    await openStore({ url, secretKey: OLD, secondKey: NEW }),
    await openStore({ url, secretKey: NEW, secondKey: OLD }),
  ];
  await before.insertToken({ provider: "gemini", label: "before", secret: "by the old key" }, NOW);
  await after.insertToken({ provider: "gemini", label: "after", secret: "by the new key" }, NOW);
  // Added on both sides of the change: neither node can see that it is there.
  await after.insertToken({ provider: "gemini", label: "again", secret: "secret 7" }, NOW);
  expect(await secretsOf(before)).toEqual(await secretsOf(after));

  const { values, twice } = await rotateSecret({ url, key: NEW, former: OLD, trail: TRAIL });
  expect(values).toBeGreaterThan(220);
  expect(twice.length).toBe(1);
  expect(await secretsOf(before)).toEqual(await secretsOf(after));
  expect((await rotateSecret({ url, key: NEW, former: OLD, trail: TRAIL })).values).toBe(0);
  await before.close();
  await after.close();

  const last = await openStore({ url, secretKey: NEW });
  expect((await secretsOf(last)).length).toBe(223);
  expect((await last.getJob(job.id))?.webhookUrl).toBe(job.webhookUrl);
  expect(await last.readSettings()).toEqual({ "plugin.connection_token": "c".repeat(32) });
  await expect(last.insertToken({ provider: "gemini", label: "x", secret: "secret 3" }, NOW)).rejects.toThrow();
  await last.close();
  await expect(openStore({ url, secretKey: OLD })).rejects.toThrow("expected the secret key");
});
