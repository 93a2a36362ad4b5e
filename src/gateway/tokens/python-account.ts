// Converts an account of the Python flow2api (database, export or admin API) to a token.

import { AppError } from "../../errors.ts";
import { blockedHealth, cooledHealth } from "../pool/health/health-codec.ts";
import { detectSecret, isDetected } from "./detect-secret.ts";
import type { LeftBehind, ParsedLine } from "./parsed-token.ts";
import { readPythonProxy } from "./python-proxy.ts";

export type PythonRow = Record<string, unknown>;

export type PythonOptions = {
  /** Epoch ms. */
  now: number;
  /** For accounts without a proxy of their own; `unusable` when python-flow2api has one that cannot be used here. */
  sharedProxy: string | "unusable" | null;
  /** `auto_enable_on_update`: an account that is off comes back when the companion extension hands in its session. */
  autoEnable: boolean;
};

/** A session lasts so long at most without being used; its own end is not in the data. */
const SESSION_LIFE_MS = 30 * 86_400_000;
/** python-flow2api enables an account again so long after it was banned for a 429 (github.com/TheSmallHanCat/flow2api, a665c0c, 2025-12-14). */
const BAN_MS = 12 * 3_600_000;
const BANNED_BY_429 = "429_rate_limit";

export const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "");
/** As SQLite, TOML and JSON have it: 1, true, "1". */
export const isOn = (value: unknown): boolean => value === 1 || value === true || /^(?:1|true|yes|on)$/i.test(textOf(value));

/** True for an object in python-flow2api's form: its names of the session, and none of ours for the provider. */
export function isPythonRow(row: PythonRow): boolean {
  if (row.provider !== undefined || (textOf(row.st) === "" && textOf(row.session_token) === "")) return false;
  return ["is_active", "image_concurrency", "access_token", "at_expires", "protocol_mode", "google_cookies"].some((name) => name in row);
}

/** @param line the account's id, or where it lies in a text, from 1 */
export function readPythonAccount(row: PythonRow, line: number, options: PythonOptions): ParsedLine {
  const found = detectSecret(textOf(row.st) || textOf(row.session_token), "flow", { isNamed: true });
  if (!isDetected(found)) return { line, reason: `the session ${found.reason}` };
  const owner = textOf(row.email);
  const project = textOf(row.current_project_id) || textOf(row.project_id);
  const { proxy, notes } = proxyFor(row, options.sharedProxy);
  const status = statusOf(row, options);
  return {
    line,
    ...found,
    ...(owner ? { identity: owner } : {}),
    enabled: status.enabled && proxy !== "unusable",
    imageEnabled: isSwitchedOn(row.image_enabled),
    videoEnabled: isSwitchedOn(row.video_enabled),
    imageConcurrency: concurrencyOf(row.image_concurrency),
    videoConcurrency: concurrencyOf(row.video_concurrency),
    proxy: proxy === "unusable" ? null : proxy,
    note: [textOf(row.remark), status.note, ...notes].filter(Boolean).join("; "),
    ...(project ? { state: { project: { id: project, ...(owner ? { owner } : {}) } } } : {}),
    ...(status.health ? { health: status.health } : {}),
    left: [...leftBehind(row), ...(proxy === "unusable" ? (["proxy"] as const) : [])],
  };
}

function leftBehind(row: PythonRow): LeftBehind[] {
  const mode = textOf(row.protocol_mode);
  const held: [LeftBehind, boolean][] = [
    ["google_cookies", textOf(row.google_cookies) !== ""],
    ["login", textOf(row.login_account) !== "" || textOf(row.login_password) !== ""],
    ["protocol_mode", mode !== "" && mode !== "session"],
    ["captcha_proxy", textOf(row.captcha_proxy_url) !== ""],
    ["extension_route", textOf(row.extension_route_key) !== ""],
    ["refresh", hasOwnRefresh(row)],
  ];
  return held.filter(([, isHeld]) => isHeld).map(([name]) => name);
}

/** Other than python-flow2api gives every account: on, each 120 minutes. */
function hasOwnRefresh({ auto_refresh_enabled, refresh_interval_minutes }: PythonRow): boolean {
  const isOff = isTold(auto_refresh_enabled) && !isOn(auto_refresh_enabled);
  return isOff || (isTold(refresh_interval_minutes) && Number(refresh_interval_minutes) !== 120);
}

const isTold = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** A switch; where nothing is said it is on, as in python-flow2api's table. */
const isSwitchedOn = (value: unknown): boolean => !isTold(value) || isOn(value);

type Status = { enabled: boolean; note: string; health?: unknown };

/** What python-flow2api itself took out of service comes in enabled, with the reason as its health; what a person took out stays off. */
function statusOf(row: PythonRow, { now, autoEnable }: PythonOptions): Status {
  const ban = textOf(row.ban_reason);
  const end = timeOf(row.at_expires);
  if (end !== null && end < now - SESSION_LIFE_MS) {
    return { enabled: true, note: "its session had expired in the original", health: blockedHealth("session_dead", now) };
  }
  if (ban === BANNED_BY_429) {
    const until = (timeOf(row.banned_at) ?? now) + BAN_MS;
    return {
      enabled: true,
      note: `was banned by the original: ${ban}`,
      health: until > now ? cooledHealth("account_quota", now, until) : null,
    };
  }
  if (isSwitchedOn(row.is_active)) return { enabled: true, note: ban ? `was banned by the original: ${ban}` : "" };
  const note = ban ? `was banned by the original: ${ban}` : "was disabled in the original";
  return autoEnable ? { enabled: true, note, health: blockedHealth("imported_off", now) } : { enabled: false, note };
}

/** Words that tables and forms hold where there is none. */
const NO_PROXY = /^(?:none|null|nil|undefined|no|off|false|0|-)$/i;

function proxyFor(row: PythonRow, shared: PythonOptions["sharedProxy"]): { proxy: string | "unusable" | null; notes: string[] } {
  const own = textOf(row.proxy_url);
  if (own === "" || NO_PROXY.test(own))
    return { proxy: shared, notes: shared === "unusable" ? ["its shared proxy in the original cannot be used here"] : [] };
  try {
    return { proxy: readPythonProxy(own), notes: [] };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { proxy: "unusable", notes: [`its proxy in the original ${proxyReason(error)}`] };
  }
}

export const proxyReason = ({ message }: AppError): string =>
  /^(?:is|has) /.test(message) ? message : "is no address like http://proxy.example:3128";

/** Epoch ms of what Python and SQLite write; without a zone it is UTC. Null where nothing is reported. */
function timeOf(value: unknown): number | null {
  // Seconds since 1970, as other languages' exports have it.
  if (typeof value === "number") return value > 0 && value < 1e11 ? value * 1000 : value;
  const text = textOf(value).replace(" ", "T");
  if (text === "") return null;
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isFinite(time) ? time : null;
}

/** 0, like -1, is no limit in python-flow2api. */
function concurrencyOf(value: unknown): number {
  const number = Number(value);
  return Number.isInteger(number) && number >= 1 ? Math.min(number, 1000) : -1;
}
