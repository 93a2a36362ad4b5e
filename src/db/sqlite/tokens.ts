// SQL of tokens: rows, sealed secrets, health.

import type { Database } from "bun:sqlite";
import { hintOf } from "../../domain/secret-hint.ts";
import type { HealthChange, HealthRow, NewToken, TokenChange, TokenRow, TokenSecret } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { PROXY, SECRET, STATE } from "../sealed.ts";
import type { DeletedPage } from "../store.ts";
import type { Vault } from "../vault.ts";
import { deleteCooldowns, insertCooldowns } from "./cooldowns.ts";
import { deleteBeats } from "./token-beats.ts";

const COLUMNS = `id, provider, label, quota_group AS "group", enabled, image_enabled AS imageEnabled, video_enabled AS videoEnabled,
  image_concurrency AS imageConcurrency, video_concurrency AS videoConcurrency, weight, priority,
  allow_families AS allowFamilies, deny_families AS denyFamilies, proxy, location, note, tags, identity, tier, credits, families,
  checked_at AS checkedAt, renew_before AS renewBefore, hint, created_at AS createdAt, health, caps, deleted_at AS deletedAt`;

type Raw = Omit<
  TokenRow,
  "enabled" | "imageEnabled" | "videoEnabled" | "allowFamilies" | "denyFamilies" | "proxy" | "tags" | "families" | "health" | "caps"
> & {
  enabled: number;
  imageEnabled: number;
  videoEnabled: number;
  allowFamilies: string;
  denyFamilies: string;
  proxy: Uint8Array | null;
  tags: string;
  families: string | null;
  health: string | null;
  caps: string | null;
};

const toJson = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
const fromJson = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
const noToken = (id: number) => new AppError("not_found", `There is no token ${id}.`);

/** Lists that rows have in common, by their text: a list is replaced, never changed. */
type Lists = Map<string, string[]>;

/** Ten thousand tokens are read at the start, and most of their lists are empty or the same. */
function readList(text: string, known: Lists): string[] {
  let list = known.get(text);
  if (list === undefined) {
    list = JSON.parse(text) as string[];
    known.set(text, list);
  }
  return list;
}

/** Changes the row in place: a copy of 25 columns would cost more than the query. */
function toToken(raw: Raw, vault: Vault, lists: Lists = new Map()): TokenRow {
  const row = raw as unknown as TokenRow;
  row.enabled = raw.enabled === 1;
  row.imageEnabled = raw.imageEnabled === 1;
  row.videoEnabled = raw.videoEnabled === 1;
  row.allowFamilies = readList(raw.allowFamilies, lists);
  row.denyFamilies = readList(raw.denyFamilies, lists);
  row.tags = readList(raw.tags, lists);
  if (raw.proxy !== null) row.proxy = vault.open(PROXY, raw.proxy);
  if (raw.families !== null) row.families = readList(raw.families, lists);
  if (raw.health !== null) row.health = JSON.parse(raw.health);
  if (raw.caps !== null) row.caps = JSON.parse(raw.caps);
  return row;
}

/** Bindings of the columns that the operator edits, without the sealed proxy. */
function toBindings(token: Omit<NewToken, "provider" | "secret" | "proxy" | "state" | "health">) {
  return {
    label: token.label,
    group: token.group ?? null,
    enabled: token.enabled ?? true,
    imageEnabled: token.imageEnabled ?? true,
    videoEnabled: token.videoEnabled ?? true,
    imageConcurrency: token.imageConcurrency ?? 4,
    videoConcurrency: token.videoConcurrency ?? 2,
    weight: token.weight ?? 1,
    priority: token.priority ?? 0,
    allowFamilies: JSON.stringify(token.allowFamilies ?? []),
    denyFamilies: JSON.stringify(token.denyFamilies ?? []),
    location: token.location ?? null,
    note: token.note ?? "",
    tags: JSON.stringify(token.tags ?? []),
    identity: token.identity ?? null,
    caps: toJson(token.caps),
  };
}

const FROM = "FROM tokens LEFT JOIN token_health ON token_id = id";

/** All tokens but deleted ones, in the order they were added. */
export function listTokens(db: Database, vault: Vault): TokenRow[] {
  const rows = db.query<Raw, []>(`SELECT ${COLUMNS} ${FROM} WHERE deleted_at IS NULL ORDER BY id`).all();
  const lists: Lists = new Map();
  for (const raw of rows) toToken(raw, vault, lists);
  return rows as unknown as TokenRow[];
}

/** Latest deleted first. */
export function listDeletedTokens(db: Database, vault: Vault, { limit = -1, before }: DeletedPage = {}): TokenRow[] {
  const rows = db
    .query<Raw, { limit: number; at: number | null; id: number }>(
      `SELECT ${COLUMNS} ${FROM} WHERE deleted_at IS NOT NULL AND ($at IS NULL OR (deleted_at, id) < ($at, $id))
       ORDER BY deleted_at DESC, id DESC LIMIT $limit`,
    )
    .all({ limit, at: before?.deletedAt ?? null, id: before?.id ?? 0 });
  return rows.map((raw) => toToken(raw, vault));
}

function readRaw(db: Database, id: number): Raw {
  const raw = db
    .query<Raw, { id: number }>(`SELECT ${COLUMNS} FROM tokens LEFT JOIN token_health ON token_id = id WHERE id = $id`)
    .get({ id });
  if (!raw) throw noToken(id);
  return raw;
}

/** @throws {AppError} `conflict` when the provider has this secret already */
export function insertToken(db: Database, vault: Vault, token: NewToken, now: number): TokenRow {
  const id = insertRow(db, vault, token, now);
  if (id === null) throw new AppError("conflict", "A token with this secret is in the pool already.", { param: "secret" });
  return toToken(readRaw(db, id), vault);
}

export function insertTokens(db: Database, vault: Vault, tokens: readonly NewToken[], now: number): ("inserted" | "known")[] {
  return tokens.map((token) => (insertRow(db, vault, token, now) === null ? "known" : "inserted"));
}

export function hasTokens(db: Database, vault: Vault, tokens: readonly Pick<NewToken, "provider" | "secret">[]): boolean[] {
  const statement = db.query("SELECT 1 FROM tokens WHERE provider = $provider AND secret_mac = $mac AND deleted_at IS NULL");
  return tokens.map(({ provider, secret }) => statement.get({ provider, mac: vault.mac(SECRET, secret) }) !== null);
}

/** A deleted token does not keep its secret from one that is in the pool. */
function eraseDeletedTwin(db: Database, provider: string, mac: Uint8Array): void {
  const twin = db
    .query<{ id: number }, { provider: string; mac: Uint8Array }>(
      "SELECT id FROM tokens WHERE provider = $provider AND secret_mac = $mac AND deleted_at IS NOT NULL",
    )
    .get({ provider, mac });
  if (twin) deleteToken(db, twin.id);
}

/** The new row's id, or null when the provider has this secret already. */
function insertRow(db: Database, vault: Vault, token: NewToken, now: number): number | null {
  const mac = vault.mac(SECRET, token.secret);
  eraseDeletedTwin(db, token.provider, mac);
  const inserted = db
    .query<{ id: number }, Record<string, string | number | boolean | Uint8Array | null>>(
      `INSERT INTO tokens (provider, label, quota_group, enabled, image_enabled, video_enabled, image_concurrency, video_concurrency,
         weight, priority, allow_families, deny_families, proxy, location, note, tags, caps, identity, secret, secret_mac, state, hint, created_at)
       VALUES ($provider, $label, $group, $enabled, $imageEnabled, $videoEnabled, $imageConcurrency, $videoConcurrency,
         $weight, $priority, $allowFamilies, $denyFamilies, $proxy, $location, $note, $tags, $caps, $identity, $secret, $mac, $state, $hint, $now)
       ON CONFLICT (provider, secret_mac) DO NOTHING RETURNING id`,
    )
    .get({
      ...toBindings(token),
      provider: token.provider,
      proxy: token.proxy ? vault.seal(PROXY, token.proxy) : null,
      secret: vault.seal(SECRET, token.secret),
      mac,
      state: token.state ? vault.seal(STATE, JSON.stringify(token.state)) : null,
      hint: hintOf(token.secret),
      now,
    });
  if (!inserted) return null;
  if (token.health)
    db.query("INSERT INTO token_health (token_id, health) VALUES ($id, $health)").run({
      id: inserted.id,
      health: JSON.stringify(token.health),
    });
  return inserted.id;
}

/** Changes what `change` names; `undefined` changes nothing. @throws {AppError} `not_found` */
export function updateToken(db: Database, vault: Vault, id: number, change: TokenChange): TokenRow {
  const raw = readRaw(db, id);
  const sealed = raw.proxy;
  const current = toToken(raw, vault);
  const defined = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const next: TokenRow = { ...current, ...defined };
  // Sealing the same text again would look like an edit.
  const proxy = next.proxy === current.proxy ? sealed : next.proxy && vault.seal(PROXY, next.proxy);
  db.query(
    `UPDATE tokens SET label = $label, quota_group = $group, enabled = $enabled, image_enabled = $imageEnabled,
       video_enabled = $videoEnabled, image_concurrency = $imageConcurrency, video_concurrency = $videoConcurrency,
       weight = $weight, priority = $priority, allow_families = $allowFamilies, deny_families = $denyFamilies, proxy = $proxy, location = $location,
       note = $note, tags = $tags, caps = $caps, identity = $identity, tier = $tier, credits = $credits, families = $families,
       checked_at = $checkedAt, renew_before = $renewBefore
     WHERE id = $id`,
  ).run({
    ...toBindings(next),
    id,
    proxy,
    tier: next.tier,
    credits: next.credits,
    families: toJson(next.families),
    checkedAt: next.checkedAt,
    renewBefore: next.renewBefore,
  });
  if ("health" in defined) saveHealth(db, [{ id, health: next.health }]);
  return next;
}

/** @throws {AppError} `not_found` */
export function deleteToken(db: Database, id: number): void {
  if (db.query("DELETE FROM tokens WHERE id = $id").run({ id }).changes === 0) throw noToken(id);
  deleteCooldowns(db, `token ${id}`);
  deleteBeats(db, id);
}

type SealedSecret = { secret: Uint8Array; state: Uint8Array | null; version: number };

/** @throws {AppError} `not_found` */
export function readSealedSecret(db: Database, id: number): SealedSecret {
  const row = db
    .query<SealedSecret, { id: number }>("SELECT secret, state, secret_version AS version FROM tokens WHERE id = $id")
    .get({ id });
  if (!row) throw noToken(id);
  return row;
}

export async function openTokenSecret(vault: Vault, { secret, state, version }: SealedSecret): Promise<TokenSecret> {
  const [opened, json] = await Promise.all([vault.openLater(SECRET, secret), state && vault.openLater(STATE, state)]);
  return { secret: opened, state: json === null ? {} : JSON.parse(json), version };
}

function readTokenSecret(db: Database, vault: Vault, id: number): TokenSecret {
  const { secret, state, version } = readSealedSecret(db, id);
  return { secret: vault.open(SECRET, secret), state: state ? JSON.parse(vault.open(STATE, state)) : {}, version };
}

/**
 * Writes a rotated secret and merges `state` into the stored one, field by field; the version from then on.
 * @throws {AppError} `not_found`, `conflict` when another token of the provider has that secret, or the version is another by now
 */
export function writeTokenSecret(
  db: Database,
  vault: Vault,
  id: number,
  change: { secret?: string; state?: Record<string, unknown>; version?: number },
): number {
  const known = readTokenSecret(db, vault, id);
  if (change.version !== undefined && change.version !== known.version)
    throw new AppError("conflict", `The secret of token ${id} was changed meanwhile.`, { reason: "secret_changed" });
  db.query("UPDATE tokens SET secret_version = secret_version + 1 WHERE id = $id").run({ id });
  const version = known.version + 1;
  if (change.state) {
    const state = vault.seal(STATE, JSON.stringify({ ...known.state, ...change.state }));
    db.query("UPDATE tokens SET state = $state WHERE id = $id").run({ id, state });
  }
  if (change.secret === undefined || change.secret === known.secret) return version;
  const mac = vault.mac(SECRET, change.secret);
  const row = db.query<{ provider: string }, { id: number }>("SELECT provider FROM tokens WHERE id = $id").get({ id });
  if (row) eraseDeletedTwin(db, row.provider, mac);
  const updated = db
    .query("UPDATE OR IGNORE tokens SET secret = $secret, secret_mac = $mac, hint = $hint WHERE id = $id")
    .run({ id, secret: vault.seal(SECRET, change.secret), mac, hint: hintOf(change.secret) });
  if (updated.changes === 0)
    throw new AppError("conflict", `Token ${id} cannot take a secret that another token has.`, { param: "secret" });
  return version;
}

/** Writes the health of tokens and their new cooldowns; skips unknown ids. The present rows of those whose version is another by now. */
export function saveHealth(db: Database, changes: readonly HealthChange[]): HealthRow[] {
  const statement = db.query(
    `INSERT INTO token_health (token_id, health, version) SELECT id, $health, 1 FROM tokens WHERE id = $id
     ON CONFLICT (token_id) DO UPDATE SET health = excluded.health, version = version + 1`,
  );
  const refused: HealthRow[] = [];
  for (const { id, health, version } of changes) {
    const present = version === undefined ? undefined : listHealth(db, [id])[0];
    if (present && present.version !== version) refused.push(present);
    else statement.run({ id, health: JSON.stringify(health ?? null) });
  }
  const pauses = changes.flatMap(({ pauses }) => pauses ?? []);
  if (pauses.length > 0) insertCooldowns(db, pauses);
  return refused;
}

/** Version 0: none was ever stored. */
export function listHealth(db: Database, ids: readonly number[]): HealthRow[] {
  return db
    .query<{ id: number; health: string | null; version: number }, { ids: string }>(
      `SELECT id, health, ifnull(version, 0) AS version FROM tokens LEFT JOIN token_health ON token_id = id
       WHERE id IN (SELECT value FROM json_each($ids)) ORDER BY id`,
    )
    .all({ ids: JSON.stringify(ids) })
    .map((row) => ({ ...row, health: fromJson(row.health) }));
}
