// What a text asks for: a text (which one), an image, a video, or nothing that is known. Pure; a grammar of words, not a list of wordings.

import { isCjk, readCjk } from "./cjk.ts";
import {
  ABOUT,
  AUXILIARIES,
  BOUND_NOUNS,
  DEMANDS,
  MOTION,
  NOT,
  NOT_WITH,
  NUMBERS,
  ONLY,
  ONLY_WITH,
  QUESTION_WORDS,
  type Target,
  TEXT_NOUNS,
  TEXT_VERBS,
  VISUAL_NOUNS,
  VISUAL_TAILS,
  VISUAL_VERBS,
} from "./words.ts";

export type Reading = {
  /** The text that is demanded; null: none. */
  target: Target | null;
  /** Names a conversation. */
  isAbout: boolean;
  /** How many kinds of bounds a text answer is given, at most 2. */
  bounds: number;
  /** A JSON form is shown, or JSON is demanded. */
  hasJson: boolean;
  isVisual: boolean;
  isMotion: boolean;
  /** A question, or a demand for a text. */
  asks: boolean;
  /** "You are a title generator." */
  isRole: boolean;
  words: number;
};

/** Words that are read: a task says what it is at its beginning or its end. */
const HEAD_WORDS = 110;
const TAIL_WORDS = 70;
/** How far behind a demand its object may stand, in words. */
const REACH = 12;

/** Longer texts are cut to what these words take, before anything is done with them. */
const HEAD_CHARS = 900;
const TAIL_CHARS = 600;
const clipped = (text: string) =>
  text.length <= HEAD_CHARS + TAIL_CHARS ? text : `${text.slice(0, HEAD_CHARS)}\n${text.slice(-TAIL_CHARS)}`;
/** Classes of characters by code are several times slower than those of ASCII. */
const ASCII = /^[\x00-\x7f]*$/;

/** Ends of sentences and lines, and commas, among the words. */
const STOP = "|";
const COMMA = ",";

/** Lower case, without accents, as words and stops; the ends of a long text. */
function clausesOf(text: string): string[] {
  const lower = clipped(text).toLowerCase();
  const isPlain = ASCII.test(lower);
  const plain = isPlain ? lower : lower.normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("’", "'");
  const all = plain
    .replace(/[.!?;:\n[{}\]]/g, ` ${STOP} `)
    .replaceAll(",", ` ${COMMA} `)
    .split(isPlain ? /[^a-z0-9'_|,-]+/ : /[^\p{L}\p{N}'_|,-]+/u)
    .filter((word) => word !== "" && word !== "-");
  return all.length <= HEAD_WORDS + TAIL_WORDS ? all : [...all.slice(0, HEAD_WORDS), ...all.slice(-TAIL_WORDS)];
}

const isWord = (word: string) => word !== STOP && word !== COMMA;

/** The words alone. */
export const wordsOf = (text: string): string[] => clausesOf(text).filter(isWord);

export function readSigns(text: string): Reading {
  const clauses = clausesOf(text);
  const list = clauses.filter(isWord);
  const objects = objectsOf(clauses);
  const cjk = isCjk(text) ? readCjk(text) : null;
  const target = objects.target ?? cjk?.target ?? null;
  const isVisual = objects.isVisual || looksLike(list) || (objects.target === null && (cjk?.isVisual ?? false));
  const isQuestion = (asksOutright(text, list) || isReply(list)) && !isRequest(list) && !list.some((word) => VISUAL_NOUNS.has(word));
  return {
    target,
    isAbout: list.some((word) => ABOUT.has(word)) || (cjk?.isAbout ?? false),
    bounds: Math.min(2, boundsIn(list) + (cjk?.bounds ?? 0)),
    hasJson: /\{\s{0,20}["“']\w/.test(text) || (list.includes("json") && (target !== null || boundsIn(list) > 0)),
    isVisual,
    isMotion: list.some((word) => MOTION.has(word)) || (cjk?.isMotion ?? false),
    asks: !isVisual && (target !== null || isQuestion || (cjk?.isQuestion ?? false)),
    isRole: objects.isRole,
    words: list.length,
  };
}

const WEAK_ABOUT = ["user", "user's", "human's", "assistant", "query", "message", "messages", "history", "thread", "session"];

/** Whether a conversation is named outright; "the user" alone is in every instruction. */
export const namesConversation = (text: string): boolean => {
  const list = wordsOf(text);
  return (
    list.some((word, at) => ABOUT.has(word) && (!WEAK_ABOUT.includes(word) || (word === "message" && list[at - 1] === "user's"))) ||
    (isCjk(text) && readCjk(text).isAbout)
  );
};

const byWord = (groups: Readonly<Record<string, ReadonlySet<string>>>): ReadonlyMap<string, Target> =>
  new Map(
    Object.entries(groups)
      .flatMap(([target, list]) => [...list].map((word) => [word, target as Target] as const))
      .toReversed(),
  );
const NOUNS = byWord(TEXT_NOUNS);
const VERBS = byWord(TEXT_VERBS);
const textNoun = (word: string): Target | null => NOUNS.get(word) ?? null;
const textVerb = (word: string): Target | null => VERBS.get(word) ?? null;

/** After each demand the first noun that is known: a text, or an image. The first that demands a text names the target. */
function objectsOf(list: readonly string[]): { target: Target | null; isVisual: boolean; isRole: boolean } {
  let target: Target | null = null;
  let isVisual = false;
  for (const [at, word] of list.entries()) {
    // A verb stands where a clause begins; as a noun ("oil paint", "a name tag") it follows other words.
    if (at > 0 && !isLead(list[at - 1]!)) continue;
    if (VISUAL_VERBS.has(word) && !leadsToText(list, at)) isVisual = true;
    const verb = list[at + 1] === STOP || !isVerbHere(list, at) ? null : textVerb(word);
    if (verb) {
      if (leadsToImage(list, at)) isVisual = true;
      else target = better(target, verb === "title" ? verb : (namedIn(list, at) ?? verb));
    } else if (DEMANDS.has(word)) {
      const object = firstObject(list, at);
      if (object === "visual") isVisual = true;
      else if (object) target = better(target, object === "text" ? (namedIn(list, at) ?? object) : object);
    }
  }
  const role = roleIn(list);
  return { target: target ?? role, isVisual: isVisual || isNounPhrase(list), isRole: role !== null };
}

/** A text of a known form is what a text in general is for. */
const GENERAL: readonly (Target | null)[] = [null, "text", "json", "classify", "language"];
const better = (one: Target | null, other: Target): Target =>
  one === null || (GENERAL.includes(one) && !GENERAL.includes(other)) ? other : one;

/** The first text of a known form in the rest of a clause: "a list of keywords", "summarize … in a title". */
const namedIn = (list: readonly string[], at: number): Target | null =>
  clauseAfter(list, at)
    .map(textNoun)
    .find((noun) => noun !== null && !GENERAL.includes(noun) && noun !== "model" && noun !== "prompt") ?? null;

/** Words that are nouns as often as verbs ("title fight", "name tag"), and what is described: with the one or the other before what follows. */
const DOUBTFUL = new Set(["title", "name", "label", "describe", "caption", "rate", "count", "list"]);
const POINTERS = new Set("this that these those the our my it what your following each".split(" "));
const isVerbHere = (list: readonly string[], at: number): boolean => {
  if (!DOUBTFUL.has(list[at]!)) return true;
  const next = list[at + 1] ?? "";
  return list[at] === "describe" ? POINTERS.has(next) && next !== "the" : POINTERS.has(next) || next === "to" || next === "from";
};

const LEADS = new Set([
  STOP,
  COMMA,
  "briefly",
  "shortly",
  "кратко",
  "brevemente",
  "kurz",
  ..."please to you and then now i we must should me kindly just only helps".split(" "),
]);
const isLead = (word: string) => LEADS.has(word);

/** "as an infographic", "in a poster". */
function leadsToImage(list: readonly string[], at: number): boolean {
  const clause = clauseAfter(list, at);
  const noun = clause.findIndex((word) => VISUAL_NOUNS.has(word));
  return noun > 0 && clause.slice(0, noun).some((word) => word === "as" || word === "into" || word === "in");
}

function clauseAfter(list: readonly string[], at: number): string[] {
  const rest = list.slice(at + 1, at + 1 + REACH);
  const end = rest.indexOf(STOP);
  return end === -1 ? rest : rest.slice(0, end);
}

/** "imagine a title for this chat": the verb of an image with a text as its object. */
function leadsToText(list: readonly string[], at: number): boolean {
  const object = firstObject(list, at);
  return object !== null && object !== "visual" && object !== "text";
}

function firstObject(list: readonly string[], at: number): Target | "visual" | null {
  for (const [index, word] of clauseAfter(list, at).entries()) {
    const next = at + 1 + index;
    // What a quality belongs to comes after it: "a text prompt", "a search query", "an image prompt".
    if (VISUAL_NOUNS.has(word)) {
      const after = textNoun(list[next + 1] ?? "");
      if (after && !["text", "model", "language"].includes(after)) return after;
      // An image that is there ("this image") is what a text is about, not what is demanded.
      if (["this", "that", "these", "those", "attached", "above"].includes(list[next - 1]!)) continue;
      return "visual";
    }
    if (VISUAL_VERBS.has(word)) return "visual";
    const noun = textNoun(word);
    if (!noun) continue;
    if (VISUAL_TAILS.has(list[next + 1] ?? "")) return "visual";
    // "number", "text", "search", "language" before another noun are its quality.
    const after = textNoun(list[next + 1] ?? "");
    return after && (noun === "text" || noun === "language") ? after : noun;
  }
  return null;
}

const ROLES = new Set(
  "generator titler summarizer summariser classifier translator assistant expert agent system tool extractor".split(" "),
);

/** "You are a title generator": the task is the role. */
function roleIn(list: readonly string[]): Target | null {
  for (let at = 1; at < Math.min(list.length, 20); at++) {
    if (!ROLES.has(list[at]!)) continue;
    const role = list[at]!;
    const noun = textNoun(list[at - 1]!) ?? textNoun(list[at - 2] ?? "");
    if (noun && noun !== "text" && noun !== "model" && noun !== "language") return noun;
    if (role === "titler") return "title";
    if (role.startsWith("summari")) return "summary";
    if (role === "translator") return "translation";
    if (role === "classifier") return "classify";
  }
  return list.slice(0, 20).some((word) => word.startsWith("autocomplet")) ? "text" : null;
}

/** "logo, flat, red"; "a poster of …": a text that begins with an image. */
const isNounPhrase = (list: readonly string[]): boolean =>
  list.slice(0, 5).some((word, at) => VISUAL_NOUNS.has(word) && !textNoun(list[at + 1] ?? "") && (at === 0 || !isPointer(list[at - 1]!)));
const isPointer = (word: string) => ["this", "that", "is", "in", "of", "the", "about"].includes(word);

/** "what does a quokka look like", "show me": asks to see. */
const looksLike = (list: readonly string[]): boolean =>
  list.some((word, at) => (word === "look" || word === "looks") && (list[at + 1] === "like" || list[0] === "how")) ||
  (list[0] === "show" && list[1] === "me");

const asksOutright = (text: string, list: readonly string[]): boolean =>
  /[?？]/.test(text) || (QUESTION_WORDS.has(list[0] ?? "") && (AUXILIARIES.has(list[1] ?? "") || /^(?:what|who)'s$/.test(list[0]!)));
const REPLIES = new Set(["reply", "respond", "answer"]);
const isReply = (list: readonly string[]): boolean => REPLIES.has(list[list[0] === "please" ? 1 : 0] ?? "");

const REQUESTS = new Set(["can", "could", "would", "will", "may", "puedes", "peux", "kannst", "pouvez"]);
/** "can you make me a fox": in the form of a question, a request. */
const isRequest = (list: readonly string[]): boolean =>
  REQUESTS.has(list[0] ?? "") &&
  list.slice(1, 5).some((word) => DEMANDS.has(word) || VISUAL_VERBS.has(word) || word === "do" || word === "put");

/** Kinds of bounds: only this, nothing else, so many words. */
function boundsIn(list: readonly string[]): number {
  let only = false;
  let not = false;
  let count = false;
  for (const [at, word] of list.entries()) {
    const near = list.slice(Math.max(0, at - 3), at + 4);
    if (ONLY.has(word) && near.some((one) => one !== word && ONLY_WITH.has(one))) only = true;
    if ((word === "nothing" || word === "anything") && list[at + 1] === "else") only = true;
    if (NOT.has(word) && list.slice(at + 1, at + 8).some((one) => NOT_WITH.has(one))) not = true;
    if (BOUND_NOUNS.has(word) && isCount(list[at - 1])) count = true;
    if (BOUND_NOUNS.has(word) && (list[at + 1] === "or" || list[at + 1] === "max" || list[at + 1] === "maximum")) count = true;
  }
  return Number(only) + Number(not) + Number(count);
}

const isCount = (word: string | undefined) =>
  word !== undefined &&
  (/^\d{1,4}(-\d{1,4})?$/.test(word) || NUMBERS.has(word) || /^(\d{1,4}|one|two|three|four|five|six)-(word|to)/.test(word));
