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
  const held: LogLine[] = [];
  let count = 0;
  const close = log.listen((line) => {
    count++;
    held.push(line);
    if (held.length > capacity) held.shift();
  });
  return {
    close,
    lines({ after = 0, level = "debug", limit = capacity } = {}) {
      const least = LEVELS.indexOf(level);
      const first = count - held.length + 1;
      return held
        .map((line, index) => ({ ...line, number: first + index }))
        .filter((line) => line.number > after && LEVELS.indexOf(line.level) >= least)
        .slice(-limit);
    },
  };
}
