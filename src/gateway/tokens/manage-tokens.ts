// Token management by the operator: add, change, replace the secret, check, end cooldowns. Audited.

import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { NewToken, TokenChange, TokenRow } from "../../domain/token.ts";
import type { UndoStep } from "../../domain/undo.ts";
import { AppError } from "../../errors.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import { type Audit, changedOnly } from "../audit/audit.ts";
import type { UndoLog } from "../audit/undo.ts";
import type { HealthReason } from "../pool/health/reasons.ts";
import type { Pool } from "../pool/pool.ts";
import type { PoolGroupView } from "../pool/snapshot.ts";
import type { Cap } from "../pool/token-quota.ts";
import { changeOf, type TokenEdit, withCap } from "./bulk-edit.ts";
import { withAccount, withLocation } from "./cloud-account.ts";
import type { Credentials } from "./credentials.ts";
import { freeLabel } from "./import-tokens.ts";
import type { NewSecret } from "./match-secrets.ts";
import type { Refresher } from "./refresh.ts";

/** Reasons of a block that a new secret ends. */
const SECRET_REASONS: ReadonlySet<HealthReason> = new Set([
  ...(["key_invalid", "key_leaked", "key_forbidden", "session_dead", "imported_off"] as const),
  ...(["iam_denied", "api_disabled", "project_missing"] as const),
]);

/** Who makes the change, for the audit log. */
export type Operator = { address: string | null; actor?: string };

/** How many tokens an action concerned, and the id by which `UndoLog.undo` takes it back; null: nothing to take back. */
export type Changed = { count: number; undoId: string | null };

type Dependencies = {
  store: Pick<Store, "listTokens" | "insertToken" | "updateToken" | "hasTokens">;
  pool: Pick<Pool, "rows" | "view" | "clearCooldown" | "load">;
  tokens: Pick<Credentials, "open" | "replace" | "forget">;
  refresher: Pick<Refresher, "checkNow">;
  audit: Pick<Audit, "record" | "recordMany">;
  undo: Pick<UndoLog, "record">;
  settings: () => Settings["pool"];
  now: () => number;
  /** Loads the written tokens into memory. */
  refresh(): Promise<void>;
};

/** The operator's changes to tokens, each written to the audit log. */
export class TokenAdmin {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Adds one token. An empty label becomes the provider's name and a number. @throws {AppError} `conflict` when the secret is known */
  async add(token: NewToken, by: Operator): Promise<TokenRow> {
    const { store, pool, audit, settings, now, refresh } = this.#deps;
    const { image_concurrency: imageConcurrency, video_concurrency: videoConcurrency } = settings();
    const label = token.label?.trim() || freeLabel(token.provider, pool.rows());
    const row = await store.insertToken({ imageConcurrency, videoConcurrency, ...withAccount(token), label }, now());
    await audit.record({ action: "token.add", subject: `token ${row.id}`, after: { provider: row.provider, ...editable(row) } }, by);
    await refresh();
    return row;
  }

  /**
   * Applies the same change to each token; unknown ids are skipped. Can be undone for ten minutes.
   * @throws {AppError} `invalid_request` for a blank label
   */
  async change(ids: readonly number[], change: TokenChange, by: Operator): Promise<Changed> {
    const label = change.label?.trim();
    if (label === "") throw new AppError("invalid_request", "label must not be blank.", { param: "label", reason: "invalid_value" });
    const trimmed = label === undefined ? change : { ...change, label };
    return this.#changeEach(this.#rows(ids), () => trimmed, by);
  }

  /** Applies a bulk edit: what it names, each token keeping the rest. Can be undone for ten minutes. */
  edit(ids: readonly number[], edit: TokenEdit, by: Operator): Promise<Changed> {
    return this.#changeEach(this.#rows(ids), (row) => changeOf(row, edit), by);
  }

  /**
   * Replaces a token's secret and checks it. Resolves with why the check failed, or null; a failed check undoes nothing.
   * @throws {AppError} `not_found`, `conflict` when another token has the secret
   */
  async replaceSecret(id: number, secret: string, by: Operator): Promise<AppError | null> {
    const { store, pool, tokens, audit } = this.#deps;
    const [row] = this.#rows([id]);
    if (!row) throw noToken(id);
    const [isKnown] = await store.hasTokens([{ provider: row.provider, secret }]);
    const token = await tokens.open(id, row);
    if (isKnown && token.secret !== secret) throw new AppError("conflict", "Another token has this secret.", { reason: "secret_known" });
    await tokens.replace(id, { secret });
    await audit.record({ action: "token.secret", subject: `token ${id}` }, by);
    // A new secret does not change the table's revision, and its last characters are shown.
    tokens.forget();
    pool.load(await store.listTokens());
    this.#clearSecretBlock(id);
    return this.check(id).then(
      () => null,
      (error) => {
        if (error instanceof AppError) return error;
        throw error;
      },
    );
  }

  /**
   * Replaces the secrets of many tokens and begins to check them. Resolves with the ids whose secret another token has: those are left. What
   * was replaced before a failure is recorded and checked too.
   */
  async replaceSecrets(secrets: readonly NewSecret[], by: Operator): Promise<{ replaced: number; known: number[] }> {
    const { store } = this.#deps;
    const rows = new Map(this.#rows(secrets.map(({ id }) => id)).map((row) => [row.id, row]));
    const wanted = secrets.flatMap(({ id, secret }) => (rows.has(id) ? [{ row: rows.get(id)!, secret }] : []));
    const isKnown = await store.hasTokens(wanted.map(({ row, secret }) => ({ provider: row.provider, secret })));
    const known = wanted.filter((_, index) => isKnown[index]).map(({ row }) => row.id);
    const fresh = wanted.filter((_, index) => !isKnown[index]);
    const ids: number[] = [];
    try {
      for (const { row, secret } of fresh) (await this.#isReplaced(row.id, secret)) ? ids.push(row.id) : known.push(row.id);
    } finally {
      await this.#applyReplaced(ids, by);
    }
    return { replaced: ids.length, known };
  }

  /** False: another token has the secret by now, or of those that are replaced together two have it. */
  async #isReplaced(id: number, secret: string): Promise<boolean> {
    try {
      await this.#deps.tokens.replace(id, { secret });
      return true;
    } catch (error) {
      if (error instanceof AppError && (error.kind === "conflict" || error.kind === "not_found")) return false;
      throw error;
    }
  }

  async #applyReplaced(ids: readonly number[], by: Operator): Promise<void> {
    if (ids.length === 0) return;
    const { store, pool, tokens, audit } = this.#deps;
    await audit.record({ action: "token.secrets", subject: `${ids.length} tokens`, after: { tokens: ids } }, by);
    tokens.forget();
    pool.load(await store.listTokens());
    for (const id of ids) this.#clearSecretBlock(id);
    this.checkAll(ids);
  }

  #clearSecretBlock(id: number): void {
    const { pool } = this.#deps;
    const reason = pool.view(id)?.health.reason;
    if (reason && reason !== "operator" && reason !== "paused" && SECRET_REASONS.has(reason)) pool.clearCooldown(id);
  }

  /** Checks one token now. @throws {AppError} as `Refresher.checkNow` */
  check(id: number): Promise<TokenFacts> {
    const { refresher } = this.#deps;
    return refresher.checkNow(id).catch((error) => {
      // The running check had the former secret.
      if (error instanceof AppError && error.kind === "cancelled") return refresher.checkNow(id);
      throw error;
    });
  }

  /** Starts checks without waiting for them; a failure is seen in the token's health. */
  checkAll(ids: readonly number[]): void {
    for (const id of ids) this.#deps.refresher.checkNow(id).catch(() => {});
  }

  /** Ends cooldowns and blocks of tokens, or only of this model, and of their groups. Resolves with how many tokens there were. */
  async clear(ids: readonly number[], family: string | undefined, by: Operator): Promise<number> {
    const { pool, audit } = this.#deps;
    const held = ids.flatMap((id) => pool.view(id) ?? []);
    for (const { id } of held) pool.clearCooldown(id, family);
    const items = held.map(({ id, health, models }) => ({
      subject: `token ${id}`,
      before: family ? { family, models } : { health, models },
    }));
    await audit.recordMany({ action: "token.clear", subject: "tokens", items }, by);
    return held.length;
  }

  /** Sets the caps that the tokens of a group share, on each of them. Null: none. */
  async setGroupCap(group: PoolGroupView, cap: Cap | null, by: Operator): Promise<void> {
    await this.#changeEach(this.#rows(group.members), ({ caps }) => ({ caps: withCap(caps, "group", cap) }), by);
  }

  #rows(ids: readonly number[]): TokenRow[] {
    const wanted = new Set(ids);
    return this.#deps.pool.rows().filter(({ id }) => wanted.has(id));
  }

  async #changeEach(rows: readonly TokenRow[], change: (row: TokenRow) => TokenChange, by: Operator): Promise<Changed> {
    const { audit, undo, refresh } = this.#deps;
    const found = (await Promise.all(rows.map((row) => this.#changeRow(row, change(row))))).filter((one) => one !== null);
    const edits = found.map(({ row, after }) => ({ row, before: editable(row), after: editable(after) }));
    const items = edits.map(({ row, before, after }) => ({ subject: `token ${row.id}`, before, after }));
    await audit.recordMany({ action: "token.change", subject: "tokens", items }, by);
    await refresh();
    const steps = edits.flatMap(({ row, before, after }): UndoStep[] => {
      const changed = changedOnly(before, after) as { before: TokenChange; after: TokenChange };
      return Object.keys(changed.after).length === 0 ? [] : [{ kind: "token", id: row.id, ...changed }];
    });
    const name = edits.length === 1 ? edits[0]!.row.label : null;
    const undoId = await undo.record({ action: actionOf(steps), count: steps.length, name, steps }, by);
    return { count: found.length, undoId };
  }

  async #changeRow(row: TokenRow, change: TokenChange): Promise<{ row: TokenRow; after: TokenRow } | null> {
    const { store, pool } = this.#deps;
    try {
      const after = await store.updateToken(row.id, withLocation(change, row));
      // What one location lacks says nothing of another.
      if (after.location !== row.location) pool.clearCooldown(row.id);
      return { row, after };
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return null;
      throw error;
    }
  }
}

/** Fields that the operator sets on a token, as the audit log compares them. */
export function editable(row: TokenRow) {
  const { label, group, enabled, imageEnabled, videoEnabled, imageConcurrency, videoConcurrency, weight, priority } = row;
  const { allowFamilies, denyFamilies, proxy, location, note, tags, caps } = row;
  const limits = { enabled, imageEnabled, videoEnabled, imageConcurrency, videoConcurrency, weight, priority };
  return { label, group, ...limits, allowFamilies, denyFamilies, proxy, location, note, tags, caps };
}

/** What a change comes to, for the list of what can be undone. */
function actionOf(steps: readonly UndoStep[]): "token.enable" | "token.disable" | "token.change" {
  const switches = steps.map((step) => (step.kind === "token" && Object.keys(step.after).length === 1 ? step.after.enabled : undefined));
  if (switches.every((enabled) => enabled === true)) return "token.enable";
  return switches.every((enabled) => enabled === false) ? "token.disable" : "token.change";
}

const noToken = (id: number) => new AppError("not_found", `There is no token ${id}.`);
