-- flow2api.db, version 7: rollups by UTC day, so that a month of ten thousand tokens is read from days and not from hours.

CREATE TABLE usage_days (
  dimension TEXT NOT NULL CHECK (dimension IN ('all', 'key', 'token')),
  subject INTEGER NOT NULL,
  day INTEGER NOT NULL,
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
  PRIMARY KEY (dimension, subject, day, family)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_days
SELECT dimension, subject, hour - hour % 86400000 AS day, family, sum(requests), sum(errors), sum(images), sum(video_ms), sum(micro_usd),
  sum(input_tokens), sum(output_tokens), sum(ms_sum), max(ms_max), sum(b0), sum(b1), sum(b2), sum(b3), sum(b4), sum(b5), sum(b6), sum(b7),
  sum(b8), sum(b9), sum(b10), sum(b11), sum(b12)
FROM usage_hours GROUP BY dimension, subject, day, family;

CREATE INDEX usage_days_by_time ON usage_days (dimension, day);

PRAGMA user_version = 7;
