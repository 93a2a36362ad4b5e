-- flow2api.db, version 4: jobs, webhooks on their way, and names under which a request may be repeated.

-- `seq` is the order of creation: pages go by it. `body` is JSON of what nothing is searched by.
-- key_id, token_id and request_id are marks, not references: a job outlives what it came from.
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  key_id INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  removed INTEGER NOT NULL CHECK (removed IN (0, 1)),
  -- Sealed: an address may carry a secret.
  webhook_url BLOB,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_key ON jobs (key_id, seq);
CREATE INDEX jobs_by_request ON jobs (request_id);
CREATE INDEX jobs_open ON jobs (state) WHERE state NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  job_id TEXT NOT NULL,
  key_id INTEGER NOT NULL,
  url BLOB NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  ended_at INTEGER,
  last_status INTEGER,
  last_error TEXT
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_key ON deliveries (key_id, seq);
CREATE INDEX deliveries_by_job ON deliveries (job_id, seq);

CREATE TABLE key_webhooks (
  key_id INTEGER PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
  -- Sealed, both of them.
  url BLOB,
  secret BLOB NOT NULL
) STRICT;

CREATE TABLE idempotency (
  key_id INTEGER NOT NULL,
  route TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  run TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  submitted INTEGER NOT NULL CHECK (submitted IN (0, 1)),
  job_id TEXT,
  result TEXT,
  PRIMARY KEY (key_id, route, name)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

PRAGMA user_version = 4;
