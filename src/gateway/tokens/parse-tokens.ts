// Parses tokens from any text: lines, lists, CSV, JSON, YAML, .env, cookies. Pure.

import { createRows, SEPARATORS, splitRow } from "./csv-rows.ts";
import {
  assignedValue,
  type Cookie,
  detectSecret,
  fromCookies,
  isDetected,
  knownForm,
  PROVIDERS,
  type Unrecognised,
  unquote,
} from "./detect-secret.ts";
import { reportLeft } from "./left-in-text.ts";
import { FIELD_NAMES, plainName, readRecord, SECRET_NAMES } from "./parse-token-fields.ts";
import { hasDocument, readDocument } from "./parse-tokens-json.ts";
import { isRefused, type ParsedLine, type ParseOptions } from "./parsed-token.ts";
import { areMarkedOff, onlySecretsIn, secretsIn } from "./secrets-in-text.ts";

export { PROVIDERS } from "./detect-secret.ts";

/**
 * Reads the tokens of a text: one or several per line, apart by blanks, commas, semicolons or bars; CSV (`,`, `;` or tab) with a
 * header anywhere or without one; JSON, also one object per line, in quotes, or as the value of an assignment; YAML; lines of `.env`
 * files; exports of python-flow2api and of this program; cookie strings, cookie exports and cookies.txt. Blank lines, comments
 * (`#`, `//`) and the bare structure of such files are passed over; a secret that stands in one is reported.
 */
export function parseTokens(text: string, options: ParseOptions = {}): ParsedLine[] {
  const clean = text.replace(/^\uFEFF/, "");
  return reportLeft(clean.split(LINE_BREAK), parseClean(clean, options));
}

function parseClean(clean: string, options: ParseOptions): ParsedLine[] {
  const start = clean.trimStart();
  if (/^[[{]/.test(start)) {
    const document = tryJson(start);
    const line = 1 + newlines(clean.slice(0, clean.length - start.length));
    if (document !== undefined) return readDocument(document, { text: start, line, options });
    const isObject = start.startsWith("{") || start.includes("{");
    if (isObject && tryJson(withoutComma(start.split(/[\r\n]/, 1)[0]!)) === undefined) {
      const loose = tryLooseJson(start);
      if (loose !== undefined) return readDocument(loose, { text: start, line, options });
      const whole = readLines(clean.split(LINE_BREAK), options).filter((parsed) => !isRefused(parsed));
      return [{ line, reason: "begins a JSON document that is damaged" }, ...whole];
    }
  }
  return tryYaml(clean, options) ?? readLines(clean.split(LINE_BREAK), options);
}

const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/;

const withoutComma = (text: string): string => text.trimEnd().replace(/,$/, "");

const newlines = (text: string): number => text.match(/\n/g)?.length ?? 0;

/** Undefined when it is no JSON: a parser's message would quote the text. */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON with comments, commas too many, or names without quotes, as settings files have it. */
function tryLooseJson(text: string): unknown {
  if (text.length > MAX_LOOSE) return undefined;
  try {
    return Bun.JSON5.parse(text);
  } catch {
    return undefined;
  }
}

/** Longest text that is read as YAML or JSON5. */
const MAX_LOOSE = 1024 * 1024;

/** Null unless the text is YAML in which tokens are found; plain lines are read as such. */
function tryYaml(text: string, options: ParseOptions): ParsedLine[] | null {
  // An anchor could make a small text a huge document.
  if (text.length > MAX_LOOSE || !/^[ \t]*(?:- |[A-Za-z_][\w.-]{0,99}:[ \t]*$)/m.test(text) || /[&*]/.test(text)) return null;
  try {
    const document: unknown = Bun.YAML.parse(text);
    return hasDocument(document) ? readDocument(document, { text, line: 1, options }) : null;
  } catch {
    return null;
  }
}

type Line = { line: number; text: string };

function readLines(texts: string[], options: ParseOptions): ParsedLine[] {
  const lines = texts.map((text, index) => ({ line: index + 1, text: text.trim() })).filter(({ text }) => isContent(text));
  const cookies = lines.filter(({ text }) => cookieLine(text) !== null);
  const rest = lines.filter(({ text }) => cookieLine(text) === null);
  const parsed: ParsedLine[] = [];
  let header: Header | null = null;
  const rowAt = createRows(rest.map(({ text }) => text));
  for (let at = 0; at < rest.length; ) {
    const { text, lines: taken } = header ? rowAt(at, header.separator) : { text: rest[at]!.text, lines: 1 };
    const line = { line: rest[at]!.line, text };
    at += taken;
    const found = headerOf(text);
    if (found) header = found;
    else if (header && isRow(text, header)) parsed.push(...readRow(line, header, options));
    else parsed.push(...readLine(line, options));
  }
  return [...readCookieLines(cookies), ...parsed];
}

/** False for blanks, comments, rules, and what only opens or closes a list, a section or a document. */
function isContent(text: string): boolean {
  if (/^(?:#(?!HttpOnly_)|\/\/)/.test(text) || !/[\p{L}\p{N}*•]/u.test(text)) return false;
  if (text.startsWith("; ") && !holdsSecret(text)) return false;
  return !/^(?:```\w{0,20}|\[{1,2}[\w.-]{1,60}\]{1,2}|[A-Za-z_][\w.-]{0,60}(?::| ?[=:] ?[[{(])|sep=.)$/.test(text);
}

// cookies.txt, as browsers' extensions and curl write it: seven fields apart by tabs, after `#HttpOnly_` perhaps

function cookieLine(text: string): Cookie | null {
  const fields = text.replace(/^#HttpOnly_/, "").split("\t");
  const [domain, sub, , secure, , name, value] = fields;
  if (fields.length !== 7 || !/^(?:TRUE|FALSE)$/.test(sub!) || !/^(?:TRUE|FALSE)$/.test(secure!)) return null;
  return { domain: domain!, name: name!, value: value! };
}

function readCookieLines(lines: Line[]): ParsedLine[] {
  if (lines.length === 0) return [];
  const found = fromCookies(lines.map(({ text }) => cookieLine(text)!));
  return [isDetected(found) ? { line: lines[0]!.line, ...found } : { line: lines[0]!.line, reason: found.reason }];
}

// CSV

type Header = { separator: string; names: string[] };

/** Longest line that is a header. */
const MAX_HEADER = 1000;

/** A line that names a column of secrets and holds none. */
function headerOf(text: string): Header | null {
  if (text.length > MAX_HEADER || holdsSecret(text)) return null;
  for (const separator of SEPARATORS) {
    const names = splitRow(text, separator).map(plainName);
    const secret = names.findIndex((name) => SECRET_NAMES.includes(name));
    if (secret !== -1) return { separator, names };
    const likely = names.findIndex((name) => /secret|key|token|session|cookie/.test(name));
    if (likely === -1 || !names.some((name) => FIELD_NAMES.includes(name))) continue;
    return { separator, names: names.map((name, index) => (index === likely ? "secret" : name)) };
  }
  return null;
}

const holdsSecret = (text: string): boolean => secretsIn(text).length > 0;

/** False for a secret that stands alone below a table of several columns. */
function isRow(text: string, { separator, names }: Header): boolean {
  return names.length === 1 ? !/[,;\t]/.test(text) : splitRow(text, separator).length > 1;
}

function readRow({ line, text }: Line, { separator, names }: Header, options: ParseOptions): ParsedLine[] {
  const cells = splitRow(text, separator);
  if (cells.length > names.length) return [{ line, reason: `has ${cells.length} fields where the header names ${names.length}` }];
  return readRecord(Object.fromEntries(cells.map((cell, index) => [names[index]!, cell])), line, options);
}

// Lines without a header: one token with a word about it, or several tokens

function readLine({ line, text }: Line, options: ParseOptions): ParsedLine[] {
  const whole = withoutComment(text.replace(/^(?:[-*•+] |\d{1,5}[.)] )/, "").trim());
  const bare = assignedText(whole);
  if (/^[[{]/.test(bare)) {
    const document = tryJson(withoutComma(bare));
    if (document !== undefined) return readDocument(document, { text: bare, line, options });
    if (!holdsSecret(bare)) return [{ line, reason: "is no whole JSON" }];
  }
  const found = detectSecret(whole, options.provider);
  if (isDetected(found)) return [{ line, ...found }];
  const secrets = secretsIn(bare);
  const take = () => secrets.flatMap((secret) => readRecord({ secret, provider: options.provider }, line, options));
  if (secrets.length > 1 && (onlySecretsIn(bare).length > 0 || areMarkedOff(whole))) return take();
  if (secrets.length > 1) return [{ line, reason: "holds more than one secret beside other words" }];
  const cells = cellsOf(bare);
  const row = cells.length > 1 ? readCells(cells, line, options) : [{ line, reason: (found as Unrecognised).reason }];
  return secrets.length === 1 && row.every(isRefused) && !isOfOther(secrets[0]!, options) ? take() : row;
}

/** True where it is a secret of the other provider than all are said to be. */
const isOfOther = (secret: string, { provider }: ParseOptions): boolean =>
  provider !== undefined && knownForm(secret)?.provider !== provider;

/** What an assignment assigns, without its quotes; else the text itself. JSON in quotes is taken out of them. */
function assignedText(text: string): string {
  const value = unquote(assignedValue(text) ?? text);
  const escaped = value.includes('\\"') ? tryJson(`"${value}"`) : undefined;
  return typeof escaped === "string" ? escaped : value;
}

/** The fields of a row without a header, by the first sign that parts it. */
function cellsOf(text: string): string[] {
  if (text.includes("----")) return text.split("----");
  // Semicolons part cookies, too.
  const separators = text.includes("=") ? [",", "\t", "|"] : [...SEPARATORS, "|"];
  const separator = separators.find((candidate) => splitRow(text, candidate).length > 1);
  if (separator) return splitRow(text, separator);
  return holdsSecret(text) ? text.split(/\s/).filter((cell) => cell !== "") : [text];
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
function readCells(cells: string[], line: number, options: ParseOptions): ParsedLine[] {
  const filled = cells.map((cell) => unquote(cell.trim())).filter((cell) => cell !== "");
  const provider = filled.find((cell) => PROVIDERS.includes(cell.toLowerCase()))?.toLowerCase();
  const others = filled.filter((cell) => !PROVIDERS.includes(cell.toLowerCase()));
  const byForm = others.filter((cell) => isDetected(detectSecret(cell)));
  const open = others.filter(
    (cell) => provider !== undefined && isLikely(cell) && isDetected(detectSecret(cell, provider, { isNamed: true })),
  );
  const longest = open.reduce((longer, cell) => (cell.length > longer.length ? cell : longer), "");
  if (byForm.length > 1) return [{ line, reason: "holds more than one secret" }];
  const secret = byForm[0] ?? longest;
  const record: Record<string, unknown> = { secret, provider };
  const about = others.filter((cell) => cell !== secret);
  record.identity = about.find((cell) => /^[^\s@]+@[^\s@]+$/.test(cell));
  record.proxy = about.find((cell) => /^https?:\/\//.test(cell));
  // Beside anything else it may as well be a password, and clients see labels.
  if (about.length === 1 && !record.identity && !record.proxy) record.label = labelOf(about[0]!);
  return readRecord(record, line, options);
}

/** More than a word: `flow,diagrams` is prose. */
const isLikely = (cell: string): boolean => cell.length >= 12 && /\d/.test(cell);

/** Without the signs of a comment before it; undefined where nothing else is left. */
const labelOf = (text: string): string | undefined => text.replace(/^[#;/*+•\s-]+/, "") || undefined;
