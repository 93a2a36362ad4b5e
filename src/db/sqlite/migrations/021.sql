-- flow2api.db, version 21: alert channels, incidents, and messages about them.

CREATE TABLE alert_channels (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  rules TEXT NOT NULL,
  -- Sealed JSON: addresses of channels are secrets.
  config BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  ok_at INTEGER,
  failed_at INTEGER,
  error TEXT
) STRICT;

CREATE TABLE incidents (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  ended_at INTEGER,
  settled INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX incidents_open ON incidents (rule, subject) WHERE ended_at IS NULL;
CREATE INDEX incidents_unsettled ON incidents (seq) WHERE settled = 0;
CREATE INDEX incidents_by_begin ON incidents (began_at);

CREATE TABLE alert_messages (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  channel_id TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  ended_at INTEGER,
  error TEXT
) STRICT;

CREATE INDEX alert_messages_waiting ON alert_messages (next_at) WHERE state = 'waiting';
CREATE INDEX alert_messages_by_channel ON alert_messages (channel_id, seq);
CREATE INDEX alert_messages_by_end ON alert_messages (ended_at) WHERE ended_at IS NOT NULL;

PRAGMA user_version = 21;
