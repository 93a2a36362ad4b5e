// The gateway in a process of its own, for counting what a request allocates: replies over IPC with the heap's numbers.

import { heapStats } from "bun:jsc";
import { loadConfig } from "../../src/config/config.ts";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { createLog } from "../../src/log.ts";
import { start } from "../../src/server.ts";

/** The heap of a process whose garbage collector is off, and the processor time that it has used. */
export type Heap = { bytes: number; rss: number; cpuMs: number; types: Record<string, number> };

/** Sent once it listens. */
export type Started = { url: string };

const [dataDir = "", upstream = "", key = ""] = process.argv.slice(2);

const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
for (const secret of ["one", "two", "three"]) await store.insertToken({ provider: "gemini", label: secret, secret: `bench-token-${secret}` }, Date.now());
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
let logged = 0;
const log = createLog({ level: "info", format: "json", write: (line) => void (logged += line.length) });
const server = await start({ config, log, firstKey: key });

process.on("message", () => {
  const { heapCapacity, objectTypeCounts } = heapStats();
  const { user, system } = process.cpuUsage();
  const heap: Heap = { bytes: heapCapacity, cpuMs: (user + system) / 1000, types: objectTypeCounts, rss: process.memoryUsage().rss };
  process.send!(heap);
});
process.send!({ url: server.url } satisfies Started);
