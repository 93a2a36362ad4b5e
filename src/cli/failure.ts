// A failure as the person at the terminal reads it: one line wherever it is no bug, with the exit code.
import { AppError } from "../errors.ts";
import { redactText } from "../log.ts";
import { usageLine } from "./help.ts";
import type { Io, Verb } from "./verb.ts";

/** What the system says of a path, in words. */
const SYSTEM: Record<string, string> = {
  EACCES: "this user has no right to it",
  EDQUOT: "the disk is full",
  EEXIST: "something else is there already",
  EISDIR: "is a folder",
  ENOENT: "there is no such file or folder",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of it is no folder",
  EPERM: "this user has no right to it",
  EROFS: "the disk is read-only",
};

/** Failures of a database that are the disk's or the file's, not ours. */
const DATABASE = /^SQLITE_(BUSY|CANTOPEN|CORRUPT|FULL|IOERR|NOTADB|READONLY)/;

/** What the operator can do something about; null: a bug. */
function sentenceOf(error: unknown): string | null {
  if (error instanceof AppError) return error.message;
  if (!(error instanceof Error)) return null;
  const { code = "", path, message } = error as NodeJS.ErrnoException;
  if (DATABASE.test(code)) return `The database cannot be used: ${message}.`;
  const said = SYSTEM[code];
  return said && (path !== undefined || code === "ENOSPC") ? `${path ?? "The data folder"}: ${said}.` : null;
}

/** Reports what went wrong. @returns the exit code: 1 failed, 2 wrong usage */
export function printFailure(error: unknown, verb: Verb, io: Pick<Io, "stderr">): number {
  const sentence = sentenceOf(error);
  if (sentence === null) {
    io.stderr(`Internal error: ${redactText(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`);
    return 1;
  }
  const wrongUsage = error instanceof AppError && error.reason === "usage";
  io.stderr(`${redactText(sentence)}\n${wrongUsage ? `${usageLine(verb)}\n` : ""}`);
  return wrongUsage ? 2 : 1;
}
