-- Version 4: calls of each token by half-hours of the last day.

-- Null: a node of an earlier version has written it; its hour counts.
ALTER TABLE token_calls ADD COLUMN ended_at bigint;

-- A ring: the half-hour that began at `slot` (epoch ms) overwrites the one 49 half-hours before it, so that nothing has to be swept.
CREATE TABLE token_beats (
  token_id bigint NOT NULL,
  place integer NOT NULL,
  slot bigint NOT NULL,
  served bigint NOT NULL,
  failed bigint NOT NULL,
  PRIMARY KEY (token_id, place)
) WITH (fillfactor = 50);
