// Tokens from any text that people keep them in: lines, CSV, JSON, cookies. Pure: nothing is asked, nothing is kept.
import type { NewToken } from "../db/store.ts";
import { type Cookie, fromCookies, isRecognised, PROVIDERS, recognise, type Unrecognised, unquote } from "./token-forms.ts";
import { readDocument } from "./token-json.ts";
import { plainName, readRecord, SECRET_NAMES } from "./token-record.ts";

export { PROVIDERS } from "./token-forms.ts";

/** A token as the text has it; what the text does not say is absent. `line` counts from 1. */
export type ParsedToken = { line: number; provider: string; secret: string } & Partial<Omit<NewToken, "provider" | "secret" | "state">>;

/** Why a line is no token, for people. Never quotes the line. */
export type RefusedLine = { line: number; reason: string };

export type ParsedLine = ParsedToken | RefusedLine;

export type ParseOptions = {
  /** Whose tokens they are where their form does not tell. */
  provider?: string;
};

export const isRefused = (parsed: ParsedLine): parsed is RefusedLine => "reason" in parsed;

/**
 * Reads the tokens of a text: one per line; CSV (`,`, `;` or tab) with or without a header; JSON, also one object per line; exports
 * of the Python original and of this program; cookie strings, cookie exports and cookies.txt. Blank lines and comments (`#`, `//`)
 * are passed over.
 */
export function parseTokens(text: string, options: ParseOptions = {}): ParsedLine[] {
  const clean = text.replace(/^\uFEFF/, "");
  if (/^\s*[[{]/.test(clean)) {
    const document = tryJson(clean);
    const line = 1 + newlines(/^\s*/.exec(clean)![0]);
    if (document !== undefined) return readDocument(document, clean.trimStart(), line, options);
    if (tryJson(clean.trim().split(/[\r\n]/)[0]!) === undefined) return [{ line, reason: "begins a JSON document that is damaged" }];
  }
  return readLines(clean.split(/\r\n|\n|\r/), options);
}

const newlines = (text: string): number => text.match(/\n/g)?.length ?? 0;

/** Undefined when it is no JSON: a parser's message would quote the text. */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Line = { line: number; text: string };

function readLines(texts: string[], options: ParseOptions): ParsedLine[] {
  const lines = texts.map((text, index) => ({ line: index + 1, text: text.trim() })).filter(({ text }) => isContent(text));
  const cookies = lines.filter(({ text }) => cookieLine(text) !== null);
  const rest = lines.filter(({ text }) => cookieLine(text) === null);
  const header = rest[0] && headerOf(rest[0].text);
  const rows = header ? rest.slice(1).map((line) => readRow(line, header, options)) : rest.flatMap((line) => readLine(line, options));
  return [...readCookieLines(cookies), ...rows];
}

function isContent(text: string): boolean {
  return text !== "" && !/^(#(?!HttpOnly_)|\/\/)/.test(text);
}

// cookies.txt, as browsers' extensions and curl write it: seven fields apart by tabs, after `#HttpOnly_` perhaps

function cookieLine(text: string): Cookie | null {
  const fields = text.replace(/^#HttpOnly_/, "").split("\t");
  const [domain, sub, , secure, , name, value] = fields;
  if (fields.length !== 7 || !/^(TRUE|FALSE)$/.test(sub!) || !/^(TRUE|FALSE)$/.test(secure!)) return null;
  return { domain: domain!, name: name!, value: value! };
}

function readCookieLines(lines: Line[]): ParsedLine[] {
  if (lines.length === 0) return [];
  const found = fromCookies(lines.map(({ text }) => cookieLine(text)!));
  return [isRecognised(found) ? { line: lines[0]!.line, ...found } : { line: lines[0]!.line, reason: found.reason }];
}

// CSV

type Header = { separator: string; names: string[] };

const SEPARATORS = [",", ";", "\t"];

/** A line that names a column of secrets. */
function headerOf(text: string): Header | null {
  for (const separator of SEPARATORS) {
    const names = splitRow(text, separator).map(plainName);
    if (names.some((name) => SECRET_NAMES.includes(name))) return { separator, names };
  }
  return null;
}

function readRow({ line, text }: Line, { separator, names }: Header, options: ParseOptions): ParsedLine {
  const cells = splitRow(text, separator);
  if (cells.length > names.length) return { line, reason: `has ${cells.length} fields where the header names ${names.length}` };
  return readRecord(Object.fromEntries(cells.map((cell, index) => [names[index]!, cell])), line, options);
}

/** Fields of one row; quotes as in RFC 4180, but a field ends with its line. */
function splitRow(text: string, separator: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(text.slice(at));
    const end = at + (quoted?.[0].length ?? 0);
    if (quoted && (end === text.length || text[end] === separator)) {
      cells.push(quoted[1]!.replaceAll('""', '"'));
      at = end + 1;
      continue;
    }
    const next = text.indexOf(separator, at);
    cells.push(text.slice(at, next === -1 ? undefined : next).trim());
    at = next === -1 ? text.length + 1 : next + 1;
  }
  return cells;
}

// One token per line, perhaps with a word about it

function readLine({ line, text }: Line, options: ParseOptions): ParsedLine[] {
  if (/^[[{]/.test(text)) {
    const document = tryJson(text.replace(/,$/, ""));
    return document === undefined ? [{ line, reason: "is no whole JSON" }] : readDocument(document, text, line, options);
  }
  const bare = withoutComment(text);
  const whole = recognise(bare, options.provider);
  if (isRecognised(whole) && (options.provider === undefined || !/[,\t]/.test(bare))) return [{ line, ...whole }];
  // Semicolons part cookies, too.
  const separators = bare.includes("=") ? SEPARATORS.filter((candidate) => candidate !== ";") : SEPARATORS;
  const separator = separators.find((candidate) => splitRow(bare, candidate).length > 1);
  return [separator ? readCells(splitRow(bare, separator), line, options) : { line, reason: (whole as Unrecognised).reason }];
}

/** The line up to a `#` that stands between blanks. */
function withoutComment(text: string): string {
  for (let at = text.indexOf("#", 1); at > 0; at = text.indexOf("#", at + 1)) {
    if (isBlank(text[at - 1]) && isBlank(text[at + 1])) return text.slice(0, at).trimEnd();
  }
  return text;
}

const isBlank = (character: string | undefined): boolean => character !== undefined && character.trim() === "";

/** A row without a header: the secret is found by its form, the rest by what it looks like. */
function readCells(cells: string[], line: number, options: ParseOptions): ParsedLine {
  const filled = cells.map((cell) => unquote(cell)).filter((cell) => cell !== "");
  const provider = filled.find((cell) => PROVIDERS.includes(cell.toLowerCase()))?.toLowerCase() ?? options.provider;
  const others = filled.filter((cell) => !PROVIDERS.includes(cell.toLowerCase()));
  const byForm = others.filter((cell) => isRecognised(recognise(cell)));
  const longest = others.reduce((longer, cell) => (cell.length > longer.length ? cell : longer), "");
  if (byForm.length > 1) return { line, reason: "holds more than one secret" };
  const secret = byForm[0] ?? longest;
  const record: Record<string, unknown> = { secret, provider };
  const about = others.filter((cell) => cell !== secret);
  record.identity = about.find((cell) => /^[^\s@]+@[^\s@]+$/.test(cell));
  record.proxy = about.find((cell) => /^https?:\/\//.test(cell));
  // Beside anything else it may as well be a password, and clients see labels.
  if (about.length === 1 && !record.identity && !record.proxy) record.label = about[0];
  return readRecord(record, line, options);
}
