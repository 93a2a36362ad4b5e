// The secrets of a known form that stand somewhere in a text, whatever is written around them. Pure.
import { isRecognised, knownForm, recognise } from "../token-forms.ts";

/** What parts words: all that no secret of a known form is made of. Four dashes part accounts in lists that are traded as text. */
const BETWEEN = /----|[^\w.-]+/;

/** Each once, in their order. */
export function secretsIn(text: string): string[] {
  const found = text.split(BETWEEN).flatMap((word) => {
    const bare = knownForm(word) ? word : word.replace(/^[.-]+|[.-]+$/g, "");
    return knownForm(bare) ? [bare] : [];
  });
  return [...new Set(found)];
}

/** The secrets of a text that holds nothing else than secrets and signs between them; empty otherwise. */
export function onlySecretsIn(text: string): string[] {
  const found = secretsIn(text);
  return found.length > 0 && !/[\p{L}\p{N}]/u.test(without(text, found)) ? found : [];
}

/** True where each of several secrets is marked off by quotes, tags or a name: what else stands in the line is the language around. */
export const areMarkedOff = (text: string, secrets: readonly string[]): boolean =>
  secrets.every((secret) => /["'`>=]$/.test(text.slice(0, text.indexOf(secret))));

function without(text: string, secrets: readonly string[]): string {
  // The longest first: one may begin another.
  return [...secrets].sort((a, b) => b.length - a.length).reduce((left, secret) => left.replaceAll(secret, " "), text);
}

/** The secrets of the other fields of an object or a row: one that holds two does not lose the second. */
export function furtherSecrets(values: readonly unknown[], taken: string): string[] {
  const texts = values.filter((value): value is string => typeof value === "string" && value !== taken);
  const found = texts.flatMap((text) => {
    const whole = recognise(text);
    return isRecognised(whole) && knownForm(whole.secret) ? [whole.secret] : onlySecretsIn(text);
  });
  return [...new Set(found)].filter((secret) => secret !== taken);
}
