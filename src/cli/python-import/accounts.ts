// Accounts of the Python flow2api as tokens of ours, and sentences for what they hold that has no field here.

import type { ImportReport } from "../../gateway/tokens/import-tokens.ts";
import type { LeftBehind, ParsedLine } from "../../gateway/tokens/parsed-token.ts";
import { type PythonOptions, readPythonAccount, textOf } from "../../gateway/tokens/python-account.ts";
import type { Fields, PythonData } from "./files.ts";

const LEFT_BEHIND: Record<LeftBehind, string> = {
  google_cookies: "Google cookies, never taken,",
  login: "logins and passwords, never taken,",
  protocol_mode: "renewal by replayed sign-in, which is not done here,",
  captcha_proxy: "proxies of captcha solvers, of which there are none here,",
  extension_route: "routes to browsers that solve captchas, of which there are none here,",
  refresh: "renewal intervals of single accounts (refresh.flow_interval is for all)",
  proxy: "proxies that cannot be used here (SOCKS4, or no address; the account comes in disabled)",
};

export type Accounts = {
  /** `line` is the account's id in python-flow2api. */
  lines: ParsedLine[];
  /** Projects that were left behind, in a sentence. */
  left: string[];
};

export function readAccounts({ tokens, projects }: PythonData, options: PythonOptions): Accounts {
  const lines = tokens.map((row: Fields) => readPythonAccount(row, typeof row.id === "number" ? row.id : 0, options));
  const current = new Set(tokens.map((row) => textOf(row.current_project_id)));
  const others = projects.filter((row) => !current.has(textOf(row.project_id))).length;
  return { lines, left: others > 0 ? [`${others} further projects: one for each account is enough`] : [] };
}

/** A sentence for each kind of thing that accounts hold and that was left. */
export const leftBehind = ({ left }: ImportReport): string[] =>
  left.map(([kind, number]) => `${LEFT_BEHIND[kind]} of ${number} ${number === 1 ? "account" : "accounts"}`);
