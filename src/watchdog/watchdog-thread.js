// Thread of the watchdog where no C can be compiled: sees that the main thread's beat has stopped and logs it. Signals wait.
// Imported as text: it runs in the executable without a file of its own. Types and protocol: watchdog.ts.
import { writeSync } from "node:fs";

const TICK_MS = 200;
/** A thread that was itself late by so much was stopped with the whole process. */
const PAUSED_MS = 1_500;
const MOST_IDS = 50;

self.onmessage = ({ data: { memory, layout, isJson } }) => {
  const counts = new Int32Array(memory, 0, layout.counts);
  const sequence = new Int32Array(memory, layout.sequenceAt, layout.slots);
  const bytes = new Uint8Array(memory, layout.idsAt, layout.slots * layout.idBytes);
  const stalledIds = new Uint8Array(memory, layout.stalledIdsAt);

  /** Ids of the requests under way, newest first. */
  const requestIds = () => {
    const slots = [...sequence.keys()].filter((slot) => sequence[slot] > 0).sort((a, b) => sequence[b] - sequence[a]);
    return slots.slice(0, MOST_IDS).map((slot) => {
      // A copy: text is not decoded from shared memory.
      const id = Uint8Array.from(bytes.subarray(slot * layout.idBytes, (slot + 1) * layout.idBytes));
      return new TextDecoder().decode(id.subarray(0, id.indexOf(0)));
    });
  };
  const write = (forMs, ids) => {
    const time = new Date().toISOString();
    const message = "The event loop stands still";
    const line = isJson
      ? JSON.stringify({ time, level: "error", message, forMs, requestIds: ids })
      : `${time.slice(11, 23)} error ${message} forMs=${forMs} requestIds=${JSON.stringify(ids)}`;
    try {
      writeSync(2, `${line}\n`);
    } catch {
      // Standard error is closed, or full: there is nobody to tell.
    }
  };

  let last = 0;
  let since = performance.now();
  let tickedAt = since;
  let isStalled = false;
  setInterval(() => {
    const now = performance.now();
    const late = now - tickedAt - TICK_MS;
    tickedAt = now;
    if (late > PAUSED_MS) since += late;
    const beat = Atomics.load(counts, layout.beatsAt);
    if (beat !== last) {
      last = beat;
      since = now;
      isStalled = false;
      return;
    }
    // Before the first beat there is nothing to watch.
    if (beat === 0 || now - since < layout.stallMs || isStalled) return;
    isStalled = true;
    const ids = requestIds();
    const { written } = new TextEncoder().encodeInto(JSON.stringify(ids), stalledIds.subarray(0, -1));
    stalledIds[written] = 0;
    Atomics.store(counts, layout.stalledAt, 1);
    write(Math.round(now - since), ids);
  }, TICK_MS);
  self.postMessage("ready");
};
