// Starting a server from the command line: the log it writes, and a port that somebody else has.
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { createLog, type Log } from "../log.ts";
import type { Io } from "./verb.ts";

/** The log that the settings ask for, on standard error. */
export function createServerLog({ settings: { log } }: Config, io: Io): Log {
  const format = log.format === "auto" ? (io.isTerminal ? "pretty" : "json") : log.format;
  return createLog({ level: log.level, format, now: io.now, write: (line) => io.stderr(`${line}\n`) });
}

/** Resolves as `starting` does. @throws {AppError} `conflict` when the port cannot be had, in one line that says what to do */
export async function listening<Server>(starting: Promise<Server>, port: number): Promise<Server> {
  try {
    return await starting;
  } catch (error) {
    const code = codeOf(error) ?? codeOf((error as Error).cause);
    if (code === "EADDRINUSE") throw new AppError("conflict", `Port ${port} is taken; choose another with --port.`, { cause: error });
    if (code === "EACCES")
      throw new AppError("conflict", `Port ${port} needs rights; choose one above 1023 with --port.`, { cause: error });
    throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as { code?: string } | undefined)?.code;
