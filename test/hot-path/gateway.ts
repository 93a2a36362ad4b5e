// The gateway as a process of its own whose garbage collector is off: sends what its heap holds over IPC.

import { heapStats } from "bun:jsc";
import { loadConfig } from "../../src/config/config.ts";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { createLog } from "../../src/log.ts";
import { start } from "../../src/server.ts";

/** Everything allocated so far, as nothing is ever freed: cells by type, bytes of the heap, processor time in ms. */
export type Heap = { types: Record<string, number>; bytes: number; rss: number; cpuMs: number };

/** Sent once it listens. */
export type Started = { url: string };

const [dataDir = "", upstream = "", key = ""] = process.argv.slice(2);

const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
// A folder that is used again has them.
const held = (await store.listTokens()).map(({ label }) => label);
for (const label of ["one", "two", "three"].filter((one) => !held.includes(one)))
  await store.insertToken({ provider: "gemini", label, secret: `token-${label}`, imageConcurrency: -1 }, Date.now());
await store.close();

const config = loadConfig({
  file: null,
  env: {},
  flags: {
    "server.host": "127.0.0.1",
    "server.port": 0,
    "storage.data_dir": dataDir,
    "gemini.base_url": upstream,
    "media.min_free_mb": 0,
    "pool.image_concurrency": -1,
    "refresh.enabled": false,
  },
});
const log = createLog({ level: "info", format: "json", write: () => {} });
const server = await start({ config, log, firstKey: key });

process.on("message", () => {
  const { heapCapacity, objectTypeCounts } = heapStats();
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  process.send!({ types: objectTypeCounts, bytes: heapCapacity, rss, cpuMs: (user + system) / 1000 } satisfies Heap);
});
process.send!({ url: server.url } satisfies Started);
