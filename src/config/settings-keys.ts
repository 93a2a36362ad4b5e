// The settings schema as a list of keys: what each expects, whether a value is that, and how it is read from text.
import ipaddr from "ipaddr.js";
import { redactText } from "../log.ts";
import { proxyFault } from "../proxy-address.ts";
import { type Settings, SettingsSchema } from "./settings-schema.ts";

/** A key with its section, e.g. `pool.wait_ms`. */
export type SettingKey = { [Section in keyof Settings]: `${Section}.${keyof Settings[Section] & string}` }[keyof Settings];

export type SettingValue = string | number | boolean | string[];

/** One key as the schema describes it. */
export type Setting = {
  key: SettingKey;
  section: keyof Settings;
  name: string;
  /** Its name in the environment, e.g. `FLOW2API_POOL_WAIT_MS`. */
  environment: string;
  type: "text" | "integer" | "flag" | "choice" | "list";
  default: SettingValue;
  description: string;
  /** Read once at start; never taken from the database. */
  boot: boolean;
  /** Never shown. */
  secret: boolean;
  /** Bounds of an integer, inclusive. */
  minimum: number;
  maximum: number;
  /** What a choice may be; empty for the other types. */
  choices: string[];
  /** What a value has to be, for people: `integer 0 to 65535`. */
  expected: string;
  accepts(value: unknown): boolean;
};

/** The part of JSON Schema that settings-schema.ts uses. */
type Leaf = {
  type?: "string" | "integer" | "boolean" | "array";
  /** Literals of a choice. */
  anyOf?: { const: string }[];
  default: SettingValue;
  description: string;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  expected?: string;
  check?: keyof typeof CHECKS;
  boot?: true;
  secret?: true;
};

const isAddress = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

const CHECKS = {
  cidr: (text: string) => isAddress(text) || (isAddress(text.split("/")[0]!) && ipaddr.isValidCIDR(text)),
  host: (text: string) => isAddress(text) || /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(text),
  postgres: (text: string) => text === "" || URL.canParse(text),
  proxy: (text: string) => text === "" || proxyFault(text) === null,
  zone: (text: string) => text === "" || isTimeZone(text),
  url: (text: string) => text === "" || (URL.canParse(text) && new URL(text).username === "" && new URL(text).password === ""),
};

function typeOf(leaf: Leaf): Setting["type"] {
  if (leaf.anyOf) return "choice";
  if (leaf.type === "integer") return "integer";
  if (leaf.type === "boolean") return "flag";
  return leaf.type === "array" ? "list" : "text";
}

function expectedOf(leaf: Leaf): string {
  switch (typeOf(leaf)) {
    case "integer":
      return `integer ${leaf.minimum} to ${leaf.maximum}`;
    case "flag":
      return "true or false";
    case "choice":
      return `one of ${leaf.anyOf!.map((option) => JSON.stringify(option.const)).join(", ")}`;
    case "list":
      return `list of ${leaf.expected ?? "texts"}`;
    case "text":
      return leaf.expected ?? "text";
  }
}

function acceptsOf(leaf: Leaf): Setting["accepts"] {
  const pattern = new RegExp(leaf.pattern ?? "");
  const check = leaf.check ? CHECKS[leaf.check] : () => true;
  const isText = (value: unknown) => typeof value === "string" && pattern.test(value) && check(value);
  switch (typeOf(leaf)) {
    case "integer":
      return (value) => Number.isSafeInteger(value) && (value as number) >= leaf.minimum! && (value as number) <= leaf.maximum!;
    case "flag":
      return (value) => typeof value === "boolean";
    case "choice":
      return (value) => leaf.anyOf!.some((option) => option.const === value);
    case "list":
      return (value) => Array.isArray(value) && value.every(isText);
    case "text":
      return isText;
  }
}

function describe(section: keyof Settings, name: string, leaf: Leaf): Setting {
  const type = typeOf(leaf);
  return {
    key: `${section}.${name}` as SettingKey,
    section,
    name,
    environment: `FLOW2API_${section}_${name}`.toUpperCase(),
    type,
    default: leaf.default,
    description: leaf.description,
    boot: leaf.boot ?? false,
    secret: leaf.secret ?? false,
    minimum: leaf.minimum ?? 0,
    maximum: leaf.maximum ?? 0,
    choices: type === "choice" ? leaf.anyOf!.map((option) => option.const) : [],
    expected: expectedOf(leaf),
    accepts: acceptsOf(leaf),
  };
}

const sections = Object.entries(SettingsSchema.properties) as unknown as [keyof Settings, { properties: Record<string, Leaf> }][];

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = sections.flatMap(([section, schema]) =>
  Object.entries(schema.properties).map(([name, leaf]) => describe(section, name, leaf)),
);

/** Names in the stored table of settings that are no settings: changes to the catalogue, rules for side calls, and what the last change replaced. */
export const OTHER_STORED: readonly string[] = ["models", "found_models", "side_calls", "last_change"];

const byKey: ReadonlyMap<string, Setting> = new Map(SETTINGS.map((setting) => [setting.key, setting]));

/** The setting of a dotted key, or null when there is none. */
export function findSetting(key: string): Setting | null {
  return byKey.get(key) ?? null;
}

const FLAGS = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

/** The value that `text` (of the environment, a flag or a form) means; what it cannot mean is returned as it is, for `accepts` to refuse. */
export function parseSetting(setting: Setting, text: string): unknown {
  if (setting.type === "integer") return /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : text;
  if (setting.type === "flag") return FLAGS.get(text.trim()) ?? text;
  if (setting.type !== "list") return text;
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** A value for people, on one line and at most about 80 characters: secrets hidden, text quoted. */
export function showValue(setting: Pick<Setting, "secret">, value: unknown): string {
  if (setting.secret && value !== "") return "a hidden value";
  if (value instanceof Date) return "a date";
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return "a table";
  const text = typeof value === "number" ? `${value}` : (JSON.stringify(value) ?? `${value}`);
  return redactText(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
