// A text as words and stops: what the grammar of side calls reads. Pure, bounded.

/** Words that are read: a task says what it is at its beginning or its end. */
const HEAD_WORDS = 110;
const TAIL_WORDS = 70;

/** Longer texts are cut to what these words take, before anything is done with them. */
const HEAD_CHARS = 900;
const TAIL_CHARS = 600;
const clipped = (text: string) =>
  text.length <= HEAD_CHARS + TAIL_CHARS ? text : `${text.slice(0, HEAD_CHARS)}\n${text.slice(-TAIL_CHARS)}`;
/** Classes of characters by code are several times slower than those of ASCII. */
const ASCII = /^[\x00-\x7f]*$/;

const MARKS = /\p{M}/gu;
const STOPS = /[.!?;:\n[{}\]]/g;
const BETWEEN = /[^\p{L}\p{N}'_|,-]+/u;

/** Ends of sentences and lines, and commas, among the words. */
export const STOP = "|";
export const COMMA = ",";

type Words = readonly string[];
type Read = { text: string; clauses: Words; words: Words };

/** The latest text is read several times over, by the signs of a task, by probes and by its shape: its words are made once. */
let latest: Read = { text: "", clauses: [], words: [] };

function read(text: string): Read {
  if (text === latest.text) return latest;
  const lower = clipped(text).toLowerCase();
  const all = ASCII.test(lower) ? plainClauses(lower) : foreignClauses(lower);
  const clauses = all.length <= HEAD_WORDS + TAIL_WORDS ? all : [...all.slice(0, HEAD_WORDS), ...all.slice(-TAIL_WORDS)];
  const made = { text, clauses, words: clauses.filter(isWord) };
  // A long text is not held in memory for that.
  if (text.length <= HEAD_CHARS) latest = made;
  return made;
}

/** Lower case, without accents, as words and stops; the ends of a long text. */
export const clausesOf = (text: string): Words => read(text).clauses;

export const isWord = (word: string) => word !== STOP && word !== COMMA;

/** The words alone. */
export const wordsOf = (text: string): Words => read(text).words;

/** Whether any word from `from` up to `end` is one of these. */
export function hasAny(list: Words, words: ReadonlySet<string>, from = 0, end = list.length): boolean {
  for (let at = Math.max(0, from); at < Math.min(end, list.length); at++) if (words.has(list[at]!)) return true;
  return false;
}

function foreignClauses(lower: string): string[] {
  const plain = lower.normalize("NFKD").replace(MARKS, "").replaceAll("’", "'");
  const stopped = plain.replace(STOPS, ` ${STOP} `).replaceAll(",", ` ${COMMA} `);
  const all: string[] = [];
  for (const word of stopped.split(BETWEEN)) if (word !== "" && word !== "-") all.push(word);
  return all;
}

/** What {@link foreignClauses} makes of ASCII, in one pass. */
function plainClauses(lower: string): string[] {
  const all: string[] = [];
  let start = 0;
  for (let at = 0; at <= lower.length; at++) {
    const kind = at === lower.length ? BETWEEN_WORDS : KINDS[lower.charCodeAt(at)]!;
    if (kind === IN_WORD) continue;
    const isDash = at - start === 1 && lower[start] === "-";
    if (at > start && !isDash) all.push(lower.slice(start, at));
    if (kind === IS_STOP) all.push(STOP);
    if (kind === IS_COMMA) all.push(COMMA);
    start = at + 1;
  }
  return all;
}

const BETWEEN_WORDS = 0;
const IN_WORD = 1;
const IS_STOP = 2;
const IS_COMMA = 3;
/** What each ASCII character is. */
const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (char === COMMA) return IS_COMMA;
  if (".!?;:\n[{}]".includes(char)) return IS_STOP;
  return /[a-z0-9'_|-]/.test(char) ? IN_WORD : BETWEEN_WORDS;
});
