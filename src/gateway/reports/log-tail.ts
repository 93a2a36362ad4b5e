// Log tail: the last lines of the log in memory.
import type { Log, LogLevel, LogLine } from "../../log.ts";

/** Numbered from 1 in the order of their being written. */
export type TailLine = LogLine & { number: number };

export type LogTail = {
  /** Oldest first, those after a number and of a level or worse; at most the newest `limit`. */
  lines(filter?: { after?: number; level?: LogLevel; limit?: number }): TailLine[];
  /** Takes no further lines: the log outlives a server that restarts in its process. */
  close(): void;
};

const CAPACITY = 500;
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function createLogTail(log: Pick<Log, "listen">, capacity = CAPACITY): LogTail {
  const held: TailLine[] = [];
  let count = 0;
  const close = log.listen((line) => {
    held.push({ ...line, number: ++count });
    if (held.length > capacity) held.shift();
  });
  return {
    close,
    lines({ after = 0, level = "debug", limit = capacity } = {}) {
      const least = LEVELS.indexOf(level);
      return held.filter((line) => line.number > after && LEVELS.indexOf(line.level) >= least).slice(-limit);
    },
  };
}
