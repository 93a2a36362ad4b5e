// Nearest ids to an unknown one, by beginning, by leading parts, then by edit distance: bounded work, results cached.

type Known = { id: string; lower: string; bare: string; parts: string[]; letters: Uint8Array };

/** Longer ids are cut: nothing known is as long. */
const MAX_LENGTH = 80;
/** Edit distances computed for one id: of those whose letters differ least. */
const MAX_DISTANCES = 32;
const MAX_CACHED = 256;
const LETTERS = 32;
/** More than any distance, and than there are ids: a rank holds group, distance and index in one number. */
const MAX_DISTANCE = 1024;
const MAX_KNOWN = 65_536;

/** Separators do not count: `sora2` begins `sora-2-pro`. */
const bareOf = (id: string) => id.replace(/[-_.@/]/g, "");
const partsOf = (id: string) => id.split(/[-_.@/]/);

function prepare(id: string): Known {
  const lower = id.toLowerCase();
  return { id, lower, bare: bareOf(lower), parts: partsOf(lower), letters: countLetters(lower) };
}

export class NearestIds {
  readonly #known: readonly Known[];
  /** In the order of their last use. */
  readonly #cached = new Map<string, string[]>();

  constructor(ids: readonly string[]) {
    this.#known = ids.map(prepare);
  }

  /** At most `count` known ids, the nearest first. */
  find(id: string, count: number): string[] {
    const asked = id.trim().toLowerCase().slice(0, MAX_LENGTH);
    const name = `${count}/${asked}`;
    const found = this.#cached.get(name) ?? this.#find(asked, count);
    this.#cached.delete(name);
    this.#cached.set(name, found);
    if (this.#cached.size > MAX_CACHED) this.#cached.delete(this.#cached.keys().next().value!);
    return found.slice();
  }

  #find(id: string, count: number): string[] {
    const asked = prepare(id);
    const ranks = new Float64Array(this.#known.length);
    for (const [index, known] of this.#known.entries()) ranks[index] = rankOf(asked, known) * MAX_KNOWN + index;
    ranks.sort();
    const last = ranks[Math.min(count, ranks.length) - 1] ?? 0;
    let distances = 0;
    for (let at = 0; at < ranks.length && groupOf(ranks[at]!) <= groupOf(last); at++) {
      if (groupOf(ranks[at]!) === 0) continue;
      const known = this.#known[ranks[at]! % MAX_KNOWN]!;
      const distance = distances++ < MAX_DISTANCES ? editDistance(asked.lower, known.lower) : MAX_DISTANCE - 1;
      ranks[at] = (groupOf(ranks[at]!) * MAX_DISTANCE + distance) * MAX_KNOWN + (ranks[at]! % MAX_KNOWN);
    }
    return Array.from(ranks.sort().subarray(0, count), (rank) => this.#known[rank % MAX_KNOWN]!.id);
  }
}

const groupOf = (rank: number) => Math.floor(rank / (MAX_DISTANCE * MAX_KNOWN));

/** Group and distance in one number: group 0 begins alike, the others have fewer parts in common the higher they are. */
function rankOf(asked: Known, known: Known): number {
  const [one, other] = [asked.bare, known.bare];
  if (one.length >= 3 && (other.startsWith(one) || (one.startsWith(other) && other.length >= 3)))
    return Math.abs(one.length - other.length);
  let parts = 0;
  while (parts < asked.parts.length && asked.parts[parts] === known.parts[parts]) parts++;
  return (MAX_LENGTH + 2 - parts) * MAX_DISTANCE + letterDistance(asked.letters, known.letters);
}

/** How often each letter occurs; characters that share their last five bits count as one. */
function countLetters(text: string): Uint8Array {
  const counts = new Uint8Array(LETTERS);
  for (let index = 0; index < text.length; index++) counts[text.charCodeAt(index) % LETTERS]! += 1;
  return counts;
}

/** A lower bound of the edit distance. */
function letterDistance(a: Uint8Array, b: Uint8Array): number {
  let more = 0;
  let less = 0;
  for (let letter = 0; letter < LETTERS; letter++) {
    const difference = a[letter]! - b[letter]!;
    if (difference > 0) more += difference;
    else less -= difference;
  }
  return Math.max(more, less);
}

const row = new Uint16Array(MAX_DISTANCE);

/** Levenshtein distance of texts shorter than {@link MAX_DISTANCE}, in one reused row. */
function editDistance(a: string, b: string): number {
  for (let column = 0; column <= b.length; column++) row[column] = column;
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0]!;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!;
      const change = diagonal + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      row[j] = Math.min(above + 1, row[j - 1]! + 1, change);
      diagonal = above;
    }
  }
  return row[b.length]!;
}
