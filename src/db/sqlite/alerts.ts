// SQL of alerts: channels with sealed configuration, incidents, and the outbox of messages.
import type { Database } from "bun:sqlite";
import { AppError } from "../../errors.ts";
import type { ChannelRow, ChannelState, IncidentRow, MessageChange, MessageClaim, MessageRow, NewChannel, NewMessage } from "../alerts.ts";
import { CONFIG_OF_CHANNEL } from "../sealed.ts";
import type { Vault } from "../vault.ts";

const CHANNEL = "id, kind, name, enabled, rules, config, created_at AS createdAt, ok_at AS okAt, failed_at AS failedAt, error";
const INCIDENT = "id, rule, subject, began_at AS beganAt, ended_at AS endedAt, settled, state";
const MESSAGE = `id, channel_id AS channelId, payload, created_at AS createdAt, state, attempts, next_at AS nextAt, ended_at AS endedAt,
  error`;

type RawChannel = Omit<ChannelRow, "enabled" | "rules" | "config"> & { enabled: number; rules: string; config: Uint8Array };
type RawIncident = Omit<IncidentRow, "settled" | "state"> & { settled: number; state: string };
type RawMessage = Omit<MessageRow, "payload"> & { payload: string };
type Bound = Record<string, string | number | null>;

const toIncident = ({ settled, state, ...raw }: RawIncident): IncidentRow => ({ ...raw, settled: settled === 1, state: JSON.parse(state) });
const toMessage = ({ payload, ...raw }: RawMessage): MessageRow => ({ ...raw, payload: JSON.parse(payload) });

/** Oldest first. */
export function listChannels(db: Database, vault: Vault): ChannelRow[] {
  return db
    .query<RawChannel, []>(`SELECT ${CHANNEL} FROM alert_channels ORDER BY seq`)
    .all()
    .map(({ enabled, rules, config, ...raw }) => ({
      ...raw,
      enabled: enabled === 1,
      rules: JSON.parse(rules),
      config: JSON.parse(vault.open(CONFIG_OF_CHANNEL, config)),
    }));
}

export function putChannel(db: Database, vault: Vault, { id, kind, name, enabled, rules, config, createdAt }: NewChannel): void {
  db.query(
    `INSERT INTO alert_channels (id, kind, name, enabled, rules, config, created_at)
     VALUES ($id, $kind, $name, $enabled, $rules, $config, $createdAt)
     ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, enabled = excluded.enabled, rules = excluded.rules,
       config = excluded.config`,
  ).run({
    ...{ id, kind, name, enabled: enabled ? 1 : 0, rules: JSON.stringify(rules), createdAt },
    config: vault.seal(CONFIG_OF_CHANNEL, JSON.stringify(config)),
  });
}

export function deleteChannel(db: Database, id: string): void {
  db.query("DELETE FROM alert_messages WHERE channel_id = $id").run({ id });
  db.query("DELETE FROM alert_channels WHERE id = $id").run({ id });
}

const STATE_COLUMNS = { okAt: "ok_at", failedAt: "failed_at", error: "error" } as const satisfies Record<keyof ChannelState, string>;

export function updateChannelState(db: Database, id: string, state: Partial<ChannelState>): void {
  const names = (Object.keys(STATE_COLUMNS) as (keyof ChannelState)[]).filter((name) => state[name] !== undefined);
  if (names.length === 0) return;
  const assignments = names.map((name) => `${STATE_COLUMNS[name]} = $${name}`).join(", ");
  const values: Bound = Object.fromEntries(names.map((name) => [name, state[name] ?? null]));
  db.query<unknown, Bound>(`UPDATE alert_channels SET ${assignments} WHERE id = $id`).run({ ...values, id });
}

export function saveIncidents(db: Database, incidents: readonly IncidentRow[], messages: readonly NewMessage[]): void {
  const put = db.query(
    `INSERT INTO incidents (id, rule, subject, began_at, ended_at, settled, state)
     VALUES ($id, $rule, $subject, $beganAt, $endedAt, $settled, $state)
     ON CONFLICT (id) DO UPDATE SET began_at = excluded.began_at, ended_at = excluded.ended_at, settled = excluded.settled,
       state = excluded.state`,
  );
  try {
    for (const { id, rule, subject, beganAt, endedAt, settled, state } of incidents)
      put.run({ id, rule, subject, beganAt, endedAt, settled: settled ? 1 : 0, state: JSON.stringify(state) });
  } catch (error) {
    if ((error as { code?: string }).code !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
    throw new AppError("conflict", "Another incident of the same rule and subject has no end yet.", { cause: error });
  }
  const add = db.query(
    `INSERT INTO alert_messages (id, channel_id, payload, created_at, state, attempts, next_at)
     SELECT $id, $channelId, $payload, $createdAt, 'waiting', 0, $createdAt WHERE EXISTS (SELECT 1 FROM alert_channels WHERE id = $channelId)`,
  );
  for (const { id, channelId, payload, createdAt } of messages) add.run({ id, channelId, payload: JSON.stringify(payload), createdAt });
}

/** Oldest first. */
export function listUnsettledIncidents(db: Database): IncidentRow[] {
  return db.query<RawIncident, []>(`SELECT ${INCIDENT} FROM incidents WHERE settled = 0 ORDER BY seq`).all().map(toIncident);
}

/** Newest first. */
export function listIncidents(db: Database, { limit, before, since }: { limit: number; before?: string; since?: number }): IncidentRow[] {
  const conditions = [
    before === undefined ? "" : "seq < (SELECT seq FROM incidents WHERE id = $before)",
    since === undefined ? "" : "began_at >= $since",
  ].filter(Boolean);
  const bound: Bound = { limit, ...(before === undefined ? {} : { before }), ...(since === undefined ? {} : { since }) };
  return db
    .query<RawIncident, Bound>(
      `SELECT ${INCIDENT} FROM incidents ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY seq DESC LIMIT $limit`,
    )
    .all(bound)
    .map(toIncident);
}

const NOT_OF = "channel_id NOT IN (SELECT value FROM json_each($except))";

export function claimMessages(db: Database, { now, limit, until, except = [] }: MessageClaim): MessageRow[] {
  const due = db
    .query<RawMessage & { seq: number }, Bound>(
      `SELECT seq, ${MESSAGE} FROM alert_messages WHERE state = 'waiting' AND next_at <= $now AND ${NOT_OF}
       ORDER BY next_at, seq LIMIT $limit`,
    )
    .all({ now, limit, except: JSON.stringify(except) });
  const putOff = db.query("UPDATE alert_messages SET next_at = $until WHERE seq = $seq");
  for (const { seq } of due) putOff.run({ seq, until });
  return due.map(({ seq, ...raw }) => toMessage({ ...raw, nextAt: until }));
}

/** Null: none waits. */
export function nextMessageAt(db: Database, except: readonly string[] = []): number | null {
  return (
    db
      .query<{ at: number | null }, Bound>(`SELECT min(next_at) AS at FROM alert_messages WHERE state = 'waiting' AND ${NOT_OF}`)
      .get({ except: JSON.stringify(except) })?.at ?? null
  );
}

export function updateMessage(db: Database, id: string, { state, attempts, nextAt, endedAt, error }: MessageChange): void {
  db.query(
    `UPDATE alert_messages SET state = $state, attempts = $attempts, next_at = $nextAt, ended_at = $endedAt, error = $error
     WHERE id = $id`,
  ).run({ id, state, attempts, nextAt, endedAt, error });
}

/** Newest first. */
export function listMessages(db: Database, { limit, channelId }: { limit: number; channelId?: string }): MessageRow[] {
  return db
    .query<RawMessage, Bound>(
      `SELECT ${MESSAGE} FROM alert_messages WHERE $channelId IS NULL OR channel_id = $channelId ORDER BY seq DESC LIMIT $limit`,
    )
    .all({ limit, channelId: channelId ?? null })
    .map(toMessage);
}

/** Returns how many rows went. */
export function deleteAlertsBefore(db: Database, time: number, limit: number): number {
  const incidents = db
    .query(
      "DELETE FROM incidents WHERE seq IN (SELECT seq FROM incidents WHERE settled = 1 AND ended_at < $time ORDER BY seq LIMIT $limit)",
    )
    .run({ time, limit }).changes;
  const messages = db
    .query("DELETE FROM alert_messages WHERE seq IN (SELECT seq FROM alert_messages WHERE ended_at < $time ORDER BY seq LIMIT $limit)")
    .run({ time, limit }).changes;
  return incidents + messages;
}
