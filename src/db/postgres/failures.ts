// Failures of Postgres as errors that can be returned: lost connections, a full disk, a server that takes no writes.
import { AppError, diskIsFull, serverFailure } from "../../errors.ts";

/** Fields that Bun sets on an error of the server: `errno` is the SQLSTATE. */
type Failure = { code?: unknown; errno?: unknown; name?: unknown };

const textOf = (value: unknown) => (typeof value === "string" ? value : "");

/** SQLSTATE of an error (https://www.postgresql.org/docs/current/errcodes-appendix.html, read 2026-11-30); empty: it is not the server's. */
export const sqlState = (error: unknown): string => {
  const { errno } = (error ?? {}) as Failure;
  return /^[0-9A-Z]{5}$/.test(textOf(errno)) ? textOf(errno) : "";
};

/** Connection exceptions, a server that stops or starts, too many connections, a server that has become a replica. */
const AWAY = /^(?:08...|57P0[1-5]|53300|25006)$/;

/** The connection failed or was closed: what was asked for may have been done or not. */
export function isLostConnection(error: unknown): boolean {
  const { code } = (error ?? {}) as Failure;
  return (
    AWAY.test(sqlState(error)) ||
    /^ERR_POSTGRES_(?:CONNECTION|IDLE_TIMEOUT|LIFETIME_TIMEOUT)|^E(?:CONN|TIMEDOUT|PIPE|HOST|NET|NOTFOUND|AI_)/.test(textOf(code))
  );
}

/** The same transaction may succeed when it is run again: deadlock, serialization failure. */
export const isRetryable = (error: unknown): boolean => /^40(?:001|P01)$/.test(sqlState(error));

/** A statement of a transaction in which another has failed. */
export const isOfAborted = (error: unknown): boolean => sqlState(error) === "25P02";

/** What a statement was to change is another by now: a guard in it divides by zero. */
export const isContended = (error: unknown): boolean => sqlState(error) === "22012";

export const isUniqueViolation = (error: unknown): boolean => sqlState(error) === "23505";

/** The disk is full, or a table, index or log of the server cannot grow. */
const isFull = (error: unknown): boolean => sqlState(error) === "53100";

const TIMED_OUT = /^(?:57014|55P03)$/;

/** Runs `work` and throws what it throws, failures of the server as an AppError. */
export async function reportFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (isFull(error)) return diskIsFull(error);
  if (!isLostConnection(error) && !TIMED_OUT.test(sqlState(error))) return error;
  return serverFailure("This server cannot reach its database at the moment.", "store_unavailable", { cause: error });
}
