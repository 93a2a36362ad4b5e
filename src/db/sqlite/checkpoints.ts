// Checkpoints: a thread writes a grown WAL back to its database, off the event loop.
import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { Log } from "../../log.ts";
import threadFile from "./checkpoint-thread.js" with { type: "file" };

export type Checkpoints = {
  /** Takes them off this connection's hands. The result is to be called after each commit. */
  of(db: Database): () => void;
  /** Resolves when the thread has ended, which has to be so before a database is closed. */
  close(): Promise<void>;
};

/** Commits between two looks at the log. */
const LOOK_EVERY = 64;
/** Bytes of the log from which on a checkpoint is worth it. */
const WORTH_BYTES = 4 * 1024 * 1024;
/** WAL pages (64 MiB) at which the connection itself makes a checkpoint, so that the WAL restarts. */
const LATEST_PAGES = 16_384;

/** The thread is started when it is first needed. */
export function createCheckpoints(log: Pick<Log, "warn">): Checkpoints {
  const working = new Set<string>();
  let thread: Worker | null = null;
  let isClosed = false;

  const startThread = (): Worker => {
    const worker = new Worker(threadFile, { smol: true, ref: false });
    worker.onmessage = ({ data: file }: MessageEvent<string>) => void working.delete(file);
    worker.onerror = ({ message }) => {
      // Whatever it was on stays with its connection, which makes its own in time.
      log.warn("A checkpoint beside the server failed", { error: message });
      thread = null;
    };
    return worker;
  };

  return {
    of(db) {
      const file = db.filename;
      let commits = 0;
      db.run(`PRAGMA wal_autocheckpoint = ${LATEST_PAGES}`);
      return () => {
        if (++commits % LOOK_EVERY !== 0 || isClosed || working.has(file)) return;
        const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
        if (!log || log.size < WORTH_BYTES) return;
        working.add(file);
        thread ??= startThread();
        thread.postMessage(file);
      };
    },
    async close() {
      isClosed = true;
      if (!thread) return;
      const ended = new Promise((resolve) => thread?.addEventListener("close", resolve, { once: true }));
      thread.terminate();
      await ended;
    },
  };
}
