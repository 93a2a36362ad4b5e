// Texts that try whether somebody answers: greetings, sums, "reply with …". Each with the reply that it waits for.
import { isCjk } from "./cjk.ts";
import { hasAny, wordsOf } from "./clauses.ts";
import {
  AUXILIARIES,
  GREETING_FILLER,
  GREETINGS,
  PROBE_FILLER,
  PROBE_TOKENS,
  PROBE_VERBS,
  SELF_WORDS,
  STATUS_FILLER,
  STATUS_WORDS,
  VISUAL_NOUNS,
  VISUAL_VERBS,
} from "./words.ts";

export type Probe = { kind: "greeting" } | { kind: "literal"; text: string } | { kind: "model" };

const SAYS_SOMETHING = /[\p{L}\p{N}\p{Extended_Pictographic}]/u;
const BETWEEN_SENTENCES = /[.!?,。！？，\n]+/;
const HAS_LETTER = /[\p{L}\p{N}]/u;
const BLANKS = /\s+/g;
const WHO = /^(who|what) (are|r) (you|u)\b/i;
const QUESTION = /[?？]/;
const SUM =
  /^(?:what(?:'|’)?s|whatis|calculate|compute|howmuchis|请计算|计算|solve)?(-?\d{1,9})([+\-*/x×÷])(\d{1,9})(?:=|等于|equals|是多少|等于几|等于多少)?[?？.!]{0,3}$/;
const SELF_CJK = /^(?:请)?(?:简单)?(?:介绍一下你自己|介绍下?你自己|自我介绍(?:一下)?)[。.!！]?$/;
const WHO_CJK = /^你(?:是谁|是誰|是什么模型|是哪个模型|叫什么(?:名字)?|是什么|能做什么|可以做什么|会什么)[呀啊呢]?[？?。！!]?$/;
const MAKER = /^(?:and )?who (?:made|created|trained|built|developed) you\W*$/i;
const MAKER_CJK = /^你(?:是|属于)哪(?:家|个)公司/;
const MAX_CHARS = 160;
const MAX_TERSE_WORDS = 4;

/** "status", "quota check", "x": what asks for nothing. Only beside other signs: a scene may be as short. */
export function isTerse(whole: string): boolean {
  const list = wordsOf(whole);
  if (/^\s{0,9}[a-z]\s{0,9}$/i.test(whole)) return true;
  return (
    list.length <= MAX_TERSE_WORDS &&
    list.some((word) => STATUS_WORDS.has(word)) &&
    list.every((word) => STATUS_WORDS.has(word) || STATUS_FILLER.has(word))
  );
}

/** What the whole text tries, or null. `model`: what is said when its name is asked for. */
export function probeIn(whole: string): Probe | null {
  const text = whole.trim();
  if (text.length > MAX_CHARS) return null;
  if (!SAYS_SOMETHING.test(text)) return { kind: "greeting" };
  const list = wordsOf(text);
  if (hasAny(list, VISUAL_NOUNS) || hasAny(list, VISUAL_VERBS)) return null;
  return oneOf(text, list) ?? eachOf(text);
}

const oneOf = (text: string, list: readonly string[]): Probe | null =>
  sum(text) ?? modelName(list, text) ?? reply(list, text) ?? greeting(list, text) ?? ofItself(list, text);

/** "What can you do?", "Introduce yourself." */
const ofItself = (list: readonly string[], text: string): Probe | null =>
  (list.length >= 2 && areAll(list, SELF_WORDS) && list.some(isYou)) || SELF_CJK.test(text) ? { kind: "greeting" } : null;
const isYou = (word: string) => word.startsWith("you");

/** Whether every word is one of these. */
function areAll(list: readonly string[], words: ReadonlySet<string>): boolean {
  for (const word of list) if (!words.has(word)) return false;
  return true;
}

/** "Hello, this is a test message. Please respond with 'OK'.": every sentence tries the line; the last that waits for a word has it. */
const eachOf = (text: string): Probe | null => (BETWEEN_SENTENCES.test(text) ? eachSentenceOf(text) : null);

function eachSentenceOf(text: string): Probe | null {
  const sentences = text.split(BETWEEN_SENTENCES).filter((sentence) => HAS_LETTER.test(sentence));
  if (sentences.length < 2 || sentences.length > 4) return null;
  const probes = sentences.map((sentence) => oneOf(sentence.trim(), wordsOf(sentence)));
  if (probes.some((probe) => probe === null)) return null;
  return probes.findLast((probe) => probe!.kind !== "greeting") ?? probes[0]!;
}

/** "1+1", "What's 1 + 1?", "12 * 3 =". */
function sum(text: string): Probe | null {
  const compact = text.toLowerCase().replace(BLANKS, "");
  const match = SUM.exec(compact);
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
  const asksWho = WHO.test(text) || WHO_CJK.test(text);
  const isMaker = MAKER.test(text) || MAKER_CJK.test(text);
  const isCutoff = list.includes("your") && namesCutoff(list);
  if (isMaker || isCutoff) return { kind: "model" };
  const isAsked = QUESTION.test(text) || list.length <= 3 || ASKS.has(list[0]!) || AUXILIARIES.has(list[0]!) || list[0] === "please";
  if (!isAsked) return asksWho ? { kind: "model" } : null;
  const namesModel = list.includes("model") && hasAny(list, MODEL_FACTS);
  return asksWho || (namesModel && hasAny(list, ADDRESSED)) ? { kind: "model" } : null;
}

function namesCutoff(list: readonly string[]): boolean {
  for (let at = 0; at < list.length; at++) if (list[at] === "cutoff" || (list[at] === "cut" && list[at + 1] === "off")) return true;
  return false;
}

const MODEL_FACTS = new Set(["name", "which", "what", "version", "id"]);
const ADDRESSED = new Set(["your", "you", "are"]);
const ASKS = new Set(
  "what what's which who tell print output name give say state reply return respond show write identify only".split(" "),
);

/** What a Chinese text that wants a word back wants: "只回复 OK", "请回复数字1", "请回复：收到". */
const CJK_REPLY =
  /^(?:你好[，,！! ]{0,3})?请?(?:只|仅|直接)?(?:需要?|要)?(?:回复|回答|输出|返回|说)(?:我|一个字|一个词|一个|一下|一句|数字|单词|字母|内容){0,2}[：:\s]{0,3}[“"「『'‘]?([\x21-\x7e]{1,12}(?: [\x21-\x7e]{1,12})?|收到|好的?|是的?|你好|成功|在的?|测试(?:成功)?|正常|可以|一)[”"」』'’]?(?:即可|就行|就好|就可以|两个字|这个字|这个词|这两个字)?[。.!！]?$/;

/** "Reply with exactly: pong", "Say hi", "只回复 OK". */
function reply(list: readonly string[], text: string): Probe | null {
  const first = list[0] === "please" || list[0] === "just" ? list[1] : list[0];
  const cjk = CJK_REPLY.exec(text)?.[1];
  if (cjk) return { kind: "literal", text: cjk };
  return first !== undefined && PROBE_VERBS.has(first) ? wantedBack(list, text) : null;
}

function wantedBack(list: readonly string[], text: string): Probe | null {
  const quoted = /["'“‘「『`]([^"'”’」』`]{1,60})["'”’」』`]/.exec(text)?.[1];
  const shown = /(\{[^{}]{1,100}\})/.exec(text)?.[1];
  if (shown) return { kind: "literal", text: shown };
  const isExact = list.some((word) => ["exactly", "only", "just", "exact"].includes(word));
  const own = quoted ? list.filter((word) => !quoted.toLowerCase().includes(word.replace(/^'|'$/g, ""))) : list;
  const token = list.findLast((word) => PROBE_TOKENS.has(word));
  const isAlone = own.every(
    (word) => PROBE_VERBS.has(word) || PROBE_FILLER.has(word) || GREETING_FILLER.has(word) || PROBE_TOKENS.has(word),
  );
  if (quoted && (isExact || isAlone)) return { kind: "literal", text: quoted };
  const after = /[:：]\s{0,3}([^\n]{1,60})$/.exec(text)?.[1]?.trim();
  if (isExact && after && !after.includes(" and nothing")) return { kind: "literal", text: after.replace(/[.!]$/, "") };
  if (token && list.length <= 12 && (isExact || isAlone)) return { kind: "literal", text: caseOf(text, token) };
  if (list.length === 2 && /^\d{1,3}$/.test(list[1]!)) return { kind: "literal", text: list[1]! };
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
    return GREETINGS.has(plain.normalize("NFKD").replace(/\p{M}/gu, "")) ||
      /^(?:(?:你好|您好)(?:啊|呀|吗|世界)?|(?:测试|连接|连通性){1,2}(?:一下|消息)?)$/.test(plain)
      ? { kind: "greeting" }
      : null;
  }
  if (list.length === 0 || list.length > 10 || !GREETINGS.has(list[0]!)) return asksForLife(list) ? { kind: "greeting" } : null;
  return list[0] !== "yes" && list[0] !== "no" && list.every(isOfGreeting) ? { kind: "greeting" } : null;
}

const isOfGreeting = (word: string): boolean => GREETINGS.has(word) || GREETING_FILLER.has(word) || FEW_DIGITS.test(word);
const FEW_DIGITS = /^\d{1,4}$/;

const LIFE_STARTS = new Set(["are", "how", "good", "this", "is", "can", "health", "connection", "connectivity", "api"]);
/** "are you there?", "how are you" */
const asksForLife = (list: readonly string[]): boolean =>
  list.length >= 2 &&
  list.length <= 8 &&
  LIFE_STARTS.has(list[0]!) &&
  list.every((word) => GREETING_FILLER.has(word) || GREETINGS.has(word));
