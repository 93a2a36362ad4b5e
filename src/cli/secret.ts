// A secret given on the command line or, better, on standard input.
import { isCloudText } from "../gateway/tokens/cloud-account.ts";
import { detectSecret, isDetected, knownForm } from "../gateway/tokens/detect-secret.ts";
import { type Io, usageError } from "./verb.ts";

const MAX_LENGTH = 16_384;

/**
 * The secret that `given` is, or that standard input holds where `given` is `-`: taken out of what it was pasted with, such as a
 * cookie header, an assignment or quotes; white space around it does not count.
 * @throws {AppError} reason `usage`: empty, too long, of the other provider, or with white space inside; never quotes it
 */
export async function readSecret(option: string, given: string, { provider, io }: { provider: string; io: Io }): Promise<string> {
  const text = (given === "-" ? await io.stdin() : given).trim();
  if (text === "") throw usageError(`${option}: expected a secret, got nothing.`);
  if (text.length > MAX_LENGTH) throw usageError(`${option}: expected at most ${MAX_LENGTH} characters, got ${text.length}.`);
  const found = detectSecret(text, provider, { isNamed: true });
  if (isDetected(found)) return found.secret;
  if (isCloudText(text)) throw usageError(`${option}: it ${found.reason}.`);
  if (knownForm(text)) throw usageError(`${option}: it ${found.reason}.`);
  if (/[\s\p{Cc}]/u.test(text)) throw usageError(`${option}: expected one secret, got white space or control characters inside it.`);
  return text;
}
