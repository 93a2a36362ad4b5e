// Values of options: numbers, lists, switches and times read from text; a wrong one is refused with what was expected.
import { usageError } from "./verb.ts";

/** What `read` makes of a given value; null: it was given empty, which clears; undefined: it was not given. */
export function given<T>(text: string | undefined, read: (text: string) => T): T | null | undefined {
  if (text === undefined) return undefined;
  return text.trim() === "" ? null : read(text.trim());
}

/** The given value; where none was given, the current one. */
export function or<T>(value: T | undefined, current: T): T {
  return value === undefined ? current : value;
}

const shown = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** @throws {AppError} reason `usage` naming option, expected and got; never used for secrets */
export function wrongValue(option: string, expected: string, got: string): Error {
  return usageError(`--${option}: expected ${expected}, got ${shown(got)}.`);
}

/** A whole number within bounds, both included. */
export const readWhole = (option: string, minimum: number, maximum: number) => (text: string) => {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= minimum && value <= maximum) return value;
  throw wrongValue(option, `a whole number from ${minimum} to ${maximum}`, text);
};

/** A decimal number from 0 to 999,999,999 with at most so many decimals. */
export const readDecimal = (option: string, decimals: number) => (text: string) => {
  const [, , fraction = ""] = /^(\d{1,9})(?:\.(\d+))?$/.exec(text) ?? [null, null, "x".repeat(decimals + 1)];
  if (fraction.length <= decimals) return Number(text);
  throw wrongValue(option, `a number from 0 to 999999999 with at most ${decimals} decimals`, text);
};

/** Items between commas, each once. */
export function readList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  return [...new Set(items.filter((item) => item !== ""))];
}

/** A list of which every item is one of `known`. */
export const readListOf =
  <const T extends string>(option: string, known: readonly T[]) =>
  (text: string): T[] =>
    readList(text).map((item) => {
      const found = known.find((one) => one === item);
      if (found === undefined) throw wrongValue(option, `a list of ${known.join(", ")}`, item);
      return found;
    });

export const readChoice =
  <const T extends string>(option: string, known: readonly T[]) =>
  (text: string): T => {
    const found = known.find((one) => one === text);
    if (found === undefined) throw wrongValue(option, `one of ${known.join(", ")}`, text);
    return found;
  };

export const readSwitch = (option: string) => (text: string) => readChoice(option, ["on", "off"])(text) === "on";

const TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;

/** Epoch ms of a day's beginning in UTC, or of a time with its zone; only what is to come after `now`. */
export const readFuture = (option: string, now: number) => (text: string) => {
  const [, day = "", time] = TIME.exec(text) ?? [];
  const at = Date.parse(text);
  const exists = Number.isFinite(at) && new Date(Date.parse(`${day}T00:00:00Z`)).toISOString().startsWith(day);
  if (day !== "" && exists && at > now) return at;
  const expected = time === undefined ? "a day to come like 2027-01-01 (UTC), or a time like 2027-01-01T12:00:00Z" : "a time to come";
  throw wrongValue(option, expected, text);
};

/** The number in the first column of a list. @param list the verb that shows it */
export function readId(text: string, list: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw usageError(`ID: expected the number that ${list} shows.`);
  return Number(text);
}

/** What `--enable` and `--disable` say together. */
export function readEnabled({ enable, disable }: { enable: boolean; disable: boolean }): boolean | undefined {
  if (enable && disable) throw usageError("--enable and --disable contradict each other.");
  return enable ? true : disable ? false : undefined;
}

/** What of a change was really given. @throws {AppError} reason `usage` when nothing was */
export function onlyGiven<T extends object>(change: T): Partial<T> {
  const entries = Object.entries(change).filter(([, value]) => value !== undefined);
  if (entries.length === 0) throw usageError("Nothing to change was given.");
  return Object.fromEntries(entries) as Partial<T>;
}
