// Settings and the API key of python-flow2api, in our words.

import { findSetting, type SettingKey, showValue } from "../../config/settings-keys.ts";
import { AppError } from "../../errors.ts";
import { KNOWN_DEFAULTS } from "../../gateway/auth/password.ts";
import { isOn, proxyReason, textOf } from "../../gateway/tokens/python-account.ts";
import { readPythonProxy } from "../../gateway/tokens/python-proxy.ts";
import { withoutEndSlashes } from "../../http.ts";
import type { Fields, PythonData } from "./files.ts";

export type PythonSettings = {
  /** By dotted key; only what differs from our defaults. */
  settings: Partial<Record<SettingKey, unknown>>;
  /** The key that clients use; null: none to take. */
  apiKey: string | null;
  /** http(s) address for accounts without a proxy of their own; `unusable` when there is one that cannot be used here. */
  proxy: string | "unusable" | null;
  /** `auto_enable_on_update`: an account that is off comes back with a session from the companion extension. */
  autoEnable: boolean;
  /** What was left behind or has to be done by hand, a sentence each. */
  left: string[];
};

const SHORT_KEY = 16;
/** Files that only say what python-flow2api does anyway. */
const ORIGINAL_DEFAULTS: Record<string, unknown> = {
  "flow.labs_base_url": "https://labs.google/fx/api",
  "flow.api_base_url": "https://aisandbox-pa.googleapis.com/v1",
  "server.host": "0.0.0.0",
  "server.port": 8000,
};

/** What is read from setting.toml, by section; everything else in it is reported as left. */
const READ: Record<string, readonly string[]> = {
  global: ["api_key", "admin_password"],
  server: ["host", "port"],
  flow: ["labs_base_url", "api_base_url"],
  generation: ["image_timeout", "video_timeout", "max_retries"],
  call_logic: ["call_mode", "polling_mode_enabled"],
  cache: ["enabled", "timeout", "base_url"],
  proxy: ["enabled", "proxy_enabled", "proxy_url", "media_proxy_enabled"],
};

/** The database counts; the file only where the database says nothing, for python-flow2api reads it at its first start alone. */
export function readPythonSettings({ config, toml }: PythonData): PythonSettings {
  const left: string[] = [];
  const settings: PythonSettings["settings"] = {};
  const take = (key: SettingKey, value: unknown, source: string) => {
    const setting = findSetting(key)!;
    if (value === undefined || value === null || value === "" || value === setting.default) return;
    if (setting.accepts(value)) settings[key] = value;
    else left.push(`${source}: ${key} has to be ${setting.expected}, it is ${showValue(setting, value)}`);
  };
  const generation = config.generation_config ?? toml.generation ?? {};
  take("generation.image_timeout", generation.image_timeout, "image_timeout");
  take("generation.video_timeout", generation.video_timeout, "video_timeout");
  if (Number(generation.max_retries ?? 3) !== 3) left.push("max_retries: generation.max_attempts takes its place");
  if (Number(config.admin_config?.error_ban_threshold ?? 3) !== 3) left.push("error_ban_threshold: the rules of health take its place");
  const cache = cacheOf(config.cache_config, toml.cache);
  take("server.public_url", withoutEndSlashes(textOf(cache.url)), "cache base URL");
  if (cache.enabled && cache.timeout === 0) take("media.max_age_days", 0, "cache timeout");
  else if (cache.enabled) left.push("cache timeout: media.max_age_days takes its place");
  const calls = config.call_logic_config ?? toml.call_logic ?? {};
  if (textOf(calls.call_mode) === "polling" || isOn(calls.polling_mode_enabled)) take("pool.strategy", "round_robin", "call mode");
  take("plugin.connection_token", textOf(config.plugin_config?.connection_token), "connection token of the plugin");
  bootOnly(toml, left);
  unread(toml, left);
  return {
    settings,
    apiKey: readKey(config.admin_config ?? toml.global ?? {}, left),
    proxy: readProxies(config.proxy_config ?? toml.proxy, left),
    autoEnable: isOn(config.plugin_config?.auto_enable_on_update),
    left,
  };
}

function cacheOf(row: Fields | undefined, section: Fields | undefined): { enabled: boolean; timeout: unknown; url: unknown } {
  if (row) return { enabled: isOn(row.cache_enabled), timeout: row.cache_timeout, url: row.cache_base_url };
  return { enabled: isOn(section?.enabled), timeout: section?.timeout, url: section?.base_url };
}

/** Read at our start only, so that a person has to write them. */
function bootOnly(toml: PythonData["toml"], left: string[]): void {
  for (const [key, usual] of Object.entries(ORIGINAL_DEFAULTS)) {
    const [section, name] = key.split(".") as [string, string];
    const value = toml[section]?.[name];
    if (value === undefined || value === usual) continue;
    left.push(`${key} = ${showValue(findSetting(key)!, value)}: is read at start only, write it to config/setting.toml if you want it`);
  }
}

function unread(toml: PythonData["toml"], left: string[]): void {
  const names = Object.entries(toml).flatMap(([section, fields]) =>
    Object.keys(fields).flatMap((name) => (READ[section]?.includes(name) ? [] : [`${section}.${name}`])),
  );
  if (names.length > 0) left.push(`${names.join(", ")}: there is nothing like ${names.length === 1 ? "it" : "them"} here`);
}

function readKey(admin: Fields, left: string[]): string | null {
  if (textOf(admin.password) || textOf(admin.admin_password)) {
    left.push('the admin password, which is never taken: set one with "flow2api admin password"');
  }
  const key = textOf(admin.api_key);
  if (key === "") return null;
  if (KNOWN_DEFAULTS.includes(key.toLowerCase())) {
    left.push('the API key: it is a default that everyone knows; make one with "flow2api key create"');
    return null;
  }
  if (key.length < SHORT_KEY) left.push('the API key is taken but easy to guess: give clients a new one with "flow2api key create"');
  return key;
}

function readProxies(proxies: Fields | undefined, left: string[]): PythonSettings["proxy"] {
  if (!proxies) return null;
  const media = textOf(proxies.media_proxy_url);
  if (isOn(proxies.media_proxy_enabled) || media !== "") left.push("the proxy for media: media take the proxy of their token");
  const address = textOf(proxies.proxy_url);
  if (address === "") return null;
  if (!isOn(proxies.enabled) && !isOn(proxies.proxy_enabled)) {
    left.push("the shared proxy: it is switched off in the original");
    return null;
  }
  try {
    return readPythonProxy(address);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    left.push(`the shared proxy ${proxyReason(error)}; accounts that used it come in disabled`);
    return "unusable";
  }
}
