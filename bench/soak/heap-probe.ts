// Preloaded into the server of a soak: at SIGUSR2 it collects garbage and writes what lives to the file of SOAK_HEAP_FILE.
import { heapStats } from "bun:jsc";
import { renameSync, writeFileSync } from "node:fs";

const file = process.env.SOAK_HEAP_FILE;
if (file) {
  process.on("SIGUSR2", () => {
    // Twice: what finalizers let go is collected by the second.
    Bun.gc(true);
    Bun.gc(true);
    const { heapSize, extraMemorySize, objectTypeCounts } = heapStats();
    writeFileSync(`${file}.part`, JSON.stringify({ heapSize, extraMemorySize, objectTypeCounts }));
    renameSync(`${file}.part`, file);
  });
}
