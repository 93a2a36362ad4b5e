// A secret given on the command line or, better, on standard input.
import { type Io, usageError } from "./verb.ts";

const MAX_LENGTH = 16_384;

/**
 * The secret that `given` is, or that standard input holds where `given` is `-`; white space around it does not count.
 * @throws {AppError} reason `usage`: empty, too long, or with white space inside; never quotes it
 */
export async function readSecret(option: string, given: string, io: Io): Promise<string> {
  const secret = (given === "-" ? await io.stdin() : given).trim();
  if (secret === "") throw usageError(`${option}: expected a secret, got nothing.`);
  if (secret.length > MAX_LENGTH) throw usageError(`${option}: expected at most ${MAX_LENGTH} characters, got ${secret.length}.`);
  if (/[\s\p{Cc}]/u.test(secret)) throw usageError(`${option}: expected one secret, got white space or control characters inside it.`);
  return secret;
}
