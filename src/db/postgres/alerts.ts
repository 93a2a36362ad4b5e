// SQL of alerts: channels with sealed configuration, incidents, and the outbox of messages.
import { AppError } from "../../errors.ts";
import type { ChannelRow, ChannelState, IncidentRow, MessageChange, MessageClaim, MessageRow, NewChannel, NewMessage } from "../alerts.ts";
import { CONFIG_OF_CHANNEL } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Bound } from "./binding.ts";
import type { Reader, Sql } from "./driver.ts";
import { isUniqueViolation } from "./failures.ts";

const CHANNEL = `id, kind, name, enabled, rules, config, created_at AS "createdAt", ok_at AS "okAt", failed_at AS "failedAt", error`;
const INCIDENT = `id, rule, subject, began_at AS "beganAt", ended_at AS "endedAt", settled, state`;
const MESSAGE = `id, channel_id AS "channelId", payload, created_at AS "createdAt", state, attempts, next_at AS "nextAt",
  ended_at AS "endedAt", error`;

type RawChannel = Omit<ChannelRow, "rules" | "config"> & { rules: string; config: Uint8Array };
type RawIncident = Omit<IncidentRow, "state"> & { state: string };
type RawMessage = Omit<MessageRow, "payload"> & { payload: string };

const toIncident = ({ state, ...raw }: RawIncident): IncidentRow => ({ ...raw, state: JSON.parse(state) });
const toMessage = ({ payload, ...raw }: RawMessage): MessageRow => ({ ...raw, payload: JSON.parse(payload) });

/** Oldest first. */
export async function listChannels(sql: Reader, vault: Vault): Promise<ChannelRow[]> {
  const rows = await sql.all<RawChannel>(`SELECT ${CHANNEL} FROM alert_channels ORDER BY seq`);
  return rows.map(({ rules, config, ...raw }) => ({
    ...raw,
    rules: JSON.parse(rules),
    config: JSON.parse(vault.open(CONFIG_OF_CHANNEL, config)),
  }));
}

export async function putChannel(sql: Sql, vault: Vault, { rules, config, ...channel }: NewChannel): Promise<void> {
  const { id, kind, name, enabled, createdAt } = channel;
  await sql.run(
    `INSERT INTO alert_channels (id, kind, name, enabled, rules, config, created_at)
     VALUES ($id, $kind, $name, $enabled, $rules, $config, $createdAt)
     ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, enabled = excluded.enabled, rules = excluded.rules,
       config = excluded.config`,
    {
      ...{ id, kind, name, enabled, createdAt, rules: JSON.stringify(rules) },
      config: vault.seal(CONFIG_OF_CHANNEL, JSON.stringify(config)),
    },
  );
}

export async function deleteChannel(sql: Sql, id: string): Promise<void> {
  await sql.run("DELETE FROM alert_messages WHERE channel_id = $id", { id });
  await sql.run("DELETE FROM alert_channels WHERE id = $id", { id });
}

const STATE_COLUMNS = { okAt: "ok_at", failedAt: "failed_at", error: "error" } as const satisfies Record<keyof ChannelState, string>;

export async function updateChannelState(sql: Sql, id: string, state: Partial<ChannelState>): Promise<void> {
  const names = (Object.keys(STATE_COLUMNS) as (keyof ChannelState)[]).filter((name) => state[name] !== undefined);
  if (names.length === 0) return;
  const assignments = names.map((name) => `${STATE_COLUMNS[name]} = $${name}`).join(", ");
  const values: Bound = Object.fromEntries(names.map((name) => [name, state[name] ?? null]));
  await sql.run(`UPDATE alert_channels SET ${assignments} WHERE id = $id`, { ...values, id });
}

export async function saveIncidents(sql: Sql, incidents: readonly IncidentRow[], messages: readonly NewMessage[]): Promise<void> {
  for (const { id, rule, subject, beganAt, endedAt, settled, state } of incidents)
    await sql
      .run(
        `INSERT INTO incidents (id, rule, subject, began_at, ended_at, settled, state)
         VALUES ($id, $rule, $subject, $beganAt, $endedAt, $settled, $state)
         ON CONFLICT (id) DO UPDATE SET began_at = excluded.began_at, ended_at = excluded.ended_at, settled = excluded.settled,
           state = excluded.state`,
        { id, rule, subject, beganAt, endedAt, settled, state: JSON.stringify(state) },
      )
      .catch((error) => {
        if (!isUniqueViolation(error)) throw error;
        throw new AppError("conflict", "Another incident of the same rule and subject has no end yet.", { cause: error });
      });
  for (const { id, channelId, payload, createdAt } of messages)
    await sql.run(
      `INSERT INTO alert_messages (id, channel_id, payload, created_at, state, attempts, next_at)
       SELECT $id, id, $payload, $createdAt, 'waiting', 0, $createdAt FROM alert_channels WHERE id = $channelId FOR KEY SHARE`,
      { id, channelId, payload: JSON.stringify(payload), createdAt },
    );
}

/** Oldest first. */
export async function listUnsettledIncidents(sql: Reader): Promise<IncidentRow[]> {
  return (await sql.all<RawIncident>(`SELECT ${INCIDENT} FROM incidents WHERE NOT settled ORDER BY seq`)).map(toIncident);
}

/** Newest first. */
export async function listIncidents(
  sql: Reader,
  { limit, before, since }: { limit: number; before?: string; since?: number },
): Promise<IncidentRow[]> {
  const conditions = [
    before === undefined ? "" : "seq < (SELECT seq FROM incidents WHERE id = $before)",
    since === undefined ? "" : "began_at >= $since",
  ].filter(Boolean);
  const bound: Bound = { limit, ...(before !== undefined && { before }), ...(since !== undefined && { since }) };
  const rows = await sql.all<RawIncident>(
    `SELECT ${INCIDENT} FROM incidents ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY seq DESC LIMIT $limit`,
    bound,
  );
  return rows.map(toIncident);
}

/** Of several nodes that ask at once each gets others. */
export async function claimMessages(sql: Sql, { now, limit, until, except = [] }: MessageClaim): Promise<MessageRow[]> {
  const due = await sql.all<RawMessage & { seq: number }>(
    `SELECT seq, ${MESSAGE} FROM alert_messages WHERE state = 'waiting' AND next_at <= $now AND channel_id <> ALL ($except::text[])
     ORDER BY next_at, seq LIMIT $limit FOR UPDATE SKIP LOCKED`,
    { now, limit, except: [...except] },
  );
  await sql.run("UPDATE alert_messages SET next_at = $until WHERE seq = ANY ($seqs::bigint[])", { until, seqs: due.map(({ seq }) => seq) });
  return due.map(({ seq, ...raw }) => toMessage({ ...raw, nextAt: until }));
}

/** Null: none waits. */
export async function nextMessageAt(sql: Reader, except: readonly string[] = []): Promise<number | null> {
  const next = await sql.get<{ at: number | null }>(
    "SELECT min(next_at) AS at FROM alert_messages WHERE state = 'waiting' AND channel_id <> ALL ($except::text[])",
    { except: [...except] },
  );
  return next?.at ?? null;
}

export async function updateMessage(sql: Sql, id: string, { state, attempts, nextAt, endedAt, error }: MessageChange): Promise<void> {
  await sql.run(
    "UPDATE alert_messages SET state = $state, attempts = $attempts, next_at = $nextAt, ended_at = $endedAt, error = $error WHERE id = $id",
    { id, state, attempts, nextAt, endedAt, error },
  );
}

/** Newest first. */
export async function listMessages(sql: Reader, { limit, channelId }: { limit: number; channelId?: string }): Promise<MessageRow[]> {
  const rows = await sql.all<RawMessage>(
    `SELECT ${MESSAGE} FROM alert_messages WHERE $channelId::text IS NULL OR channel_id = $channelId ORDER BY seq DESC LIMIT $limit`,
    { limit, channelId: channelId ?? null },
  );
  return rows.map(toMessage);
}

/** Returns how many rows went. */
export async function deleteAlertsBefore(sql: Sql, time: number, limit: number): Promise<number> {
  const bound = { time, limit };
  const incidents = await sql.run(
    `DELETE FROM incidents WHERE seq IN (
       SELECT seq FROM incidents WHERE settled AND ended_at < $time ORDER BY seq LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    bound,
  );
  const messages = await sql.run(
    `DELETE FROM alert_messages WHERE seq IN (
       SELECT seq FROM alert_messages WHERE ended_at < $time ORDER BY seq LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    bound,
  );
  return incidents + messages;
}
