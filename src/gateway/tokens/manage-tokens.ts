// Token management by the operator: add, change, replace the secret, check, end cooldowns. Audited.

import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { isRecord } from "../../domain/is-record.ts";
import type { NewToken, TokenChange, TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import type { Audit } from "../audit/audit.ts";
import type { HealthReason } from "../pool/health/reasons.ts";
import type { Pool } from "../pool/pool.ts";
import type { PoolGroupView } from "../pool/snapshot.ts";
import { type Cap, parseCaps } from "../pool/token-quota.ts";
import { withAccount, withLocation } from "./cloud-account.ts";
import type { Credentials } from "./credentials.ts";
import { freeLabel } from "./import-tokens.ts";
import type { Refresher } from "./refresh.ts";

/** Reasons of a block that a new secret ends. */
const SECRET_REASONS: ReadonlySet<HealthReason> = new Set([
  ...(["key_invalid", "key_leaked", "key_forbidden", "session_dead", "imported_off"] as const),
  ...(["iam_denied", "api_disabled", "project_missing"] as const),
]);

/** Who makes the change, for the audit log. */
export type Operator = { address: string | null };

type Dependencies = {
  store: Pick<Store, "listTokens" | "insertToken" | "updateToken" | "hasTokens">;
  pool: Pick<Pool, "rows" | "view" | "clearCooldown" | "load">;
  tokens: Pick<Credentials, "open" | "callContext" | "forget">;
  refresher: Pick<Refresher, "checkNow">;
  audit: Pick<Audit, "record">;
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
    const label = token.label || freeLabel(token.provider, pool.rows());
    const row = await store.insertToken({ imageConcurrency, videoConcurrency, ...withAccount(token), label }, now());
    await audit.record({ action: "token.add", subject: `token ${row.id}`, after: { provider: row.provider, ...editable(row) } }, by);
    await refresh();
    return row;
  }

  /** Applies the same change to each token; unknown ids are skipped. Resolves with how many there were. */
  change(ids: readonly number[], change: TokenChange, by: Operator): Promise<number> {
    return this.#changeEach(this.#rows(ids), () => change, by);
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
    await tokens.callContext(token, new AbortController().signal).remember({ secret });
    await audit.record({ action: "token.secret", subject: `token ${id}` }, by);
    // A new secret does not change the table's revision, and its last characters are shown.
    tokens.forget();
    pool.load(await store.listTokens());
    const reason = pool.view(id)?.health.reason;
    if (reason && reason !== "operator" && SECRET_REASONS.has(reason)) pool.clearCooldown(id);
    return this.check(id).then(
      () => null,
      (error) => {
        if (error instanceof AppError) return error;
        throw error;
      },
    );
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
    await Promise.all(
      held.map(({ id, health, models }) =>
        audit.record({ action: "token.clear", subject: `token ${id}`, before: family ? { family, models } : { health, models } }, by),
      ),
    );
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

  async #changeEach(rows: readonly TokenRow[], changeOf: (row: TokenRow) => TokenChange, by: Operator): Promise<number> {
    const changed = await Promise.all(rows.map((row) => this.#changeRow(row, changeOf(row), by)));
    await this.#deps.refresh();
    return changed.filter(Boolean).length;
  }

  async #changeRow(row: TokenRow, change: TokenChange, by: Operator): Promise<boolean> {
    const { store, pool, audit } = this.#deps;
    try {
      const after = await store.updateToken(row.id, withLocation(change, row));
      // What one location lacks says nothing of another.
      if (after.location !== row.location) pool.clearCooldown(row.id);
      if (!Bun.deepEquals(editable(row), editable(after)))
        await audit.record({ action: "token.change", subject: `token ${row.id}`, before: editable(row), after: editable(after) }, by);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return false;
      throw error;
    }
  }
}

/** Caps with one of them replaced; caps by model, which forms do not show, stay. Null when nothing is capped. */
export function withCap(caps: unknown, whose: "token" | "group", cap: Cap | null): unknown {
  const known = isRecord(caps) ? caps : {};
  const { models, group } = known;
  const groupModels = isRecord(group) ? group.models : undefined;
  const own = whose === "token" ? cap : (parseCaps(caps)?.token ?? null);
  const shared = whose === "group" ? cap : (parseCaps(caps)?.group ?? null);
  const next = {
    ...own,
    ...(models === undefined ? {} : { models }),
    ...(shared || groupModels ? { group: { ...shared, ...(groupModels === undefined ? {} : { models: groupModels }) } } : {}),
  };
  return parseCaps(next) ? next : null;
}

/** Fields that the operator sets on a token, as the audit log compares them. */
export function editable(row: TokenRow) {
  const { label, group, enabled, imageEnabled, videoEnabled, imageConcurrency, videoConcurrency, weight, priority } = row;
  const { allowFamilies, denyFamilies, proxy, location, note, tags, caps } = row;
  const limits = { enabled, imageEnabled, videoEnabled, imageConcurrency, videoConcurrency, weight, priority };
  return { label, group, ...limits, allowFamilies, denyFamilies, proxy, location, note, tags, caps };
}

const noToken = (id: number) => new AppError("not_found", `There is no token ${id}.`);
