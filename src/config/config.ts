// Settings from all their sources, merged and checked: defaults < file < database < environment < flags.
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { AppError } from "../errors.ts";
import { nearest } from "./nearest.ts";
import {
  findSetting,
  OTHER_STORED,
  parseSetting,
  SETTINGS,
  type Setting,
  type SettingKey,
  type SettingValue,
  showValue,
} from "./settings-keys.ts";
import type { Settings } from "./settings-schema.ts";

export type Origin = "default" | "file" | "database" | "environment" | "flag";

/** Checked settings, where each came from, and what is odd but no reason to stop. */
export type Config = {
  settings: Settings;
  origins: Record<SettingKey, Origin>;
  /** The file that was read, as the operator wrote it; null when there was none. */
  file: string | null;
  /** The models file beside it, which need not exist; null: none is looked for. */
  modelsFile: { name: string; path: string } | null;
  warnings: string[];
};

export type ConfigInput = {
  /** Path of the file; absent: `config/setting.toml` when it exists; null: no file. */
  file?: string | null;
  /** Folder that a relative `file` starts from; absent: the process's. */
  cwd?: string;
  env: Record<string, string | undefined>;
  /** Values of the command line; text is read as in the environment. */
  flags: Partial<Record<SettingKey, SettingValue>>;
  /** Values edited at run time, by dotted key. */
  database?: Record<string, unknown>;
};

export const DEFAULT_FILE = "config/setting.toml";
/** Lies beside the settings file. */
const MODELS_FILE = "models.toml";

/** Names that look like settings and are read elsewhere. */
const OTHER_NAMES = ["FLOW2API_SECRET_KEY", "FLOW2API_NEW_SECRET_KEY", "FLOW2API_SECOND_SECRET_KEY"];

type Layer = { origin: Origin; values: Map<SettingKey, SettingValue> };

/**
 * Reads and merges every source. Pure but for reading the file.
 * @throws {AppError} `invalid_request` on the first thing that is wrong, in one line: source, key, what is expected, what is there.
 * Its `reason` is `usage` when a flag is at fault
 */
export function loadConfig(input: ConfigInput): Config {
  const warnings: string[] = [];
  const file = readFile(input);
  const layers: Layer[] = [
    { origin: "default", values: new Map(SETTINGS.map((setting) => [setting.key, structuredClone(setting.default)])) },
    { origin: "file", values: file ? fromFile(file.name, file.text) : new Map() },
    { origin: "environment", values: fromEnvironment(input.env, warnings) },
    { origin: "flag", values: fromFlags(input.flags) },
  ];
  const { settings, origins } = merge(layers);
  checkBucket(settings, origins, file?.name ?? DEFAULT_FILE);
  return withDatabase({ settings, origins, file: file?.name ?? null, modelsFile: modelsFileOf(input), warnings }, input.database ?? {});
}

/**
 * The same with values edited at run time over defaults and file; environment and flags stay. `config` is one without them.
 * What is wrong in the database is a warning, not a refusal: it cannot be mended while the server is stopped.
 */
export function withDatabase(config: Config, database: Record<string, unknown>): Config {
  const warnings = [...config.warnings];
  const settings = structuredClone(config.settings);
  const origins = { ...config.origins };
  for (const [key, value] of fromDatabase(database, warnings)) {
    if (origins[key] === "environment" || origins[key] === "flag") continue;
    writeValue(settings, key, value);
    origins[key] = "database";
  }
  return { ...config, settings, origins, warnings };
}

/** A bucket without keys would refuse the first result; it is refused at start instead. */
function checkBucket({ storage }: Settings, origins: Config["origins"], file: string): void {
  if (storage.media_url === "") return;
  for (const name of ["s3_access_key", "s3_secret_key"] as const) {
    if (storage[name] !== "") continue;
    const source = origins["storage.media_url"] === "file" ? file : origins["storage.media_url"];
    throw refuse(`${source}: storage.${name}: expected the key of the bucket in storage.media_url, got nothing`);
  }
}

function merge(layers: Layer[]): Pick<Config, "settings" | "origins"> {
  const settings = {} as Settings;
  const origins = {} as Config["origins"];
  for (const { origin, values } of layers) {
    for (const [key, value] of values) {
      writeValue(settings, key, value);
      origins[key] = origin;
    }
  }
  return { settings, origins };
}

/** Values are checked before they come here. */
function writeValue(settings: Settings, key: SettingKey, value: SettingValue): void {
  const [section, name] = key.split(".") as [string, string];
  const sections = settings as unknown as Record<string, Record<string, SettingValue>>;
  sections[section] ??= {};
  sections[section][name] = value;
}

function modelsFileOf(input: ConfigInput): Config["modelsFile"] {
  if (input.file === null) return null;
  const name = join(dirname(input.file ?? DEFAULT_FILE), MODELS_FILE);
  return { name, path: resolve(input.cwd ?? process.cwd(), name) };
}

const refuse = (message: string, cause?: unknown) => new AppError("invalid_request", message, { cause });

function mismatch(source: string, setting: Setting, value: unknown): string {
  return `${source}: ${setting.key}: expected ${setting.expected}, got ${showValue(setting, value)}`;
}

// The file

function readFile(input: ConfigInput): { name: string; text: string } | null {
  if (input.file === null) return null;
  const name = input.file ?? DEFAULT_FILE;
  try {
    const bytes = readFileSync(resolve(input.cwd ?? process.cwd(), name));
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" && input.file === undefined) return null;
    if (code === "ENOENT") throw refuse(`${name}: expected a settings file, got no such file`);
    if (code === "EISDIR") throw refuse(`${name}: expected a settings file, got a directory`);
    if (error instanceof TypeError) throw refuse(`${name}: expected UTF-8 text, got other bytes`);
    throw refuse(`${name}: cannot be read (${code})`, error);
  }
}

function fromFile(file: string, text: string): Layer["values"] {
  const values: Layer["values"] = new Map();
  for (const [section, table] of Object.entries(parseToml(file, text))) {
    if (!SETTINGS.some((setting) => setting.section === section)) throw refuse(unknownSection(file, section, table));
    if (!isTable(table))
      throw refuse(`${file}: ${section}: expected a section [${section}], got a ${Array.isArray(table) ? "list" : "value"}`);
    for (const [name, value] of Object.entries(table)) {
      const setting = findSetting(`${section}.${name}`);
      if (!setting) throw refuse(unknownKey(file, section, name));
      if (!setting.accepts(value)) throw refuse(mismatch(file, setting, value));
      values.set(setting.key, value as SettingValue);
    }
  }
  return values;
}

function parseToml(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of the message quotes the file, and with it perhaps a secret.
    const what = error.message.split("\n")[0]!.replace("Invalid TOML document: ", "");
    throw refuse(`${file}:${error.line}:${error.column}: expected TOML, got ${what}`);
  }
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);

/** A name from the file, safe to print on one line. */
const printable = (name: string) => (/^[\w-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80)));

function unknownSection(file: string, section: string, table: unknown): string {
  if (!isTable(table)) return `${file}: ${printable(section)}: unknown key; nearest known key: ${nearestKey("", section)}`;
  const known = nearest(section, new Set(SETTINGS.map((setting) => setting.section)));
  return `${file}: [${printable(section)}]: unknown section; nearest known section: [${known}]`;
}

function unknownKey(file: string, section: string, name: string): string {
  return `${file}: ${section}.${printable(name)}: unknown key; nearest known key: ${nearestKey(section, name)}`;
}

/** The key of that very name in another section, else the nearest by spelling: in its section, or anywhere when there is none. */
function nearestKey(section: string, name: string): SettingKey {
  const named = SETTINGS.find((setting) => setting.name === name);
  if (named) return named.key;
  const inSection = SETTINGS.filter((setting) => section === "" || setting.section === section);
  const word = nearest(
    name,
    inSection.map((setting) => setting.name),
  );
  return inSection.find((setting) => setting.name === word)!.key;
}

// The other sources

function fromDatabase(database: Record<string, unknown>, warnings: string[]): Layer["values"] {
  const values: Layer["values"] = new Map();
  for (const [key, value] of Object.entries(database)) {
    if (OTHER_STORED.includes(key)) continue;
    const setting = findSetting(key);
    if (!setting) warnings.push(`database: ${printable(key)}: unknown key, ignored`);
    else if (setting.boot) warnings.push(`database: ${key}: is read from file, environment and flags only, ignored`);
    else if (!setting.accepts(value)) warnings.push(`${mismatch("database", setting, value)}, ignored`);
    else values.set(setting.key, value as SettingValue);
  }
  return values;
}

function fromEnvironment(env: ConfigInput["env"], warnings: string[]): Layer["values"] {
  const values: Layer["values"] = new Map();
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith("FLOW2API_") || text === undefined || OTHER_NAMES.includes(name)) continue;
    const setting = SETTINGS.find(({ environment }) => environment === name);
    if (!setting) {
      const known = nearest(name, [...SETTINGS.map(({ environment }) => environment), ...OTHER_NAMES]);
      warnings.push(`${printable(name)}: unknown environment name, ignored; nearest known name: ${known}`);
      continue;
    }
    const value = parseSetting(setting, text);
    if (!setting.accepts(value)) throw refuse(mismatch(name, setting, value));
    values.set(setting.key, value as SettingValue);
  }
  return values;
}

function fromFlags(flags: ConfigInput["flags"]): Layer["values"] {
  const values: Layer["values"] = new Map();
  for (const [key, given] of Object.entries(flags)) {
    const setting = findSetting(key);
    if (!setting || given === undefined) continue;
    const value = typeof given === "string" ? parseSetting(setting, given) : given;
    if (!setting.accepts(value)) throw new AppError("invalid_request", mismatch("command line", setting, value), { reason: "usage" });
    values.set(setting.key, value as SettingValue);
  }
  return values;
}
