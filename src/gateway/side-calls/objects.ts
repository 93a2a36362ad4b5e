// After each demand in a text its object: a text, or an image. Pure; a grammar of words, not a list of wordings.
import { COMMA, hasAny, STOP } from "./clauses.ts";
import { DEMANDS, TEXT_NOUNS, TEXT_VERBS, VISUAL_NOUNS, VISUAL_TAILS, VISUAL_VERBS } from "./words.ts";

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

/** How far behind a demand its object may stand, in words. */
const REACH = 12;

const byWord = (groups: Readonly<Record<string, ReadonlySet<string>>>): ReadonlyMap<string, Target> =>
  new Map(
    Object.entries(groups)
      .flatMap(([target, list]) => [...list].map((word) => [word, target as Target] as const))
      .toReversed(),
  );
const NOUNS = byWord(TEXT_NOUNS);
const VERBS = byWord(TEXT_VERBS);
const textNoun = (word: string): Target | null => NOUNS.get(word) ?? null;
export const textVerb = (word: string): Target | null => VERBS.get(word) ?? null;

/** After each demand the first noun that is known: a text, or an image. The first that demands a text names the target. */
export function objectsOf(list: readonly string[]): { target: Target | null; isVisual: boolean; isRole: boolean; isDoubtful: boolean } {
  let target: Target | null = null;
  let isVisual = false;
  let isDemanded = false;
  for (let at = 0; at < list.length; at++) {
    const word = list[at]!;
    // A verb stands where a clause begins; as a noun ("oil paint", "a name tag") it follows other words.
    if (at > 0 && !isLead(list[at - 1]!)) continue;
    if (VISUAL_VERBS.has(word) && !leadsToText(list, at)) isVisual = true;
    const verb = list[at + 1] === STOP || !isVerbHere(list, at) ? null : textVerb(word);
    if (verb) {
      if (leadsToImage(list, at) || (EDITS.has(word) && showsSurface(clauseAfter(list, at)))) isVisual = true;
      else target = better(target, verb === "title" ? verb : (namedIn(list, at) ?? verb));
    } else if (DEMANDS.has(word)) {
      const found = firstObject(list, at);
      const object = found === "text" ? (namedIn(list, at) ?? found) : found;
      if (object === "visual" || (object && leadsToImage(list, at))) isVisual = true;
      else if (object && !isThing(list, at, object)) {
        target = better(target, object);
        isDemanded = true;
      }
    }
  }
  const role = roleIn(list);
  const isDoubtful = target !== null && !isDemanded && role === null;
  return { target: target ?? role, isVisual: isVisual || isNounPhrase(list), isRole: role !== null, isDoubtful };
}

/** Verbs that also change what an image shows, and where its words stand. */
const EDITS = new Set(
  "translate rewrite label rename complete continue title name count compare traduce traduis ubersetze переведи".split(" "),
);
const SURFACES = new Set(
  "sign signs shirt wall board menu mug cake headline labels caption panel face pattern background shop page".split(" "),
);
const showsSurface = (clause: readonly string[]) => hasAny(clause, SURFACES) || hasAny(clause, VISUAL_NOUNS);
const SHOWS = new Set(["make", "show", "get", "want", "need", "design", "build", "find"]);
/** "make the title bigger", "show the answer", "generate a model": what is in the image. */
const isThing = (list: readonly string[], at: number, object: Target): boolean =>
  (SHOWS.has(list[at]!) && (POINTERS.has(list[at + 1] ?? "") || object === "text" || object === "model")) ||
  (object === "model" && ["generate", "create"].includes(list[at]!));

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
  ..."please to you and then now i we must should will shall can who that which me kindly just only helps".split(" "),
]);
/** Adverbs stand before their verb. */
export const isLead = (word: string) => LEADS.has(word) || (word.length > 4 && word.endsWith("ly"));

/** "as an infographic", "in a poster". */
function leadsToImage(list: readonly string[], at: number): boolean {
  const clause = clauseAfter(list, at);
  const noun = clause.findIndex((word) => VISUAL_NOUNS.has(word));
  const isLed = clause.slice(Math.max(0, noun - 3), noun).some((word) => INTO.has(word));
  return noun > 0 && isLed && !textNoun(clause[noun + 1] ?? "");
}

const INTO = new Set(["as", "into", "in", "als", "como", "comme", "en"]);

export function clauseAfter(list: readonly string[], at: number): string[] {
  const rest = list.slice(at + 1, at + 1 + REACH);
  const end = rest.indexOf(STOP);
  return end === -1 ? rest : rest.slice(0, end);
}

/** "imagine a title for this chat": the verb of an image with a text as its object. */
function leadsToText(list: readonly string[], at: number): boolean {
  const clause = clauseAfter(list, at);
  const end = clause.findIndex((word) => word === "and" || word === COMMA);
  const object = firstObject(end === -1 ? list : list.slice(0, at + 1 + end), at);
  return object !== null && object !== "visual" && object !== "text";
}

/** What comes behind these belongs to the thing before them. */
const CLOSES = new Set("named called titled saying says reading wearing made holding where".split(" "));
const NEGATIONS = new Set(["no", "without", "sin", "ohne", "sans", "senza", "sem", "без"]);

function firstObject(list: readonly string[], at: number): Target | "visual" | null {
  for (const [index, word] of clauseAfter(list, at).entries()) {
    const next = at + 1 + index;
    if (index > 0 && CLOSES.has(word)) return null;
    if (NEGATIONS.has(list[next - 1]!)) continue;
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
    const tail = list[next + 1] ?? "";
    if (VISUAL_TAILS.has(tail) && !(noun === "emoji" && tail === "character")) return "visual";
    // "number", "text", "search", "language" before another noun are its quality.
    const after = textNoun(list[next + 1] ?? "");
    return after && (noun === "text" || noun === "language") ? after : noun;
  }
  return null;
}

const ROLES = new Set(
  "generator titler summarizer summariser classifier translator assistant expert agent system tool extractor rephraser".split(" "),
);

function roleStart(list: readonly string[]): number {
  for (let at = 0; at < Math.min(list.length, 12); at++)
    if ((list[at] === "you" && list[at + 1] === "are") || (list[at] === "act" && list[at + 1] === "as")) return at;
  return -1;
}

/** "You are a title generator": the task is the role. */
function roleIn(list: readonly string[]): Target | null {
  const start = roleStart(list);
  for (let at = Math.max(1, start); start !== -1 && at < Math.min(list.length, 20); at++) {
    if (!ROLES.has(list[at]!)) continue;
    const role = list[at]!;
    const noun = textNoun(list[at - 1]!) ?? textNoun(list[at - 2] ?? "");
    if (noun && noun !== "text" && noun !== "model" && noun !== "language") return noun;
    if (role === "titler") return "title";
    if (role.startsWith("summari")) return "summary";
    if (role === "rephraser") return "query";
    if (role === "translator") return "translation";
    if (role === "classifier") return "classify";
  }
  for (let at = 0; at < Math.min(list.length, 20); at++) if (list[at]!.startsWith("autocomplet")) return "text";
  return null;
}

/** "logo, flat, red"; "a poster of …": a text that begins with an image. */
function isNounPhrase(list: readonly string[]): boolean {
  for (let at = 0; at < Math.min(list.length, 5); at++)
    if (VISUAL_NOUNS.has(list[at]!) && !textNoun(list[at + 1] ?? "") && (at === 0 || !isPointer(list[at - 1]!))) return true;
  return false;
}
const isPointer = (word: string) => POINTING.includes(word);
const POINTING = ["this", "that", "is", "in", "of", "the", "about"];
