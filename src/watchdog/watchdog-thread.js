// Thread of the watchdog: sees that the main thread's beat has stopped, logs it, and ends the process when it is asked to stop.
// Imported as text: it runs in the executable without a file of its own. Types and protocol: watchdog.ts.
import { rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TICK_MS = 200;
/** A thread that was itself late by so much was stopped with the whole process. */
const PAUSED_MS = 1_500;
/** As a shell tells a process that ended by SIGTERM. */
const TERMINATED = 143;
const MOST_IDS = 50;

/**
 * Counts SIGTERM and SIGINT on their way to the handlers that are there already: those run on the main thread, which stands still. Null where
 * no C can be compiled; then only the log is written.
 */
function countSignals(source, memory) {
  const file = join(tmpdir(), `flow2api-signals-${process.pid}-${crypto.randomUUID()}.c`);
  try {
    const { cc } = require("bun:ffi");
    writeFileSync(file, source, { flag: "wx", mode: 0o600 });
    const { symbols } = cc({
      source: file,
      symbols: {
        install: { args: ["ptr"], returns: "int" },
        leave: { args: ["int"], returns: "void" },
      },
    });
    return symbols.install(memory) === 1 ? symbols : null;
  } catch {
    return null;
  } finally {
    rmSync(file, { force: true });
  }
}

self.onmessage = ({ data: { memory, layout, stallMs, format, source } }) => {
  const counts = new Int32Array(memory, 0, 3);
  const sequence = new Int32Array(memory, layout.sequenceAt, layout.slots);
  const bytes = new Uint8Array(memory, layout.idsAt);
  const signals = process.platform === "win32" ? null : countSignals(source, new Int32Array(memory, 4, 1));

  /** Ids of the requests under way, newest first. */
  const requestIds = () => {
    const slots = [...sequence.keys()].filter((slot) => sequence[slot] > 0).sort((a, b) => sequence[b] - sequence[a]);
    return slots.slice(0, MOST_IDS).map((slot) => {
      // A copy: text is not decoded from shared memory.
      const id = Uint8Array.from(bytes.subarray(slot * layout.idBytes, (slot + 1) * layout.idBytes));
      return new TextDecoder().decode(id.subarray(0, id.indexOf(0)));
    });
  };
  const write = (message, fields) => {
    const time = new Date().toISOString();
    const line =
      format === "json"
        ? JSON.stringify({ time, level: "error", message, ...fields })
        : `${time.slice(11, 23)} error ${message} ${Object.entries(fields)
            .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
            .join(" ")}`;
    try {
      writeSync(2, `${line}\n`);
    } catch {
      // Standard error is closed, or full: there is nobody to tell.
    }
  };

  let last = 0;
  let since = performance.now();
  let tickedAt = since;
  let stall = null;
  setInterval(() => {
    const now = performance.now();
    const late = now - tickedAt - TICK_MS;
    tickedAt = now;
    if (late > PAUSED_MS) since += late;
    const beat = Atomics.load(counts, 0);
    if (beat !== last) {
      if (stall) self.postMessage({ requestIds: stall.requestIds, ms: Math.round(now - since) });
      stall = null;
      last = beat;
      since = now;
      return;
    }
    // Before the first beat there is nothing to watch.
    if (beat === 0 || now - since < stallMs) return;
    if (!stall) {
      stall = { requestIds: requestIds() };
      write("The event loop stands still", { forMs: Math.round(now - since), requestIds: stall.requestIds });
    }
    if (signals && Atomics.load(counts, 1) > Atomics.load(counts, 2)) {
      write("Asked to stop while the event loop stands still: the process ends now", { forMs: Math.round(now - since) });
      signals.leave(TERMINATED);
    }
  }, TICK_MS);
  self.postMessage({ ready: true, seesSignals: signals !== null });
};
