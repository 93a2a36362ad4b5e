// Accounts of the Python original as tokens of ours.

import type { NewToken } from "../db/store.ts";
import { isRecognised, recognise } from "../gateway/token-forms.ts";
import type { ParsedLine, ParsedToken } from "../gateway/token-import.ts";
import { readProxy } from "../gateway/token-record.ts";
import type { Fields, Original } from "./original-files.ts";

/** A session lasts so long at most without being used; its end itself is not told. */
const SESSION_LIFE_MS = 30 * 86_400_000;

export type Accounts = {
  /** `line` is the account's id in the original. */
  lines: (ParsedLine | (ParsedToken & Pick<NewToken, "state">))[];
  /** What was left behind, a sentence each. */
  left: string[];
};

export const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "");
/** As SQLite and TOML have it: 1, true, "1". */
export const isOn = (value: unknown): boolean => value === 1 || value === true || value === "1" || value === "true";

/** @param proxy of accounts that have none of their own. @param now epoch ms */
export function readAccounts({ tokens, projects }: Original, proxy: string | null, now: number): Accounts {
  const left: string[] = [];
  const lines = tokens.map((row) => readAccount(row, proxy, now, left));
  const count = (what: string, of: (row: Fields) => boolean) => {
    const number = tokens.filter(of).length;
    if (number > 0) left.push(`${what} of ${number} ${number === 1 ? "account" : "accounts"}`);
  };
  count("Google cookies, never taken,", (row) => textOf(row.google_cookies) !== "");
  count("logins and passwords, never taken,", (row) => textOf(row.login_account) !== "" || textOf(row.login_password) !== "");
  count("renewal by replayed sign-in, which is not done here,", (row) => !["", "session"].includes(textOf(row.protocol_mode)));
  count("proxies of captcha solvers, of which there are none here,", (row) => textOf(row.captcha_proxy_url) !== "");
  const current = new Set(tokens.map((row) => textOf(row.current_project_id)));
  const others = projects.filter((row) => !current.has(textOf(row.project_id))).length;
  if (others > 0) left.push(`${others} further projects: one for each account is enough`);
  return { lines, left };
}

function readAccount(row: Fields, shared: string | null, now: number, left: string[]): Accounts["lines"][number] {
  const line = typeof row.id === "number" ? row.id : 0;
  const found = recognise(textOf(row.st), "flow");
  if (!isRecognised(found)) return { line, reason: `the session ${found.reason}` };
  const owner = textOf(row.email);
  const project = textOf(row.current_project_id);
  const why = disabledBecause(row, now);
  const own = textOf(row.proxy_url);
  const proxy = own === "" ? shared : proxyOf(own);
  if (own !== "" && proxy === null) left.push(`the proxy of account ${line}: expected an http(s) address (SOCKS is not supported)`);
  return {
    line,
    ...found,
    ...(owner ? { identity: owner } : {}),
    enabled: why === null && (own === "" || proxy !== null),
    imageEnabled: row.image_enabled === undefined || isOn(row.image_enabled),
    videoEnabled: row.video_enabled === undefined || isOn(row.video_enabled),
    imageConcurrency: concurrencyOf(row.image_concurrency),
    videoConcurrency: concurrencyOf(row.video_concurrency),
    proxy,
    note: [textOf(row.remark), why].filter(Boolean).join("; "),
    ...(project ? { state: { project: { id: project, ...(owner ? { owner } : {}) } } } : {}),
  };
}

/** Why the account comes in disabled, or null. */
function disabledBecause(row: Fields, now: number): string | null {
  const ban = textOf(row.ban_reason);
  if (ban) return `was banned by the original: ${ban}`;
  if (row.is_active !== undefined && !isOn(row.is_active)) return "was disabled in the original";
  const end = timeOf(row.at_expires);
  return end !== null && end < now - SESSION_LIFE_MS ? "its session has expired" : null;
}

/** Epoch ms of what Python and SQLite write; without a zone it is UTC. */
function timeOf(value: unknown): number | null {
  const text = textOf(value).replace(" ", "T");
  if (text === "") return null;
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isFinite(time) ? time : null;
}

function concurrencyOf(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value >= -1 ? Math.min(value, 1000) : -1;
}

/** The address of a proxy in one of the forms that the original takes; null for SOCKS and what is none. Never quoted: it may carry a password. */
export function proxyOf(text: string): string | null {
  if (/^(st5\s|socks)/i.test(text)) return null;
  const [scheme = "http", rest = ""] = /^(https?):\/\/(.*)$/i.exec(text)?.slice(1) ?? ["http", text];
  const [host, port, user, ...password] = rest.replace(/\/$/, "").split(":");
  const isFourParts = user !== undefined && !rest.includes("@");
  const login = isFourParts ? `${encodeURIComponent(user)}:${encodeURIComponent(password.join(":"))}@` : "";
  const address = isFourParts ? `${scheme}://${login}${host}:${port}` : `${scheme}://${rest}`;
  try {
    return readProxy(address);
  } catch {
    return null;
  }
}
