// What a text asks for: a text (which one), an image, a video, or nothing that is known. Pure; a grammar of words, not a list of wordings.
import {
  ABOUT,
  BOUND_NOUNS,
  CJK,
  DEMANDS,
  MOTION,
  NOT,
  NOT_WITH,
  NUMBERS,
  ONLY,
  ONLY_WITH,
  QUESTION_WORDS,
  TEXT_NOUNS,
  TEXT_VERBS,
  VISUAL_NOUNS,
  VISUAL_TAILS,
  VISUAL_VERBS,
} from "./words.ts";

export type Target =
  | "title"
  | "tags"
  | "emoji"
  | "summary"
  | "query"
  | "json"
  | "tool"
  | "follow_ups"
  | "prompt"
  | "caption"
  | "translation"
  | "language"
  | "classify"
  | "text"
  | "model";

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
const HEAD_WORDS = 90;
const TAIL_WORDS = 60;
/** How far behind a demand its object may stand, in words. */
const REACH = 12;
const CJK_CHARS = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;

const plainOf = (text: string) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("’", "'");
const endsOf = (all: readonly string[]) =>
  all.length <= HEAD_WORDS + TAIL_WORDS ? [...all] : [...all.slice(0, HEAD_WORDS), ...all.slice(-TAIL_WORDS)];

/** Lower case, without accents, as words; the ends of a long text. */
export const wordsOf = (text: string): string[] =>
  endsOf(
    plainOf(text)
      .split(/[^\p{L}\p{N}'_-]+/u)
      .filter(Boolean),
  );

/** Ends of sentences and lines, and commas, among the words. */
const STOP = "|";
const COMMA = ",";
const clausesOf = (text: string): string[] =>
  endsOf(
    plainOf(text)
      .replace(/[.!?;:\n[{}\]]/g, ` ${STOP} `)
      .replaceAll(",", ` ${COMMA} `)
      .split(/[^\p{L}\p{N}'_|,-]+/u)
      .filter((word) => /[\p{L}\p{N}|,]/u.test(word)),
  );

export const isCjk = (text: string): boolean => CJK_CHARS.test(text);

export function readSigns(text: string): Reading {
  const list = wordsOf(text);
  const objects = objectsOf(clausesOf(text));
  const cjk = isCjk(text) ? readCjk(text) : null;
  const target = objects.target ?? cjk?.target ?? null;
  const isQuestion = (/[?？]/.test(text) || QUESTION_WORDS.has(list[0] ?? "")) && !isRequest(list);
  const isVisual = objects.isVisual || looksLike(list) || (cjk?.isVisual ?? false);
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

const textNoun = (word: string): Target | null =>
  (Object.entries(TEXT_NOUNS).find(([, nouns]) => nouns.has(word))?.[0] as Target | undefined) ?? null;
const textVerb = (word: string): Target | null =>
  (Object.entries(TEXT_VERBS).find(([, verbs]) => verbs.has(word))?.[0] as Target | undefined) ?? null;

/** After each demand the first noun that is known: a text, or an image. The first that demands a text names the target. */
function objectsOf(list: readonly string[]): { target: Target | null; isVisual: boolean; isRole: boolean } {
  let target: Target | null = null;
  let isVisual = false;
  for (const [at, word] of list.entries()) {
    // A verb stands where a clause begins; as a noun ("oil paint", "a name tag") it follows other words.
    if (at > 0 && !isLead(list[at - 1]!)) continue;
    if (VISUAL_VERBS.has(word) && !leadsToText(list, at)) isVisual = true;
    const verb = list[at + 1] === STOP ? null : textVerb(word);
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

const LEADS = new Set([STOP, COMMA, ..."please to you and then now i we must should me kindly just only helps".split(" ")]);
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
  list.some((word, at) => (word === "look" || word === "looks") && list[at + 1] === "like") || (list[0] === "show" && list[1] === "me");

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

type CjkReading = { target: Target | null; isAbout: boolean; bounds: number; isVisual: boolean; isMotion: boolean; isQuestion: boolean };

function readCjk(text: string): CjkReading {
  const ends = text.length > 400 ? text.slice(0, 240) + text.slice(-160) : text;
  const has = (list: readonly string[]) => list.some((piece) => ends.includes(piece));
  const found = Object.entries(CJK.nouns).flatMap(([name, list]) => {
    const at = Math.min(...list.map((piece) => ends.indexOf(piece)).filter((index) => index !== -1));
    return Number.isFinite(at) ? [{ name: name as Target, at }] : [];
  });
  // A title is what a summary for it is asked for: "总结为标题".
  const first = found.find(({ name }) => name === "title") ?? found.sort((a, b) => a.at - b.at)[0];
  return {
    target: first?.name ?? null,
    isAbout: has(CJK.about),
    bounds: CJK.bounds.filter((piece) => ends.includes(piece)).length,
    isVisual: has(CJK.visual),
    isMotion: has(CJK.motion),
    isQuestion: has(CJK.question),
  };
}
