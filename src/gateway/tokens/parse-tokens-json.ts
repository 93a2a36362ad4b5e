// Parses tokens from JSON and YAML: lists, named lists, flow2api exports, browser cookie exports.

import { isCloudCredential } from "../../domain/cloud-account.ts";
import { assignedValue, type Cookie, detectSecret, fromCookies, isDetected, knownForm, PROVIDERS } from "./detect-secret.ts";
import { FIELD_NAMES, plainName, readRecord, SECRET_NAMES } from "./parse-token-fields.ts";
import type { ParsedLine, ParseOptions } from "./parsed-token.ts";
import { isPythonRow, readPythonAccount } from "./python-account.ts";
import { onlySecretsIn } from "./secrets-in-text.ts";

/** Fields under which a list of tokens may lie in an object, as {@link plainName} leaves them. */
const LISTS: readonly string[] = [
  ...["tokens", "accounts", "keys", "apikeys", "secrets", "sessions", "sessiontokens", "credentials", "items", "data"],
  ...["geminiapikeys", "geminikeys", "googleapikeys", "generativelanguageapikeys", "apikeylist", "keylist"],
];
/** Deeper than any list of tokens; a document that is deeper is not read. */
const MAX_DEPTH = 8;
/** Each text that is not found costs a search of all that is left: lines are then no longer reported. */
const MAX_MISSED = 100;

type Table = Record<string, unknown>;

/** Where a document stands: its own text, the line of its beginning (from 1), and how tokens are read. */
export type DocumentSource = { text: string; line: number; options: ParseOptions };

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null && !Array.isArray(value);
const isCookie = (value: unknown): value is Cookie =>
  isTable(value) && typeof value.name === "string" && typeof value.value === "string" && !("provider" in value);

/** Every token of the document, and each entry of its lists that is none with the reason. */
export function readDocument(document: unknown, source: DocumentSource): ParsedLine[] {
  const found = new Reader(source).read(document);
  return found ?? [{ line: source.line, reason: "holds no secret (a field such as secret, key or session_token)" }];
}

/** True where {@link readDocument} would find a token. */
export const hasDocument = (document: unknown): boolean =>
  typeof document === "object" &&
  document !== null &&
  readDocument(document, { text: "", line: 1, options: {} }).some((parsed) => !("reason" in parsed));

/** Walks a document once; lines are found by searching the text on from the place of the entry before. */
class Reader {
  #at = 0;
  #line: number;
  /** Index of the first line's end at or behind `#at`; -1: none. */
  #nextBreak: number;
  /** Texts that were not found, as they are written with other escapes. */
  #missed = 0;
  readonly #source: DocumentSource;

  constructor(source: DocumentSource) {
    this.#source = source;
    this.#line = source.line;
    this.#nextBreak = source.text.indexOf("\n");
  }

  /** Null where nothing in it looks like tokens. */
  read(value: unknown, options: ParseOptions = this.#source.options, depth = 0): ParsedLine[] | null {
    if (depth > MAX_DEPTH) return null;
    if (Array.isArray(value)) return this.#list(value, options, depth);
    return isTable(value) ? this.#table(value, options, depth) : this.#element(value, options);
  }

  #list(items: unknown[], options: ParseOptions, depth: number): ParsedLine[] {
    if (items.length > 0 && items.every(isCookie)) return [readCookies(items, this.#lineOf(items[0]!.value))];
    return items.flatMap((item, index) => {
      const line = this.#lineOf(firstText(item, 0), isTable(item));
      const nested = isTable(item) || (Array.isArray(item) && !item.every(isCookie)) ? this.read(item, options, depth + 1) : null;
      const parsed = nested ?? readElement(item, line, options);
      this.#pass(item, 0);
      return parsed.map((one) => ("reason" in one ? { ...one, reason: `entry ${index + 1}: ${one.reason}` } : one));
    });
  }

  #table(table: Table, options: ParseOptions, depth: number): ParsedLine[] | null {
    if (hasSecret(table)) return [...this.#element(table, options), ...this.#lists(table, options, depth)];
    const parsed = this.#lists(table, options, depth);
    for (const [name, value] of Object.entries(table)) parsed.push(...this.#field(name, value, options, depth));
    if (parsed.length > 0) return parsed;
    return Object.keys(table).some((name) => LISTS.includes(plainName(name)) && Array.isArray(table[name])) ? [] : null;
  }

  /** A field of an object that is no token itself. */
  #field(name: string, value: unknown, options: ParseOptions, depth: number): ParsedLine[] {
    const named = PROVIDERS.find((candidate) => candidate === name.toLowerCase());
    const inside = { ...options, provider: named ?? options.provider };
    if (knownForm(name)) return readRecord({ ...(isTable(value) ? value : {}), secret: name }, this.#lineOf(name), options);
    if (typeof value === "string") {
      const isOne = knownForm(value.trim()) !== null;
      if (!isOne && onlySecretsIn(value).length === 0) return [];
      const label = named || !isOne ? {} : { label: name };
      return readRecord({ ...label, secret: value }, this.#lineOf(value), options);
    }
    if (isTable(value) || (Array.isArray(value) && named)) return this.read(value, inside, depth + 1) ?? [];
    if (!Array.isArray(value) || LISTS.includes(plainName(name))) return [];
    // A list under any other name may hold anything: only what is a token, or an object with a field for one, is reported.
    return value.flatMap((item) => {
      if (typeof item !== "string") return typeof item === "object" ? (this.read(item, inside, depth + 1) ?? []) : [];
      const line = this.#lineOf(item);
      return readTextLine(item, line, inside).filter((parsed) => !("reason" in parsed));
    });
  }

  /** The lists of tokens among its fields. */
  #lists(table: Table, options: ParseOptions, depth: number): ParsedLine[] {
    return Object.entries(table).flatMap(([name, value]) =>
      Array.isArray(value) && LISTS.includes(plainName(name)) ? this.#list(value, options, depth) : [],
    );
  }

  #element(item: unknown, options: ParseOptions): ParsedLine[] {
    return readElement(item, this.#lineOf(firstText(item, 0), isTable(item)), options);
  }

  /** Goes on behind everything that the entry holds. */
  #pass(item: unknown, depth: number): void {
    if (depth > MAX_DEPTH) return;
    if (typeof item === "string" || typeof item === "number") this.#passText(`${item}`);
    else if (Array.isArray(item)) for (const one of item) this.#pass(one, depth + 1);
    else if (isTable(item)) {
      for (const [name, value] of Object.entries(item)) {
        this.#passText(name);
        this.#pass(value, depth + 1);
      }
    }
  }

  #passText(text: string): void {
    this.#lineOf(text);
    if (this.#source.text.startsWith(escaped(text), this.#at)) this.#at += escaped(text).length;
  }

  /** The line on which `text` stands next, or the one before where it cannot be found; of an object's first name: where it opens. */
  #lineOf(text: string | null, opens = false): number {
    const { text: all } = this.#source;
    const found = text === null || this.#missed > MAX_MISSED ? -1 : all.indexOf(escaped(text), this.#at);
    if (found === -1) {
      this.#missed++;
      return this.#line;
    }
    this.#at = opens ? openingBefore(all, found) : found;
    while (this.#nextBreak !== -1 && this.#nextBreak < this.#at) {
      this.#line++;
      this.#nextBreak = all.indexOf("\n", this.#nextBreak + 1);
    }
    return this.#line;
  }
}

/** Index of the brace before a name, with nothing but blanks and a quote between; where there is none, of the name. */
function openingBefore(text: string, name: number): number {
  let at = name - 1;
  while (at >= 0 && (text[at] === '"' || text[at]!.trim() === "")) at--;
  return text[at] === "{" ? at : name;
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The first text that an entry holds, a field's name included: where the entry stands. */
function firstText(item: unknown, depth: number): string | null {
  if (typeof item === "string" || typeof item === "number") return `${item}`;
  if (depth > MAX_DEPTH) return null;
  if (Array.isArray(item)) return item.length > 0 ? firstText(item[0], depth + 1) : null;
  return isTable(item) ? (Object.keys(item)[0] ?? null) : null;
}

/** True for an object that is one token: a secret under one of its names, or cookies. */
function hasSecret(table: Table): boolean {
  if (cloudCredentialOf(table)) return true;
  if (Array.isArray(table.cookies) || typeof table.cookies === "string") return true;
  return Object.entries(table).some(([name, value]) => typeof value === "string" && SECRET_NAMES.includes(plainName(name)));
}

function readElement(item: unknown, line: number, options: ParseOptions): ParsedLine[] {
  if (typeof item === "string") return readTextLine(item, line, options);
  if (Array.isArray(item) && item.every(isCookie)) return [readCookies(item, line)];
  if (!isTable(item)) return [{ line, reason: "is neither text nor an object" }];
  const credential = cloudCredentialOf(item);
  if (credential) return readCloud(item, credential, line, options);
  if (isPythonRow(item)) return [readPythonAccount(item, line, { now: options.now ?? 0, sharedProxy: null, autoEnable: false })];
  const { cookies, cookie } = item;
  if (Array.isArray(cookies) && cookies.every(isCookie)) {
    const found = fromCookies(cookies);
    return isDetected(found) ? readRecord({ ...item, ...found }, line, options) : [{ line, reason: found.reason }];
  }
  return readRecord(typeof cookies === "string" && cookie === undefined ? { ...item, cookie: cookies } : item, line, options);
}

/** Fields under which a JSON credential lies in an object that says more of it, as {@link plainName} leaves them. */
const CREDENTIALS: readonly string[] = [
  "serviceaccount",
  "serviceaccountjson",
  "credentials",
  "credential",
  "secret",
  "key",
  "json",
  "vertex",
];

/** The JSON credential of Google Cloud that an object is, or holds as an object; null: none. */
function cloudCredentialOf(table: Table): Table | null {
  if (isCloudCredential(table) && !isTable(table.service_account)) return table;
  const held = Object.entries(table).find(([name, value]) => CREDENTIALS.includes(plainName(name)) && isCloudCredential(value));
  return held ? (held[1] as Table) : null;
}

/** Names of a JSON credential that mean something else there. */
const OF_CREDENTIAL = new Set(["type", "projectid", "clientid", "clientemail", "provider", "platform"]);

function readCloud(item: Table, credential: Table, line: number, options: ParseOptions): ParsedLine[] {
  const found = detectSecret(JSON.stringify(credential), options.provider);
  if (!isDetected(found)) return [{ line, reason: found.reason }];
  const about = Object.entries(item).filter(([name, value]) => {
    const plain = plainName(name);
    return FIELD_NAMES.includes(plain) && !OF_CREDENTIAL.has(plain) && !isTable(value);
  });
  return readRecord({ ...Object.fromEntries(about), ...found }, line, options);
}

/** A text as an entry of a list: a secret, or several. */
function readTextLine(text: string, line: number, options: ParseOptions): ParsedLine[] {
  const whole = detectSecret(text, options.provider);
  if (isDetected(whole)) return [{ line, ...whole }];
  const several = onlySecretsIn(text.slice(assignmentOf(text)));
  return several.length > 0 ? several.flatMap((secret) => readTextLine(secret, line, options)) : [{ line, reason: whole.reason }];
}

/** Length of the name that assigns what follows. */
const assignmentOf = (text: string): number => text.length - (assignedValue(text) ?? text).length;

function readCookies(cookies: readonly Cookie[], line: number): ParsedLine {
  const found = fromCookies(cookies);
  return isDetected(found) ? { line, ...found } : { line, reason: found.reason };
}
