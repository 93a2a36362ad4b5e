// A server whose event loop stands still once a request is under way. Arguments: ms for which it does; native or not; format of the log.
import { writeSync } from "node:fs";
import { createAccessLog } from "../../src/api/access-log.ts";
import { arriving } from "../../src/api/testing.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { Watchdog } from "../../src/watchdog/watchdog.ts";

process.on("SIGTERM", () => {
  console.log("stopped gracefully");
  process.exit(0);
});
const [, , stallMs, thread, format = "json"] = process.argv;
const log = createLog({ level: "info", format: "json" });
const watchdog = new Watchdog(log, format as "json" | "pretty", { isNative: thread === "native" });
const access = createAccessLog({ metrics: createMetrics(), log, now: Date.now, watch: watchdog });
const seesSignals = await watchdog.ready;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request) {
    const arrival = arriving(request);
    access.begin(arrival);
    const { requestId: id, path } = arrival;
    if (path === "/stall") {
      // At once: nothing is flushed while the loop stands still.
      writeSync(1, `stalls ${id}\n`);
      const end = Date.now() + Number(stallMs);
      while (Date.now() < end);
    }
    access.end(arrival, 200);
    return new Response(id);
  },
});
console.log(`listens ${server.port} ${seesSignals}`);
