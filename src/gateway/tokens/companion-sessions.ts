// Companion sync: a session from the extension renews its account's token or adds one.

import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { createSerial } from "../../serial.ts";
import type { Audit } from "../audit/audit.ts";
import type { Outcome } from "../pool/lease-contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { Credentials, Probe } from "./credentials.ts";
import { freeLabel } from "./import-tokens.ts";
import { editable } from "./manage-tokens.ts";
import type { Refresher } from "./refresh.ts";

export type Taken = {
  action: "added" | "updated";
  tokenId: number;
  /** The account's name, e.g. its e-mail address. */
  identity: string;
  /** True when the account was off in python-flow2api and serves from now on. */
  enabled: boolean;
};

export type CompanionSessions = {
  /**
   * Asks the upstream whose session this is, and only then stores it. What the operator has set on a token stays as it is: one
   * that is disabled gets the session and stays disabled. One at a time.
   * @throws {AppError} `invalid_request` when the upstream does not report whose it is, else as {@link Credentials.probe}
   */
  take(session: string, signal: AbortSignal): Promise<Taken>;
};

type Dependencies = {
  /** Whose sessions these are. */
  provider: string;
  store: Pick<Store, "listTokens" | "insertToken">;
  tokens: Pick<Credentials, "open" | "replace" | "probe" | "storeFacts">;
  pool: Pick<Pool, "cooldownOf" | "reportOutcome" | "clearCooldown">;
  refresher: Pick<Refresher, "updateFacts">;
  audit: Pick<Audit, "record">;
  settings: () => Settings["pool"];
  now: () => number;
};

/** As the audit log shows it. Its renewals, one an hour and token, are no changes that anybody would look for there. */
const EXTENSION = { actor: "extension", address: null };
const VALID: Outcome = { ok: true, usage: null, images: 0, videoSeconds: 0, usd: 0 };

/** Reasons of a block that a session from outside ends. */
const WAITS_FOR_SESSION: ReadonlySet<string> = new Set(["session_dead", "imported_off"]);

export function createCompanionSessions(deps: Dependencies): CompanionSessions {
  const { provider, store, tokens, pool, refresher, audit, settings, now } = deps;
  const oneByOne = createSerial();

  const secretOf = async (row: TokenRow): Promise<string> => (await tokens.open(row.id, row)).secret;

  /** The account's token; of several the one that has this very session, else one that needs it, else the oldest. */
  async function ownerOf(rows: TokenRow[], identity: string, sessions: readonly string[]): Promise<TokenRow | null> {
    const own = rows.filter((row) => row.identity?.toLowerCase() === identity.toLowerCase());
    if (own.length > 1) for (const row of own) if (sessions.includes(await secretOf(row))) return row;
    return own.find((row) => WAITS_FOR_SESSION.has(pool.cooldownOf(row.id)?.reason ?? "")) ?? own[0] ?? null;
  }

  async function renew(row: Pick<TokenRow, "id">, { facts, secret, state }: Probe): Promise<void> {
    await tokens.replace(row.id, { secret, state });
    await tokens.storeFacts(row.id, facts);
    refresher.updateFacts(row.id, facts);
    pool.reportOutcome(row.id, VALID);
  }

  /** A token of its own; or the one that has the session already and whose account is unknown. */
  async function add(rows: TokenRow[], identity: string, secret: string): Promise<TokenRow> {
    const { image_concurrency: imageConcurrency, video_concurrency: videoConcurrency } = settings();
    const label = freeLabel(provider, rows);
    try {
      const row = await store.insertToken({ provider, label, secret, identity, imageConcurrency, videoConcurrency }, now());
      await audit.record({ action: "token.add", subject: `token ${row.id}`, after: { provider, ...editable(row) } }, EXTENSION);
      return row;
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== "conflict") throw error;
      for (const row of rows) if ((await secretOf(row)) === secret) return row;
      throw error;
    }
  }

  async function take(session: string, signal: AbortSignal): Promise<Taken> {
    const probe = await tokens.probe(provider, session, signal);
    const { identity } = probe.facts;
    if (!identity) throw new AppError("invalid_request", "The upstream does not say whose session this is.");
    const rows = (await store.listTokens()).filter((row) => row.provider === provider);
    const owner = await ownerOf(rows, identity, [session, probe.secret]);
    const row = owner ?? (await add(rows, identity, probe.secret));
    const wasOff = pool.cooldownOf(row.id)?.reason === "imported_off";
    await renew(row, probe);
    if (wasOff) pool.clearCooldown(row.id);
    return { action: rows.some(({ id }) => id === row.id) ? "updated" : "added", tokenId: row.id, identity, enabled: wasOff };
  }

  return { take: (session, signal) => oneByOne(() => take(session, signal)) };
}
