-- requests.db, version 1: the request log and the upstream calls of each request.

-- `seq` is the order of writing: pages go by it, newest first, and every index below ends with it by itself.
CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  dialect TEXT NOT NULL,
  route TEXT NOT NULL,
  key_id INTEGER,
  model TEXT NOT NULL,
  family TEXT,
  kind TEXT,
  outcome TEXT NOT NULL,
  message TEXT,
  images INTEGER NOT NULL,
  video_seconds REAL NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  usd REAL NOT NULL,
  stream INTEGER NOT NULL CHECK (stream IN (0, 1)),
  media_ids TEXT NOT NULL
) STRICT;
CREATE INDEX requests_by_time ON requests (at);
CREATE INDEX requests_by_key ON requests (key_id);
CREATE INDEX requests_by_model ON requests (model);
-- Successes are the rule: leaving them out keeps this index small.
CREATE INDEX requests_by_failure ON requests (outcome) WHERE outcome <> 'ok';

CREATE TABLE attempts (
  request INTEGER NOT NULL REFERENCES requests (seq) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  token_id INTEGER NOT NULL,
  provider TEXT NOT NULL,
  family TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT,
  upstream_status INTEGER,
  PRIMARY KEY (request, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_token ON attempts (token_id);

PRAGMA user_version = 1;
