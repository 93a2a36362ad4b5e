// Parses one token from a CSV row or JSON object, with the field names of the Python flow2api too.

import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import { CLOUD, readLocation } from "./cloud-account.ts";
import { detectSecret, isDetected, PROVIDERS } from "./detect-secret.ts";
import type { ParsedLine, ParsedToken, ParseOptions } from "./parsed-token.ts";
import { readProxy, text, wrong } from "./proxy-address.ts";
import { furtherSecrets, onlySecretsIn } from "./secrets-in-text.ts";

type Fields = Omit<ParsedToken, "line" | "provider" | "secret" | "state" | "health" | "left">;
type Facts = { [Name in keyof Fields]?: Fields[Name] };

/** Names as {@link plainName} leaves them. */
export const SECRET_NAMES: readonly string[] = [
  "secret",
  "token",
  "key",
  "apikey",
  "geminiapikey",
  "session",
  "sessiontoken",
  "st",
  "cookie",
  "securenextauthsessiontoken",
  "value",
];
const PROVIDER_NAMES = ["provider", "platform", "type"];

/** A name without case and punctuation: `Image_Concurrency` and `imageConcurrency` are one. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

const isBlank = (value: unknown) => value === null || value === undefined || value === "";

function flag(value: unknown): boolean {
  const word = `${value}`.trim().toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  if (["false", "0", "no", "off"].includes(word)) return false;
  throw wrong("expected true or false");
}

function numeric(minimum: number, maximum: number, whole: boolean) {
  const expected = `expected ${whole ? "a whole number" : "a number"} from ${minimum} to ${maximum}`;
  return (value: unknown): number => {
    const number = typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
    if (!(number >= minimum && number <= maximum) || (whole && !Number.isInteger(number))) throw wrong(expected);
    return number;
  };
}

function words(value: unknown): string[] {
  const items = Array.isArray(value) ? value : `${value}`.split(/[,;]/);
  return items.map((item) => text(100)(item)).filter((item) => item !== "");
}

function locationOf(value: unknown): string | null {
  const location = readLocation(text(100)(value));
  if (location === undefined) throw wrong("expected a location such as global or us-central1");
  return location;
}

function table(value: unknown): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("expected a table");
  return value;
}

const READERS: { [Name in keyof Required<Fields>]: { names: string[]; read: (value: unknown) => Required<Fields>[Name] } } = {
  label: { names: ["label"], read: text(100) },
  group: { names: ["group", "project"], read: text(100) },
  identity: { names: ["identity", "email", "account"], read: text(320) },
  note: { names: ["note", "remark", "comment"], read: text(2000) },
  tags: { names: ["tags"], read: words },
  proxy: { names: ["proxy", "proxyurl"], read: readProxy },
  location: { names: ["location", "region"], read: locationOf },
  enabled: { names: ["enabled", "isactive", "active"], read: flag },
  imageEnabled: { names: ["imageenabled"], read: flag },
  videoEnabled: { names: ["videoenabled"], read: flag },
  imageConcurrency: { names: ["imageconcurrency"], read: numeric(-1, 1000, true) },
  videoConcurrency: { names: ["videoconcurrency"], read: numeric(-1, 1000, true) },
  weight: { names: ["weight"], read: numeric(0, 1e6, false) },
  priority: { names: ["priority"], read: numeric(-1000, 1000, true) },
  allowFamilies: { names: ["allowfamilies"], read: words },
  denyFamilies: { names: ["denyfamilies"], read: words },
  caps: { names: ["caps"], read: table },
};

/** Names of what may stand beside a secret, as {@link plainName} leaves them. */
export const FIELD_NAMES: readonly string[] = ["name", "id", ...PROVIDER_NAMES, ...Object.values(READERS).flatMap(({ names }) => names)];

/** As other programs name whose keys they are, as {@link plainName} leaves it. */
const OTHER_PROVIDER_NAMES: Record<string, string> = {
  ...Object.fromEntries(["google", "googleai", "googlegemini", "googleaistudio", "aistudio", "geminiapi"].map((name) => [name, "gemini"])),
  ...Object.fromEntries(["googleflow", "labs", "labsgoogle"].map((name) => [name, "flow"])),
  ...Object.fromEntries(
    ["vertexai", "googlevertex", "googlevertexai", "gcp", "googlecloud", "serviceaccount"].map((name) => [name, CLOUD]),
  ),
};

/**
 * The tokens of one row or object: one, or several where its secret is a list or other fields hold secrets, too. Access tokens,
 * logins, passwords and cookies of the Google sign-in are not among the names and stay unread.
 */
export function readRecord(record: Record<string, unknown>, line: number, options: ParseOptions): ParsedLine[] {
  const named = new Map(Object.entries(record).map(([name, value]) => [plainName(name), value]));
  const fieldOf = (names: readonly string[]) => names.map((name) => named.get(name)).find((value) => !isBlank(value));
  const own = providerOf(fieldOf(PROVIDER_NAMES.slice(0, 2)), named.get("type"));
  if (own === null) return [{ line, reason: "provider: expected gemini, flow or vertex" }];
  const provider = own ?? options.provider;
  const secret = fieldOf(SECRET_NAMES);
  if (typeof secret !== "string") return [{ line, reason: "holds no secret (a field such as secret, key or session_token)" }];
  const isNamed = own !== undefined || named.has("secret");
  const found = secretsOf(secret, provider, isNamed);
  const fields = readFields(fieldOf);
  if ("reason" in fields) return [{ line, reason: fields.reason }];
  const shared = omit(fields, ["label"]);
  const further = furtherSecrets(
    [...named].filter(([name]) => !FIELD_NAMES.includes(name)).map(([, value]) => value),
    secret,
  ).filter((one) => !found.some((taken) => isDetected(taken) && taken.secret === one));
  return [...found, ...further.map((one) => detectSecret(one, options.provider))].map((one, index) =>
    isDetected(one) ? { line, ...one, ...(index === 0 ? fields : shared) } : { line, reason: `the secret ${one.reason}` },
  );
}

function secretsOf(text: string, provider: string | undefined, isNamed: boolean) {
  const whole = detectSecret(text, provider, { isNamed });
  const several = isDetected(whole) ? [] : onlySecretsIn(text);
  return several.length > 0 ? several.map((one) => detectSecret(one, provider)) : [whole];
}

/** Undefined where none is named; null where it is none of ours. A `type` may be anything else. */
function providerOf(named: unknown, type: unknown): string | undefined | null {
  const known = (value: unknown): string | undefined => {
    const name = typeof value === "string" ? plainName(value) : "";
    return PROVIDERS.includes(name) ? name : OTHER_PROVIDER_NAMES[name];
  };
  return named === undefined ? known(type) : (known(named) ?? null);
}

function readFields(fieldOf: (names: readonly string[]) => unknown): Facts | { reason: string } {
  const facts: Record<string, unknown> = {};
  for (const [name, { names, read }] of Object.entries(READERS)) {
    const value = fieldOf(names);
    if (value === undefined) continue;
    try {
      facts[name] = read(value);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return { reason: `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}: ${error.message}` };
    }
  }
  return facts;
}
