-- flow2api.db, version 23: nodes, and what each of them owns; what made a result; scratch values.

-- A process that works on this database. Of those that are there at a start none lives: the folder has one owner.
CREATE TABLE nodes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('serving', 'draining', 'dead', 'left')),
  url TEXT,
  version TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  beat_at INTEGER NOT NULL,
  gauges TEXT NOT NULL
) STRICT;

-- 0: of a process before this version. Null: handed over, nobody's.
ALTER TABLE reservations ADD COLUMN node INTEGER DEFAULT 0;
ALTER TABLE jobs ADD COLUMN node INTEGER DEFAULT 0;
ALTER TABLE undelivered ADD COLUMN node INTEGER NOT NULL DEFAULT 0;

-- Grow with each change, so that nothing is written over a change that was not seen.
ALTER TABLE token_health ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN secret_version INTEGER NOT NULL DEFAULT 0;

-- The call that made a result: whose it was, and its thought signature.
ALTER TABLE media ADD COLUMN token_id INTEGER;
ALTER TABLE media ADD COLUMN signature TEXT;

-- Values are sealed JSON.
CREATE TABLE scratch (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX scratch_by_expiry ON scratch (expires_at);

PRAGMA user_version = 23;
