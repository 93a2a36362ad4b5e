// Words for failures: a short one for lists, a sentence for pages, by outcome, reason and the vendor's own word. Pure.
import type { View } from "../ui/view.ts";

/** `ok`, an ErrorKind or `internal`; `reason` where the log has one that says more. */
export type Failure = { outcome: string; reason?: string | null };

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined => (Object.hasOwn(table, name) ? table[name] : undefined);

/** An outcome in a few words; a word that nobody knows stands as it is. */
export function outcomeWord({ t }: Pick<View, "t">, outcome: string): string {
  return outcome === "internal" ? t.requests.internal : (own<string>(t.tokens.outcomes, outcome) ?? vendorWord({ t }, outcome));
}

/** A reason in a few words, or the outcome where it is its own reason. */
export function reasonWord({ t }: Pick<View, "t">, reason: string): string {
  return own<string>(t.tokens.reasons, reason) ?? own(t.failures.codes, reason) ?? outcomeWord({ t }, reason);
}

/** A word of Google's as a person says it, or as it came. */
export const vendorWord = ({ t }: Pick<View, "t">, word: string): string => own(t.failures.vendor, word) ?? word;

/** Outcome and reason together: `Quota used up: limit per day`. */
export function failureWord(view: Pick<View, "t">, { outcome, reason }: Failure): string {
  const word = outcomeWord(view, outcome);
  return reason && reason !== outcome ? `${word}: ${reasonWord(view, reason)}` : word;
}

/** What happened, as a sentence; null for an outcome that nobody knows. */
export function failureSentence({ t }: Pick<View, "t">, { outcome, reason }: Failure): string | null {
  const { outcomes, reasons } = t.failures;
  const whole = own<string>(outcomes, outcome);
  const why = reason ? own<string>(reasons, reason) : undefined;
  if (!whole || !why) return why ?? whole ?? null;
  return NEEDS_BOTH.has(outcome) ? `${whole} ${why}` : why;
}

/** Outcomes of a request that the reason of its last call does not say. */
const NEEDS_BOTH: ReadonlySet<string> = new Set(["no_token", "busy", "upstream_unknown_outcome", "upstream_timeout", "cancelled"]);

const A_WORD = /^[A-Z][A-Z_]{2,}$/;

/** Known words of Google's within a sentence, each with what it says. */
export function vendorWordsIn({ t }: Pick<View, "t">, text: string): [word: string, says: string][] {
  const words = new Set(text.match(/\b[A-Z][A-Z_]{2,}\b/g) ?? []);
  return [...words].flatMap((word): [string, string][] => {
    const says = own(t.failures.vendor, word);
    return says ? [[word, says]] : [];
  });
}

/** What was recorded of a failure: an error's sentence, or a bare word of Google's, which gets words. */
export function recordedMessage(view: Pick<View, "t">, message: string | null): { text: string; word: string | null } | null {
  if (message === null) return null;
  return A_WORD.test(message) ? { text: vendorWord(view, message), word: message } : { text: message, word: null };
}
