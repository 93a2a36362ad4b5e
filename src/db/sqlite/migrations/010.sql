-- flow2api.db, version 10: answers of /v1/responses, which clients go on from and look at again.

-- `bytes` is the length of `body`, JSON of the surface that answered. key_id is a mark, not a reference.
CREATE TABLE responses (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  key_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
-- Answers which are the oldest and, by itself, how many bytes there are.
CREATE INDEX responses_by_age ON responses (created_at, bytes);

PRAGMA user_version = 10;
