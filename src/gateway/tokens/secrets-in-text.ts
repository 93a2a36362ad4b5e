// The secrets of a known form that stand somewhere in a text, whatever is written around them. Pure.
import { detectSecret, isDetected, knownForm } from "./detect-secret.ts";

/** Four dashes part accounts in lists that are traded as text. */
const DASHES = /----/g;
/** What a secret of a known form is made of, and what stands around it in a sentence. */
const WORD = /[\w.-]+/g;

/** The secret that a word is, without the signs of a sentence around it; null: none. */
function secretOf(word: string): string | null {
  if (knownForm(word)) return word;
  const bare = withoutMarks(word);
  return knownForm(bare) ? bare : null;
}

/** Each once, in their order. One pass, as all of these are: a line may hold ten thousand. */
export function secretsIn(text: string): string[] {
  const words = text.replace(DASHES, " ").match(WORD) ?? [];
  return [...new Set(words.flatMap((word) => secretOf(word) ?? []))];
}

/** The secrets of a text that holds nothing else than secrets and signs between them; empty otherwise. */
export function onlySecretsIn(text: string): string[] {
  const left = text.replace(DASHES, " ").replace(WORD, (word) => (secretOf(word) === null ? word : " "));
  return /[\p{L}\p{N}]/u.test(left) ? [] : secretsIn(text);
}

/** True where each secret is marked off by quotes, tags or a name: what else stands in the line is the language around. */
export function areMarkedOff(text: string): boolean {
  for (const { 0: word, index } of text.replace(DASHES, "    ").matchAll(WORD)) {
    if (secretOf(word) !== null && !/["'`>=]/.test(text[index - 1] ?? "")) return false;
  }
  return true;
}

/** The secrets of the other fields of an object or a row: one that holds two does not lose the second. */
export function furtherSecrets(values: readonly unknown[], taken: string): string[] {
  const texts = values.filter((value): value is string => typeof value === "string" && value !== taken);
  const found = texts.flatMap((text) => {
    const whole = detectSecret(text);
    return isDetected(whole) && knownForm(whole.secret) ? [whole.secret] : onlySecretsIn(text);
  });
  return [...new Set(found)].filter((secret) => secret !== taken);
}

/** A word without the dots and dashes around it. */
function withoutMarks(word: string): string {
  let start = 0;
  let end = word.length;
  while (start < end && isMark(word[start]!)) start += 1;
  while (end > start && isMark(word[end - 1]!)) end -= 1;
  return word.slice(start, end);
}

const isMark = (character: string) => character === "." || character === "-";
