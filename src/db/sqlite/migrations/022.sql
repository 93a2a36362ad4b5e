-- flow2api.db, version 22: calls of each token by half-hours of the last day.

-- A ring: the half-hour that began at `slot` (epoch ms) overwrites the one 49 half-hours before it, so that nothing has to be swept.
CREATE TABLE token_beats (
  token_id INTEGER NOT NULL,
  place INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  served INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  PRIMARY KEY (token_id, place)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 22;
