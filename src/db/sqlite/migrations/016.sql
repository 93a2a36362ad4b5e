-- flow2api.db, version 16: outcomes that their client has not got, for the next identical request of the key.

CREATE TABLE undelivered (
  id TEXT PRIMARY KEY,
  key_id INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  -- SHA-256 of the decoded request.
  hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  outcome TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 16;
