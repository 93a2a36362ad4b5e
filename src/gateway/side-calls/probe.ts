// Texts that try whether somebody answers: greetings, sums, "reply with …". Each with the answer that it waits for.
import { isCjk } from "./cjk.ts";
import { wordsOf } from "./signs.ts";
import { GREETING_FILLER, GREETINGS, PROBE_TOKENS, PROBE_VERBS, VISUAL_NOUNS, VISUAL_VERBS } from "./words.ts";

export type Probe = { kind: "greeting" } | { kind: "literal"; text: string } | { kind: "model" };

const MAX_CHARS = 160;

/** What the whole text tries, or null. `model`: what is said when its name is asked for. */
export function probeIn(whole: string): Probe | null {
  const text = whole.trim();
  if (text.length > MAX_CHARS) return null;
  if (!/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text)) return { kind: "greeting" };
  const list = wordsOf(text);
  if (list.some((word) => VISUAL_NOUNS.has(word) || VISUAL_VERBS.has(word))) return null;
  return sum(text) ?? modelName(list, text) ?? reply(list, text) ?? greeting(list, text);
}

/** "1+1", "What's 1 + 1?", "12 * 3 =". */
function sum(text: string): Probe | null {
  const compact = text.toLowerCase().replace(/\s+/g, "");
  const match =
    /^(?:what(?:'|’)?s|whatis|calculate|compute|howmuchis|请计算|计算|solve)?(-?\d{1,9})([+\-*/x×÷])(\d{1,9})(?:=|等于|equals|是多少|等于几|等于多少)?[?？.!]{0,3}$/.exec(
      compact,
    );
  if (!match) return null;
  const [, a, op, b] = match;
  const [left, right] = [Number(a), Number(b)];
  const results: Record<string, number> = { "+": left + right, "-": left - right, "*": left * right, x: left * right, "×": left * right };
  // "1920x1080" and "2024-11" are a size and a date.
  if ((op === "x" || op === "-" || op === "/") && compact === `${a}${op}${b}`) return null;
  const value = results[op!] ?? left / right;
  return { kind: "literal", text: String(Number(value.toFixed(6))) };
}

function modelName(list: readonly string[], text: string): Probe | null {
  const asksWho = /^(who|what) (are|r) (you|u)\b/i.test(text) || /^(你是谁|你是誰|你是什么模型|你是哪个模型)/.test(text);
  const namesModel = list.includes("model") && list.some((word) => ["name", "which", "what", "version", "id"].includes(word));
  return asksWho || (namesModel && list.some((word) => ["your", "you", "are"].includes(word))) ? { kind: "model" } : null;
}

/** "Reply with exactly: pong", "Say hi", "只回复 OK". */
function reply(list: readonly string[], text: string): Probe | null {
  const first = list[0] === "please" || list[0] === "just" ? list[1] : list[0];
  const cjk = /^(?:你好[，,！! ]{0,3})?(?:请)?(?:只|仅|直接)?(?:回复|回答|输出|返回|说)[：:]?/.exec(text);
  if (!cjk && !(first !== undefined && PROBE_VERBS.has(first))) return null;
  const quoted = /["'“‘「『`]([^"'”’」』`]{1,60})["'”’」』`]/.exec(text)?.[1];
  const shown = /(\{[^{}]{1,100}\})/.exec(text)?.[1];
  if (shown) return { kind: "literal", text: shown };
  const isExact = list.some((word) => ["exactly", "only", "just", "exact"].includes(word)) || cjk !== null;
  if (quoted && (isExact || list.length <= quoted.split(/\s+/).length + 2)) return { kind: "literal", text: quoted };
  const token = list.findLast((word) => PROBE_TOKENS.has(word));
  const after = /[:：]\s{0,3}([^\n]{1,60})$/.exec(text)?.[1]?.trim();
  if (isExact && after && !after.includes(" and nothing")) return { kind: "literal", text: after.replace(/[.!]$/, "") };
  if (token && list.length <= 12) return { kind: "literal", text: caseOf(text, token) };
  if (cjk && text.length <= 24) return { kind: "literal", text: text.slice(cjk[0].length).trim() || "OK" };
  return isExact && list.length <= 12 && list.includes("word") ? { kind: "literal", text: "OK" } : null;
}

/** A word as it is written in the text. */
function caseOf(text: string, word: string): string {
  const at = text.toLowerCase().lastIndexOf(word);
  return at === -1 ? word : text.slice(at, at + word.length);
}

/** Nothing but greetings and what goes with them: "Hey, how's it going?", "test from litellm". */
function greeting(list: readonly string[], text: string): Probe | null {
  if (isCjk(text)) {
    const plain = text.replace(/[\s!！.。?？,，~～]/g, "");
    return GREETINGS.has(plain.normalize("NFKD").replace(/\p{M}/gu, "")) || /^(你好|您好)(啊|呀|吗|世界)?$/.test(plain)
      ? { kind: "greeting" }
      : null;
  }
  if (list.length === 0 || list.length > 10 || !GREETINGS.has(list[0]!)) return asksForLife(list) ? { kind: "greeting" } : null;
  return list.every((word) => GREETINGS.has(word) || GREETING_FILLER.has(word) || /^\d{1,4}$/.test(word)) &&
    list[0] !== "yes" &&
    list[0] !== "no"
    ? { kind: "greeting" }
    : null;
}

/** "are you there?", "how are you" */
const asksForLife = (list: readonly string[]): boolean =>
  list.length >= 2 &&
  list.length <= 8 &&
  ["are", "how", "good", "this", "is", "can"].includes(list[0]!) &&
  list.every((word) => GREETING_FILLER.has(word) || GREETINGS.has(word));
