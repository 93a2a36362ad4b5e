-- flow2api.db, version 2: the ledger of what keys reserve and use, and its sums by hour.

-- Money in millionths of a dollar and video in milliseconds: whole numbers add up exactly.
-- key_id and request_id are marks, not references: what was used stays used.
CREATE TABLE reservations (
  id INTEGER PRIMARY KEY,
  key_id INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  family TEXT NOT NULL,
  at INTEGER NOT NULL,
  images INTEGER NOT NULL CHECK (images >= 0),
  video_ms INTEGER NOT NULL CHECK (video_ms >= 0),
  micro_usd INTEGER NOT NULL CHECK (micro_usd >= 0),
  state TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released')),
  ended_at INTEGER,
  actual_images INTEGER CHECK (actual_images >= 0),
  actual_video_ms INTEGER CHECK (actual_video_ms >= 0),
  actual_micro_usd INTEGER CHECK (actual_micro_usd >= 0)
) STRICT;
CREATE INDEX reservations_open ON reservations (id) WHERE state = 'reserved';
CREATE INDEX reservations_by_time ON reservations (at);

-- What a key has used in a period: a day, a month, all time. A limit is checked against these.
CREATE TABLE key_usage (
  period TEXT NOT NULL,
  key_id INTEGER NOT NULL,
  images INTEGER NOT NULL,
  video_ms INTEGER NOT NULL,
  micro_usd INTEGER NOT NULL,
  PRIMARY KEY (period, key_id)
) STRICT, WITHOUT ROWID;

-- Sums by hour and family: of all generations (subject 0), of each key, and of each token's upstream calls.
-- b0 … b12 count successes by duration: up to 250 ms, 500 ms, and so on, doubling up to 512 s; b12 those beyond.
CREATE TABLE usage_hours (
  dimension TEXT NOT NULL CHECK (dimension IN ('all', 'key', 'token')),
  subject INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  family TEXT NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  images INTEGER NOT NULL,
  video_ms INTEGER NOT NULL,
  micro_usd INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  ms_sum INTEGER NOT NULL,
  ms_max INTEGER NOT NULL,
  b0 INTEGER NOT NULL, b1 INTEGER NOT NULL, b2 INTEGER NOT NULL, b3 INTEGER NOT NULL, b4 INTEGER NOT NULL,
  b5 INTEGER NOT NULL, b6 INTEGER NOT NULL, b7 INTEGER NOT NULL, b8 INTEGER NOT NULL, b9 INTEGER NOT NULL,
  b10 INTEGER NOT NULL, b11 INTEGER NOT NULL, b12 INTEGER NOT NULL,
  PRIMARY KEY (dimension, subject, hour, family)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_hours_by_time ON usage_hours (dimension, hour);

PRAGMA user_version = 2;
