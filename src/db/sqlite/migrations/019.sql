-- flow2api.db, version 19: calls by token that are not in the rollups yet.

-- JSON of a batch: [token, hour, family, ok, ms, images, video ms, millionths of a dollar] of each call.
CREATE TABLE token_calls (
  seq INTEGER PRIMARY KEY,
  calls TEXT NOT NULL
) STRICT;

PRAGMA user_version = 19;
