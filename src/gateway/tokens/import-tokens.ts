// Imports parsed tokens into the pool in transactions of a few hundred, with a result per line.

import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { NewToken } from "../../domain/token.ts";
import { withAccount } from "./cloud-account.ts";
import { isRefused, type LeftBehind, type ParsedLine, type ParsedToken, type RefusedLine } from "./parsed-token.ts";

export type ImportReport = {
  /** Tokens put in, or in a dry run those that would be. */
  added: number;
  /** Lines whose token is in the pool already, or on an earlier line. */
  known: RefusedLine[];
  invalid: RefusedLine[];
  /** What tokens hold that has no field here, with how many hold it. */
  left: [LeftBehind, number][];
};

/** For the audit log. */
export const importCounts = ({ added, known, invalid }: ImportReport) => ({ added, known: known.length, invalid: invalid.length });

export type ImportOptions = {
  /** Group of those that name none. */
  group?: string;
  /** Nothing is changed. */
  dryRun?: boolean;
  /** Called after each act, with lines done and lines in all. */
  onProgress?(done: number, total: number): void;
};

type Dependencies = {
  store: Pick<Store, "listTokens" | "insertTokens" | "hasTokens">;
  /** Concurrency of those that name none. */
  settings: () => Settings["pool"];
  now: () => number;
};

/** Other processes, and this one's requests, wait no longer than so many rows take. */
const ACT = 250;

/** @param lines what `parseTokens` returns. Works beside a running server. */
export async function importTokens(
  { store, settings, now }: Dependencies,
  lines: readonly ParsedLine[],
  { group, dryRun = false, onProgress }: ImportOptions = {},
): Promise<ImportReport> {
  const rows = await store.listTokens();
  const nextLabel = createLabels(rows.map(({ label }) => label));
  const pool = settings();
  const report: ImportReport = { added: 0, known: [], invalid: lines.filter(isRefused), left: countLeft(lines) };
  const repeats = createRepeats(rows);
  const wanted = lines.filter((line): line is ParsedToken => {
    if (isRefused(line)) return false;
    const reason = repeats(line);
    if (reason) report.known.push({ line: line.line, reason });
    return reason === null;
  });
  for (let at = 0; at < wanted.length; at += ACT) {
    const part = wanted.slice(at, at + ACT);
    const known = dryRun
      ? await store.hasTokens(part)
      : (await store.insertTokens(part.map(toNew), now())).map((outcome) => outcome === "known");
    part.forEach(({ line }, index) => {
      if (known[index]) report.known.push({ line, reason: "is in the pool already" });
      else report.added++;
    });
    onProgress?.(lines.length - wanted.length + at + part.length, lines.length);
  }
  report.known.sort((a, b) => a.line - b.line);
  return report;

  function toNew({ line: _line, left: _left, label, ...token }: ParsedToken): NewToken {
    return withAccount({
      imageConcurrency: pool.image_concurrency,
      videoConcurrency: pool.video_concurrency,
      ...(group === undefined ? {} : { group }),
      ...token,
      label: label || nextLabel(token.provider),
    });
  }
}

function countLeft(lines: readonly ParsedLine[]): ImportReport["left"] {
  const counts = new Map<LeftBehind, number>();
  for (const line of lines) if (!isRefused(line)) for (const kind of line.left ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts];
}

/** Why a token adds nothing: its secret came before, or its account is in the pool with another session. */
function createRepeats(rows: readonly { provider: string; identity: string | null }[]): (token: ParsedToken) => string | null {
  const secrets = new Map<string, number>();
  const account = (provider: string, identity: string) => `${provider} ${identity.toLowerCase()}`;
  /** The line that has it; null: the pool. */
  const accounts = new Map<string, number | null>();
  for (const { provider, identity } of rows) if (identity) accounts.set(account(provider, identity), null);
  return ({ line, provider, secret, identity }) => {
    const earlier = secrets.get(`${provider} ${secret}`);
    if (earlier !== undefined) return `repeats line ${earlier}`;
    secrets.set(`${provider} ${secret}`, line);
    // One account has one session, but may have a key for each of its projects.
    if (!identity || provider !== "flow") return null;
    const name = account(provider, identity);
    const owner = accounts.get(name);
    accounts.set(name, owner ?? line);
    if (owner === undefined) return null;
    return owner === null ? "is an account that the pool has already" : `is the account of line ${owner}`;
  };
}

/**
 * Gives labels that are not among `taken` and that it has not given before. Never a part of the secret or the account: clients see
 * labels.
 */
export function createLabels(taken: Iterable<string>): (provider: string) => string {
  const labels = new Set(taken);
  /** The last number given, by provider: ten thousand tokens do not count from one again. */
  const numbers = new Map<string, number>();
  return (provider) => {
    let number = (numbers.get(provider) ?? 0) + 1;
    while (labels.has(`${provider}-${number}`)) number++;
    numbers.set(provider, number);
    return `${provider}-${number}`;
  };
}

/** A label for one token more beside `rows`. */
export const freeLabel = (provider: string, rows: readonly { label: string }[]): string =>
  createLabels(rows.map(({ label }) => label))(provider);
