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
const BETWEEN_ASCII = /[^a-z0-9'_|,-]+/;
const BETWEEN = /[^\p{L}\p{N}'_|,-]+/u;

/** Ends of sentences and lines, and commas, among the words. */
export const STOP = "|";
export const COMMA = ",";

/** Lower case, without accents, as words and stops; the ends of a long text. */
export function clausesOf(text: string): string[] {
  const lower = clipped(text).toLowerCase();
  const isPlain = ASCII.test(lower);
  const plain = isPlain ? lower : lower.normalize("NFKD").replace(MARKS, "").replaceAll("’", "'");
  const stopped = plain.replace(STOPS, ` ${STOP} `).replaceAll(",", ` ${COMMA} `);
  const all: string[] = [];
  for (const word of stopped.split(isPlain ? BETWEEN_ASCII : BETWEEN)) if (word !== "" && word !== "-") all.push(word);
  return all.length <= HEAD_WORDS + TAIL_WORDS ? all : [...all.slice(0, HEAD_WORDS), ...all.slice(-TAIL_WORDS)];
}

export const isWord = (word: string) => word !== STOP && word !== COMMA;

/** The words alone. */
export const wordsOf = (text: string): string[] => clausesOf(text).filter(isWord);
