// What a text asks for: a text (which one), an image, a video, or nothing that is known. Pure; a grammar of words, not a list of wordings.
import { isCjk, readCjk } from "./cjk.ts";
import { clausesOf, hasAny, wordsOf } from "./clauses.ts";
import { clauseAfter, isLead, objectsOf, type Target, textVerb } from "./objects.ts";
import {
  ABOUT,
  AUXILIARIES,
  BOUND_NOUNS,
  CONVERSATION_WORDS,
  DEMANDS,
  MOTION,
  NOT,
  NOT_WITH,
  NUMBERS,
  ONLY,
  ONLY_WITH,
  QUESTION_WORDS,
  TITLE_WORDS,
  VISUAL_NOUNS,
  VISUAL_VERBS,
  VISUAL_WORDS,
} from "./words.ts";

export type { Target } from "./objects.ts";

export type Reading = {
  /** The text that is demanded; null: none. */
  target: Target | null;
  /** Names a conversation. */
  isAbout: boolean;
  /** How many kinds of bounds a text reply is given, at most 2. */
  bounds: number;
  /** A JSON form is shown, or JSON is demanded. */
  hasJson: boolean;
  isVisual: boolean;
  isMotion: boolean;
  /** A question, or a demand for a text. */
  asks: boolean;
  /** "You are a title generator." */
  isRole: boolean;
  /** What is demanded may as well be done to an image ("label", "translate", "continue"). */
  isDoubtful: boolean;
  words: number;
};

const NOTHING: Reading = {
  target: null,
  isAbout: false,
  bounds: 0,
  hasJson: false,
  isVisual: false,
  isMotion: false,
  asks: false,
  isRole: false,
  isDoubtful: false,
  words: 0,
};
/** A scene in the form of JSON: nothing is demanded beside it. */
const SCENE_START = /^\s{0,20}\{\s{0,20}["“]/;
const SCENE_END = /\}\s{0,20}$/;
const isScene = (text: string): boolean => SCENE_START.test(text) && SCENE_END.test(text.slice(-30));
const JSON_SHOWN = /\{\s{0,20}["“']\w/;

export function readSigns(text: string): Reading {
  if (isScene(text)) return { ...NOTHING, words: 4 };
  const clauses = clausesOf(text);
  const list = wordsOf(text);
  const objects = objectsOf(clauses);
  const cjk = isCjk(text) ? readCjk(text) : null;
  const foreign = objects.target === null && hasAny(list, TITLE_WORDS) && hasAny(list, CONVERSATION_WORDS);
  const isForeignTask = foreign && !hasAny(list, VISUAL_WORDS);
  const target = objects.target ?? cjk?.target ?? (isForeignTask ? "title" : null);
  const isVisual = objects.isVisual || looksLike(list) || (objects.target === null && (cjk?.isVisual ?? false));
  const isQuestion = (asksOutright(text, list) || isReply(list)) && !isRequest(list) && !hasAny(list, VISUAL_NOUNS);
  return {
    target,
    isAbout: isForeignTask || isAboutConversation(list) || (cjk?.isAbout ?? false),
    bounds: Math.min(2, boundsIn(list) + (isQuestion ? boundsOfReply(clauses) : 0) + (cjk?.bounds ?? 0)),
    hasJson: JSON_SHOWN.test(text) || (list.includes("json") && (target !== null || boundsIn(list) > 0)),
    isVisual,
    isMotion: hasAny(list, MOTION) || (cjk?.isMotion ?? false),
    asks: !isVisual && (target !== null || isQuestion || (cjk?.isQuestion ?? false)),
    isRole: objects.isRole,
    isDoubtful: objects.isDoubtful && target !== "summary",
    // Written without blanks, two characters are a word.
    words: cjk ? Math.ceil(text.length / 2) : list.length,
  };
}

/** "make the message clear", "named Query", "rewrite history": things as often as a conversation. */
const THINGS = new Set(["message", "messages", "query", "history", "session", "thread", "exchange", "user"]);
const OF_PEOPLE = new Set(
  "user users user's human's chat conversation this following above last first previous latest recent our all the his her their your".split(
    " ",
  ),
);
const isConversation = (list: readonly string[], at: number): boolean => {
  const word = list[at]!;
  if (!THINGS.has(word)) return true;
  const before = list[at - 1] ?? "";
  return OF_PEOPLE.has(before) && !(before === "the" && DEMANDS.has(list[at - 2] ?? ""));
};

function isAboutConversation(list: readonly string[]): boolean {
  for (let at = 0; at < list.length; at++) if (ABOUT.has(list[at]!) && isConversation(list, at)) return true;
  return false;
}

const SHORT_REPLIES = new Set("yes no true false number word words digit letter name".split(" "));
/** Beside a question: "Answer yes or no." */
function boundsOfReply(clauses: readonly string[]): number {
  const at = clauses.findIndex((word, index) => REPLIES.has(word) && (index === 0 || isLead(clauses[index - 1]!)));
  const clause = at === -1 ? [] : clauseAfter(clauses, at);
  if (at === -1 || clause.some(isVisualWord)) return 0;
  return at > 0 && clause.some((word) => SHORT_REPLIES.has(word)) ? 2 : 1;
}
const isVisualWord = (word: string) => VISUAL_NOUNS.has(word) || VISUAL_VERBS.has(word);

const WEAK_ABOUT = ["user", "user's", "human's", "assistant", "query", "message", "messages", "history", "thread", "session"];

/** Whether a conversation is named outright; "the user" alone is in every instruction. */
export const namesConversation = (text: string): boolean => {
  const list = wordsOf(text);
  return (
    list.some((word, at) => ABOUT.has(word) && (!WEAK_ABOUT.includes(word) || (word === "message" && list[at - 1] === "user's"))) ||
    (isCjk(text) && readCjk(text).isAbout)
  );
};

/** "what does a quokka look like", "show me": asks to see. */
function looksLike(list: readonly string[]): boolean {
  if (list[0] === "show" && list[1] === "me") return true;
  for (let at = 0; at < list.length; at++)
    if ((list[at] === "look" || list[at] === "looks") && (list[at + 1] === "like" || list[0] === "how")) return true;
  return false;
}

const asksOutright = (text: string, list: readonly string[]): boolean =>
  QUESTION_MARK.test(text) || (QUESTION_WORDS.has(list[0] ?? "") && (AUXILIARIES.has(list[1] ?? "") || WHOSE.test(list[0]!)));
const QUESTION_MARK = /[?？]/;
const WHOSE = /^(?:what|who)'s$/;
const REPLIES = new Set(["reply", "respond", "answer"]);
const isReply = (list: readonly string[]): boolean => REPLIES.has(list[list[0] === "please" ? 1 : 0] ?? "");

const REQUESTS = new Set([
  "can",
  "could",
  "would",
  "will",
  "may",
  "puedes",
  "podrias",
  "peux",
  "peut",
  "pourrais",
  "kannst",
  "konntest",
  "pouvez",
  "можешь",
]);
/** "can you make me a fox": in the form of a question, a request. */
const isRequest = (list: readonly string[]): boolean => {
  const first = list[0]?.split("-")[0] ?? "";
  const isOffer = OFFERS.has(`${first} ${list[1] ?? ""}`);
  return isOffer || (REQUESTS.has(first) && !list.slice(1, 5).some((word) => textVerb(word) !== null || UNDERSTANDS.has(word)));
};
const UNDERSTANDS = new Set("hear see read help speak understand answer talk entender ayudar aider helfen".split(" "));
const OFFERS = new Set(["what about", "how about", "what if", "why not"]);

/** Kinds of bounds: only this, nothing else, so many words. */
function boundsIn(list: readonly string[]): number {
  let only = false;
  let not = false;
  let count = false;
  for (let at = 0; at < list.length; at++) {
    const word = list[at]!;
    if (ONLY.has(word) && standsWith(list, at)) only = true;
    if ((word === "nothing" || word === "anything") && list[at + 1] === "else") only = true;
    if (NOT.has(word) && hasAny(list, NOT_WITH, at + 1, at + 8)) not = true;
    if (BOUND_NOUNS.has(word) && isCount(list[at - 1])) count = true;
    if (BOUND_NOUNS.has(word) && (list[at + 1] === "or" || list[at + 1] === "max" || list[at + 1] === "maximum")) count = true;
  }
  return Number(only) + Number(not) + Number(count);
}

/** Near a word like "only": another one of those that make it a bound. */
function standsWith(list: readonly string[], at: number): boolean {
  for (let near = Math.max(0, at - 3); near < Math.min(list.length, at + 4); near++)
    if (list[near] !== list[at] && ONLY_WITH.has(list[near]!)) return true;
  return false;
}

const isCount = (word: string | undefined) =>
  word !== undefined &&
  (/^\d{1,4}(-\d{1,4})?$/.test(word) || NUMBERS.has(word) || /^(\d{1,4}|one|two|three|four|five|six)-(word|to)/.test(word));
