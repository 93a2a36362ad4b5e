// Logger: JSON lines, or coloured lines on a terminal. Every value passes one redaction list.

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Fields = Record<string, unknown>;

/** One written line, redacted. `at` in epoch ms. */
export type LogLine = { at: number; level: LogLevel; message: string; fields: Fields };

export type Log = {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** `fields.error` is written with its stack and causes. */
  error(message: string, fields?: Fields): void;
  /** The same log with fields added to each line. */
  with(fields: Fields): Log;
  /** Whether a line of this level is written: what costs time to say is not worked out otherwise. */
  isWritten(level: LogLevel): boolean;
  setLevel(level: LogLevel): void;
  /** Calls `listener` with each written line, until the returned function is called. */
  listen(listener: (line: LogLine) => void): () => void;
};

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };
const COLOUR: Record<LogLevel, string> = { debug: "\x1b[2m", info: "\x1b[36m", warn: "\x1b[33m", error: "\x1b[31m" };

/** Field names whose values are always masked. */
const SECRET_NAMES =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-goog-api-key|key|secret|token|access_token|session_token|password|st|at|private_key|privatekey|assertion|accesstoken)$/i;

/** Shapes of secrets inside any text: Google keys and tokens, our keys, bearer values, `key=` in a query, URL credentials. */
const SECRET_SHAPES: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g, "-----BEGIN PRIVATE KEY-----…"],
  [/AIza[\w-]{10,}/g, "AIza…"],
  [/ya29\.[\w.-]+/g, "ya29.…"],
  [/eyJ[\w-]{8,}(?:\.[\w.-]+)?/g, "eyJ…"],
  [/sk-f2a-[\w-]+/g, "sk-f2a-…"],
  [/(bearer\s+)[\w.~+/=-]+/gi, "$1…"],
  [/([?&]key=)[^&\s"]+/gi, "$1…"],
  [/(\/\/)[^/\s"@]+@/g, "$1…@"],
];

/** A text without any of these cannot match a shape above: most texts end here. */
const SUSPECT = /PRIVATE KEY|AIza|ya29|eyJ|sk-f2a|bearer|key=|@/i;

/** Replaces everything in `text` that looks like a secret. */
export function redactText(text: string): string {
  if (!SUSPECT.test(text)) return text;
  let out = text;
  for (const [shape, mask] of SECRET_SHAPES) out = out.replace(shape, mask);
  return out;
}

const MAX_TEXT = 2000;
/** Masked before it is cut: at the cut no part of a secret is left. */
const cut = (text: string): string => `${redactText(text.slice(0, 2 * MAX_TEXT)).slice(0, MAX_TEXT)}…`;

/** A copy that is safe to write: secret fields masked, strings redacted and truncated to 2,000 characters, errors flattened. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return value.length > MAX_TEXT ? cut(value) : redactText(value);
  if (value instanceof Error) return redactError(value, depth);
  if (value === null || typeof value !== "object") return typeof value === "bigint" ? value.toString() : value;
  if (depth > 4) return "…";
  if (ArrayBuffer.isView(value) || value instanceof Blob) return "[bytes]";
  if (Array.isArray(value)) return redactList(value, depth);
  const safe: Fields = {};
  for (const name in value) {
    if (name === "__proto__" || !Object.hasOwn(value, name)) continue;
    const item = (value as Fields)[name];
    safe[name] = item && isSecretName(name) ? "…" : redact(item, depth + 1);
  }
  return safe;
}

const redactList = (list: readonly unknown[], depth: number): unknown[] => list.slice(0, 50).map((item) => redact(item, depth + 1));

/** Field names come from the program: nearly all are the same few. */
const secretNames = new Map<string, boolean>();
const MAX_NAMES = 1_000;

function isSecretName(name: string): boolean {
  const known = secretNames.get(name);
  if (known !== undefined) return known;
  const isSecret = SECRET_NAMES.test(name);
  if (secretNames.size < MAX_NAMES) secretNames.set(name, isSecret);
  return isSecret;
}

function redactError(error: Error, depth: number): Fields {
  const own = Object.fromEntries(
    Object.entries(error)
      .filter(([name]) => name !== "cause")
      // `fetch` names its URL there, whose path or query may be a secret: a signed link, a webhook's address.
      .map(([name, value]) => [name, name === "path" ? hostOnly(value) : value]),
  );
  return {
    name: error.name,
    message: redactText(error.message),
    ...(redact(own, depth + 1) as Fields),
    stack: redactText(error.stack ?? ""),
    ...(error.cause === undefined || depth > 3 ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

const hostOnly = (value: unknown): unknown => {
  const url = typeof value === "string" && /^[a-z0-9+.-]+:\/\//i.test(value) ? URL.parse(value) : null;
  return url ? `${url.protocol}//${url.host}/…` : value;
};

const jsonLine = (time: Date, level: LogLevel, message: string, fields: Fields): string =>
  JSON.stringify({ time: time.toISOString(), level, message, ...fields });

/** The line where nothing in it is to be masked, cut or flattened, as in nearly all; null: its fields are redacted one by one. */
function harmlessLine(time: Date, level: LogLevel, message: string, fields: Fields): string | null {
  for (const name in fields) if (name === "__proto__" || !isPlain(name, fields[name])) return null;
  const line = jsonLine(time, level, message, fields);
  // What JSON escapes stands in none of the words that are looked for.
  return SUSPECT.test(line) ? null : line;
}

function isPlain(name: string, value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_TEXT && !(value && isSecretName(name));
  return typeof value === "number" || typeof value === "boolean" ? !(value && isSecretName(name)) : value == null;
}

const plain = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function prettyLine(time: Date, level: LogLevel, message: string, fields: Fields): string {
  const rest = Object.entries(fields).map(([name, value]) => `\x1b[2m${name}=\x1b[0m${plain(value)}`);
  return `\x1b[2m${time.toISOString().slice(11, 23)}\x1b[0m ${COLOUR[level]}${level.padEnd(5)}\x1b[0m ${message} ${rest.join(" ")}`.trimEnd();
}

function tell(listeners: ReadonlySet<(line: LogLine) => void>, line: LogLine): void {
  for (const listener of listeners) listener(line);
}

/** Calls `write` once per line. */
export function createLog(options: {
  level: LogLevel;
  format: "json" | "pretty";
  now?: () => number;
  write?: (line: string, level: LogLevel) => void;
}): Log {
  const now = options.now ?? Date.now;
  const write = options.write ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const shared = { level: options.level };
  const listeners = new Set<(line: LogLine) => void>();
  const time = new Date(0);

  const make = (base: Fields): Log => {
    const hasBase = Object.keys(base).length > 0;
    const line = (level: LogLevel) => (message: string, fields?: Fields) => {
      if (ORDER[level] < ORDER[shared.level]) return;
      const given = hasBase ? { ...base, ...fields } : (fields ?? {});
      const at = now();
      time.setTime(at);
      const known = options.format === "json" ? harmlessLine(time, level, message, given) : null;
      const safe = known === null ? (redact(given) as Fields) : given;
      const text = known === null ? redactText(message) : message;
      if (options.format === "pretty") write(prettyLine(time, level, text, safe), level);
      else write(known ?? jsonLine(time, level, text, safe), level);
      if (listeners.size > 0) tell(listeners, { at, level, message: text, fields: safe });
    };
    return {
      debug: line("debug"),
      info: line("info"),
      warn: line("warn"),
      error: line("error"),
      isWritten: (level) => ORDER[level] >= ORDER[shared.level],
      with: (fields) => make({ ...base, ...fields }),
      setLevel: (level) => {
        shared.level = level;
      },
      listen(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    };
  };
  return make({});
}

/** A log that writes nothing. */
export const silentLog: Log = createLog({ level: "error", format: "json", write: () => {} });
