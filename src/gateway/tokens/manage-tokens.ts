// Token management by the operator: add, change, replace the secret, check, end cooldowns. Audited.

import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { isRecord } from "../../domain/is-record.ts";
import type { NewToken, TokenChange, TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { TokenFacts } from "../../providers/provider.ts";
import type { Audit } from "../audit/audit.ts";
import type { Pool } from "../pool/pool.ts";
import type { HealthReason } from "../pool/reasons.ts";
import type { PoolGroupView } from "../pool/snapshot.ts";
import { type Cap, parseCaps } from "../pool/token-quota.ts";
import type { Tokens } from "./credentials.ts";
import type { Refresher } from "./refresh.ts";
import { freeLabel } from "./token-labels.ts";

/** Blocks that speak of the secret, so that another one ends them. */
const OF_THE_SECRET: ReadonlySet<HealthReason> = new Set(["key_invalid", "key_leaked", "key_forbidden", "session_dead", "imported_off"]);

/** Who does it, for the trail. */
export type Operator = { address: string | null };

export type TokenAdmin = {
  /** Adds one token. An empty label becomes the provider's name and a number. @throws {AppError} `conflict` when the secret is known */
  add(token: NewToken, by: Operator): Promise<TokenRow>;
  /** The same change to each token; those that are gone are passed over. Resolves with how many there were. */
  change(ids: readonly number[], change: TokenChange, by: Operator): Promise<number>;
  /**
   * Gives a token another secret and asks the upstream about it. Resolves with what the check found: null, or why it failed, which
   * undoes nothing.
   * @throws {AppError} `not_found`, `conflict` when another token has the secret
   */
  replaceSecret(id: number, secret: string, by: Operator): Promise<AppError | null>;
  /** Checks one token now. @throws {AppError} as `Refresher.checkNow` */
  check(id: number): Promise<TokenFacts>;
  /** Begins checks and does not wait for them. */
  checkAll(ids: readonly number[]): void;
  /** Ends what holds tokens, or only this model of theirs, and their groups back. Resolves with how many there were. */
  clear(ids: readonly number[], family: string | undefined, by: Operator): Promise<number>;
  /** Sets caps that the tokens of a group share, on each of them. Null: none. */
  setGroupCap(group: PoolGroupView, cap: Cap | null, by: Operator): Promise<void>;
};

type Dependencies = {
  store: Pick<Store, "listTokens" | "insertToken" | "updateToken" | "hasTokens">;
  pool: Pick<Pool, "rows" | "view" | "clearCooldown" | "load">;
  tokens: Pick<Tokens, "open" | "callContext" | "forget">;
  refresher: Pick<Refresher, "checkNow">;
  audit: Pick<Audit, "record">;
  settings: () => Settings["pool"];
  now: () => number;
  /** Takes what was written into memory. */
  refresh(): Promise<void>;
};

export function createTokenAdmin(deps: Dependencies): TokenAdmin {
  const { store, pool, tokens, refresher, audit, settings, now, refresh } = deps;

  const rowsOf = (ids: readonly number[]): TokenRow[] => {
    const wanted = new Set(ids);
    return pool.rows().filter(({ id }) => wanted.has(id));
  };

  async function changeRow(row: TokenRow, change: TokenChange, by: Operator): Promise<boolean> {
    try {
      const after = await store.updateToken(row.id, change);
      if (!Bun.deepEquals(editable(row), editable(after)))
        await audit.record({ action: "token.change", subject: `token ${row.id}`, before: editable(row), after: editable(after) }, by);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return false;
      throw error;
    }
  }

  async function changeEach(rows: readonly TokenRow[], changeOf: (row: TokenRow) => TokenChange, by: Operator): Promise<number> {
    const changed = await Promise.all(rows.map((row) => changeRow(row, changeOf(row), by)));
    await refresh();
    return changed.filter(Boolean).length;
  }

  const check: TokenAdmin["check"] = (id) =>
    refresher.checkNow(id).catch((error) => {
      // The check that was under way had the former secret.
      if (error instanceof AppError && error.kind === "cancelled") return refresher.checkNow(id);
      throw error;
    });

  return {
    check,
    async add(token, by) {
      const { image_concurrency: imageConcurrency, video_concurrency: videoConcurrency } = settings();
      const label = token.label || freeLabel(token.provider, pool.rows());
      const row = await store.insertToken({ imageConcurrency, videoConcurrency, ...token, label }, now());
      await audit.record({ action: "token.add", subject: `token ${row.id}`, after: { provider: row.provider, ...editable(row) } }, by);
      await refresh();
      return row;
    },
    change: (ids, change, by) => changeEach(rowsOf(ids), () => change, by),
    async replaceSecret(id, secret, by) {
      const [row] = rowsOf([id]);
      if (!row) throw noToken(id);
      const [isKnown] = await store.hasTokens([{ provider: row.provider, secret }]);
      const token = await tokens.open(id, row.proxy);
      if (isKnown && token.secret !== secret) throw new AppError("conflict", "Another token has this secret.", { reason: "secret_known" });
      await tokens.callContext(token, new AbortController().signal).remember({ secret });
      await audit.record({ action: "token.secret", subject: `token ${id}` }, by);
      // No revision counts a new secret, and its last characters are shown.
      tokens.forget();
      pool.load(await store.listTokens());
      const reason = pool.view(id)?.health.reason;
      if (reason && reason !== "operator" && OF_THE_SECRET.has(reason)) pool.clearCooldown(id);
      return check(id).then(
        () => null,
        (error) => {
          if (error instanceof AppError) return error;
          throw error;
        },
      );
    },
    checkAll(ids) {
      // Each failure is told by the token's health.
      for (const id of ids) refresher.checkNow(id).catch(() => {});
    },
    async clear(ids, family, by) {
      const held = ids.flatMap((id) => pool.view(id) ?? []);
      for (const { id } of held) pool.clearCooldown(id, family);
      await Promise.all(
        held.map(({ id, health, models }) =>
          audit.record({ action: "token.clear", subject: `token ${id}`, before: family ? { family, models } : { health, models } }, by),
        ),
      );
      return held.length;
    },
    async setGroupCap(group, cap, by) {
      await changeEach(rowsOf(group.members), ({ caps }) => ({ caps: withCap(caps, "group", cap) }), by);
    },
  };
}

/** Caps with one of them replaced; what a form does not show (caps by model) stays. Null when nothing is capped. */
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

/** What the operator sets on a token: what the trail compares. */
export function editable(row: TokenRow) {
  const { label, group, enabled, imageEnabled, videoEnabled, imageConcurrency, videoConcurrency, weight, priority } = row;
  const { allowFamilies, denyFamilies, proxy, note, tags, caps } = row;
  const limits = { enabled, imageEnabled, videoEnabled, imageConcurrency, videoConcurrency, weight, priority };
  return { label, group, ...limits, allowFamilies, denyFamilies, proxy, note, tags, caps };
}

const noToken = (id: number) => new AppError("not_found", `There is no token ${id}.`);
