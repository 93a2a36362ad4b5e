// SQL of tokens: rows, sealed secrets, health.

import { hintOf } from "../../domain/secret-hint.ts";
import type { CooldownRow, HealthChange, HealthRow, NewToken, TokenChange, TokenRow, TokenSecret } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { PROXY, SECRET, STATE } from "../sealed.ts";
import type { DeletedPage } from "../store.ts";
import type { Vault } from "../vault.ts";
import type { Bound } from "./binding.ts";
import { deleteCooldowns, insertCooldowns } from "./cooldowns.ts";
import type { Reader, Sql } from "./driver.ts";
import { deleteBeats } from "./token-beats.ts";

const COLUMNS = `id, provider, label, quota_group AS "group", enabled, image_enabled AS "imageEnabled", video_enabled AS "videoEnabled",
  image_concurrency AS "imageConcurrency", video_concurrency AS "videoConcurrency", weight, priority,
  allow_families AS "allowFamilies", deny_families AS "denyFamilies", proxy, location, note, tags, identity, tier, credits, families,
  checked_at AS "checkedAt", renew_before AS "renewBefore", hint, created_at AS "createdAt", health, caps,
  deleted_at AS "deletedAt"`;

type Raw = Omit<TokenRow, "allowFamilies" | "denyFamilies" | "proxy" | "tags" | "families" | "health" | "caps"> & {
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

/** Most lists are empty: ten thousand tokens are read at the start. */
const readList = (text: string): string[] => (text === "[]" ? [] : JSON.parse(text));

/** Changes the row in place: a copy of 25 columns would cost more than the query. */
function toToken(raw: Raw, vault: Vault): TokenRow {
  return Object.assign(raw as unknown as TokenRow, {
    allowFamilies: readList(raw.allowFamilies),
    denyFamilies: readList(raw.denyFamilies),
    proxy: raw.proxy && vault.open(PROXY, raw.proxy),
    tags: readList(raw.tags),
    families: fromJson(raw.families) as string[] | null,
    health: fromJson(raw.health),
    caps: fromJson(raw.caps),
  });
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
export async function listTokens(sql: Reader, vault: Vault): Promise<TokenRow[]> {
  const rows = await sql.all<Raw>(`SELECT ${COLUMNS} ${FROM} WHERE deleted_at IS NULL ORDER BY id`);
  return rows.map((raw) => toToken(raw, vault));
}

/** Latest deleted first. */
export async function listDeletedTokens(sql: Reader, vault: Vault, { limit, before }: DeletedPage = {}): Promise<TokenRow[]> {
  const rows = await sql.all<Raw>(
    `SELECT ${COLUMNS} ${FROM} WHERE deleted_at IS NOT NULL AND ($at::bigint IS NULL OR (deleted_at, id) < ($at::bigint, $id::bigint))
     ORDER BY deleted_at DESC, id DESC LIMIT $limit`,
    { limit: limit ?? null, at: before?.deletedAt ?? null, id: before?.id ?? 0 },
  );
  return rows.map((raw) => toToken(raw, vault));
}

/** Locks the row until the transaction ends. @throws {AppError} `not_found` */
async function lockRaw(sql: Sql, id: number): Promise<Raw> {
  const raw = await sql.get<Raw>(
    `SELECT ${COLUMNS} FROM tokens LEFT JOIN token_health ON token_id = id WHERE id = $id FOR NO KEY UPDATE OF tokens`,
    { id },
  );
  if (!raw) throw noToken(id);
  return raw;
}

/** @throws {AppError} `conflict` when the provider has this secret already */
export async function insertToken(sql: Sql, vault: Vault, token: NewToken, now: number): Promise<TokenRow> {
  const id = await insertRow(sql, vault, token, now);
  if (id === null) throw new AppError("conflict", "A token with this secret is in the pool already.", { param: "secret" });
  return toToken(await lockRaw(sql, id), vault);
}

export async function insertTokens(sql: Sql, vault: Vault, tokens: readonly NewToken[], now: number): Promise<("inserted" | "known")[]> {
  const outcomes: ("inserted" | "known")[] = [];
  for (const token of tokens) outcomes.push((await insertRow(sql, vault, token, now)) === null ? "known" : "inserted");
  return outcomes;
}

export async function hasTokens(sql: Reader, vault: Vault, tokens: readonly Pick<NewToken, "provider" | "secret">[]): Promise<boolean[]> {
  const macs = tokens.map(({ secret }) => Buffer.from(vault.mac(SECRET, secret)).toString("hex"));
  const found = await sql.all<{ position: number }>(
    `SELECT asked.position FROM unnest($providers::text[], $macs::text[]) WITH ORDINALITY AS asked (provider, mac, position)
     JOIN tokens ON tokens.provider = asked.provider AND tokens.secret_mac = decode(asked.mac, 'hex')
       AND tokens.deleted_at IS NULL`,
    { providers: tokens.map(({ provider }) => provider), macs },
  );
  const positions = new Set(found.map(({ position }) => position));
  return tokens.map((_, index) => positions.has(index + 1));
}

/** A deleted token does not keep its secret from one that is in the pool. */
async function eraseDeletedTwin(sql: Sql, provider: string, mac: Uint8Array): Promise<void> {
  const twin = await sql.get<{ id: number }>(
    "SELECT id FROM tokens WHERE provider = $provider AND secret_mac = $mac AND deleted_at IS NOT NULL FOR UPDATE",
    { provider, mac },
  );
  if (twin) await deleteToken(sql, twin.id);
}

/** The new row's id, or null when the provider has this secret already. */
async function insertRow(sql: Sql, vault: Vault, token: NewToken, now: number): Promise<number | null> {
  const mac = vault.mac(SECRET, token.secret);
  await eraseDeletedTwin(sql, token.provider, mac);
  const bound: Bound = {
    ...toBindings(token),
    provider: token.provider,
    proxy: token.proxy ? vault.seal(PROXY, token.proxy) : null,
    secret: vault.seal(SECRET, token.secret),
    mac,
    state: token.state ? vault.seal(STATE, JSON.stringify(token.state)) : null,
    hint: hintOf(token.secret),
    now,
  };
  const inserted = await sql.get<{ id: number }>(
    `INSERT INTO tokens (provider, label, quota_group, enabled, image_enabled, video_enabled, image_concurrency, video_concurrency,
       weight, priority, allow_families, deny_families, proxy, location, note, tags, caps, identity, secret, secret_mac, state, hint, created_at)
     VALUES ($provider, $label, $group, $enabled, $imageEnabled, $videoEnabled, $imageConcurrency, $videoConcurrency,
       $weight, $priority, $allowFamilies, $denyFamilies, $proxy, $location, $note, $tags, $caps, $identity, $secret, $mac, $state, $hint, $now)
     ON CONFLICT (provider, secret_mac) DO NOTHING RETURNING id`,
    bound,
  );
  if (!inserted) return null;
  if (token.health) await saveHealth(sql, [{ id: inserted.id, health: token.health }]);
  return inserted.id;
}

/** Changes what `change` names; `undefined` changes nothing. @throws {AppError} `not_found` */
export async function updateToken(sql: Sql, vault: Vault, id: number, change: TokenChange): Promise<TokenRow> {
  const raw = await lockRaw(sql, id);
  const sealed = raw.proxy;
  const current = toToken(raw, vault);
  const defined = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const next: TokenRow = { ...current, ...defined };
  // Sealing the same text again would look like an edit.
  const proxy = next.proxy === current.proxy ? sealed : next.proxy && vault.seal(PROXY, next.proxy);
  await sql.run(
    `UPDATE tokens SET label = $label, quota_group = $group, enabled = $enabled, image_enabled = $imageEnabled, video_enabled = $videoEnabled,
       image_concurrency = $imageConcurrency, video_concurrency = $videoConcurrency, weight = $weight, priority = $priority,
       allow_families = $allowFamilies, deny_families = $denyFamilies, proxy = $proxy, location = $location, note = $note, tags = $tags,
       caps = $caps, identity = $identity, tier = $tier, credits = $credits, families = $families, checked_at = $checkedAt,
       renew_before = $renewBefore
     WHERE id = $id`,
    {
      ...toBindings(next),
      id,
      proxy,
      tier: next.tier,
      credits: next.credits,
      families: toJson(next.families),
      checkedAt: next.checkedAt,
      renewBefore: next.renewBefore,
    },
  );
  if ("health" in defined) await saveHealth(sql, [{ id, health: next.health }]);
  return next;
}

/** @throws {AppError} `not_found` */
export async function deleteToken(sql: Sql, id: number): Promise<void> {
  if ((await sql.run("DELETE FROM tokens WHERE id = $id", { id })) === 0) throw noToken(id);
  await deleteCooldowns(sql, `token ${id}`);
  await deleteBeats(sql, id);
}

type Sealed = { secret: Uint8Array; state: Uint8Array | null; version: number };
const SEALED = "secret, state, secret_version AS version";

const openSecret = (vault: Vault, { secret, state, version }: Sealed): TokenSecret => ({
  secret: vault.open(SECRET, secret),
  state: state ? JSON.parse(vault.open(STATE, state)) : {},
  version,
});

/** @throws {AppError} `not_found` */
export async function readTokenSecret(sql: Reader, vault: Vault, id: number): Promise<TokenSecret> {
  const row = await sql.get<Sealed>(`SELECT ${SEALED} FROM tokens WHERE id = $id`, { id });
  if (!row) throw noToken(id);
  return openSecret(vault, row);
}

/**
 * Writes a rotated secret and merges `state` into the stored one, field by field; the version from then on.
 * @throws {AppError} `not_found`, `conflict` when another token of the provider has that secret, or the version is another by now
 */
export async function writeTokenSecret(
  sql: Sql,
  vault: Vault,
  id: number,
  change: { secret?: string; state?: Record<string, unknown>; version?: number },
): Promise<number> {
  const row = await sql.get<Sealed & { provider: string }>(`SELECT provider, ${SEALED} FROM tokens WHERE id = $id FOR UPDATE`, { id });
  if (!row) throw noToken(id);
  const known = openSecret(vault, row);
  if (change.version !== undefined && change.version !== known.version)
    throw new AppError("conflict", `The secret of token ${id} was changed meanwhile.`, { reason: "secret_changed" });
  const version = known.version + 1;
  await sql.run("UPDATE tokens SET secret_version = $version WHERE id = $id", { id, version });
  if (change.state) {
    const state = vault.seal(STATE, JSON.stringify({ ...known.state, ...change.state }));
    await sql.run("UPDATE tokens SET state = $state WHERE id = $id", { id, state });
  }
  if (change.secret === undefined || change.secret === known.secret) return version;
  const mac = vault.mac(SECRET, change.secret);
  await eraseDeletedTwin(sql, row.provider, mac);
  const other = await sql.get("SELECT 1 FROM tokens WHERE secret_mac = $mac AND id <> $id AND provider = $provider", {
    ...{ mac, id, provider: row.provider },
  });
  if (other) throw new AppError("conflict", `Token ${id} cannot take a secret that another token has.`, { param: "secret" });
  await sql.run("UPDATE tokens SET secret = $secret, secret_mac = $mac, hint = $hint WHERE id = $id", {
    ...{ id, mac, secret: vault.seal(SECRET, change.secret), hint: hintOf(change.secret) },
  });
  return version;
}

/** Writes the health of tokens and their new cooldowns; skips unknown ids. The present rows of those whose version is another by now. */
export async function saveHealth(sql: Sql, changes: readonly HealthChange[]): Promise<HealthRow[]> {
  // In the order of the ids: two nodes that write the same tokens wait for each other, and never each for the other.
  const latest = [...new Map(changes.map((change) => [change.id, change])).values()].sort((a, b) => a.id - b.id);
  const asked = new Map(latest.flatMap(({ id, version }) => (version === undefined ? [] : [[id, version] as const])));
  const present = asked.size === 0 ? [] : await lockHealth(sql, latest);
  const refused = new Map(present.filter(({ id, version }) => asked.has(id) && asked.get(id) !== version).map((row) => [row.id, row]));
  const written = latest.filter(({ id }) => !refused.has(id));
  await sql.run(
    `INSERT INTO token_health AS held (token_id, health, version)
     SELECT id, changed.health, 1 FROM unnest($ids::bigint[], $healths::text[]) AS changed (token_id, health)
     JOIN tokens ON id = changed.token_id ORDER BY id
     ON CONFLICT (token_id) DO UPDATE SET health = excluded.health, version = held.version + 1`,
    { ids: written.map(({ id }) => id), healths: written.map(({ health }) => JSON.stringify(health ?? null)) },
  );
  const cooldowns: CooldownRow[] = changes.flatMap(({ pauses }) => pauses ?? []);
  if (cooldowns.length > 0) await insertCooldowns(sql, cooldowns);
  return [...refused.values()];
}

/** Locks tokens, whose health may not be there yet, until the transaction ends. */
async function lockHealth(sql: Sql, changes: readonly HealthChange[]): Promise<HealthRow[]> {
  const ids = changes.map(({ id }) => id);
  await sql.all("SELECT id FROM tokens WHERE id = ANY ($ids::bigint[]) ORDER BY id FOR NO KEY UPDATE", { ids });
  return listHealth(sql, ids);
}

/** Version 0: none was ever stored. */
export async function listHealth(sql: Reader, ids: readonly number[]): Promise<HealthRow[]> {
  const rows = await sql.all<{ id: number; health: string | null; version: number }>(
    `SELECT id, health, coalesce(version, 0) AS version FROM tokens LEFT JOIN token_health ON token_id = id
     WHERE id = ANY ($ids::bigint[]) ORDER BY id`,
    { ids },
  );
  return rows.map((row) => ({ ...row, health: fromJson(row.health) }));
}
