-- requests.db, version 3: refusals, failures by reason, and an index that knows families, reasons and prompts.

-- Of a request that was turned away before a generation began (times is null for all others): why, from where, how many it stands for.
ALTER TABLE requests ADD COLUMN reason TEXT;
ALTER TABLE requests ADD COLUMN address TEXT;
ALTER TABLE requests ADD COLUMN times INTEGER;

-- Failures by outcome and reason, in all, by key, and calls by token; `start` in epoch ms. `step` 1: by UTC day; 0: by hour, only in all.
CREATE TABLE failure_sums (
  step INTEGER NOT NULL CHECK (step IN (0, 1)),
  dimension TEXT NOT NULL CHECK (dimension IN ('all', 'key', 'token')),
  subject INTEGER NOT NULL,
  start INTEGER NOT NULL,
  family TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  refused INTEGER NOT NULL CHECK (refused IN (0, 1)),
  n INTEGER NOT NULL,
  PRIMARY KEY (step, dimension, subject, start, family, outcome, reason, refused)
) STRICT, WITHOUT ROWID;
CREATE INDEX failure_sums_by_time ON failure_sums (step, dimension, start);

CREATE TEMP TABLE ended AS
SELECT seq, at + ms AS ended, key_id, ifnull(family, '') AS family, outcome,
  ifnull((SELECT iif(outcome = 'ok', NULL, ifnull(reason, outcome)) FROM attempts WHERE request = seq ORDER BY position DESC LIMIT 1), outcome)
    AS reason
FROM requests WHERE outcome <> 'ok';

INSERT INTO failure_sums
SELECT step, 'all', 0, ended - ended % length AS start, family, outcome, reason, 0, count(*)
FROM ended, (SELECT 0 AS step, 3600000 AS length UNION ALL SELECT 1, 86400000) GROUP BY step, start, family, outcome, reason
UNION ALL
SELECT 1, 'key', key_id, ended - ended % 86400000 AS start, family, outcome, reason, 0, count(*)
FROM ended WHERE key_id IS NOT NULL GROUP BY key_id, start, family, outcome, reason;
DROP TABLE ended;

INSERT INTO failure_sums
SELECT 1, 'token', token_id, (requests.at + requests.ms) - (requests.at + requests.ms) % 86400000 AS start, attempts.family, attempts.outcome,
  ifnull(attempts.reason, attempts.outcome) AS why, 0, count(*)
FROM attempts JOIN requests ON seq = request WHERE attempts.outcome <> 'ok'
GROUP BY token_id, start, attempts.family, attempts.outcome, why;

-- Made again, with words for more filters: `y` and the hex of the family, `r…` why it failed, `x7` a call of token 7 failed, `x7r…` why.
DROP TABLE request_words;
CREATE VIRTUAL TABLE request_words USING fts5(facets, words, content='', contentless_delete=1, detail=column);

INSERT INTO request_words (rowid, facets, words)
SELECT seq,
  'k' || ifnull(key_id, 0) || ' o' || replace(outcome, '_', '') || iif(outcome = 'ok', '', ' f') || ' d' || ifnull(kind, '') || ' m' || hex(model)
    || iif(family IS NULL, '', ' y' || hex(family))
    || iif(outcome = 'ok', '', ' r' || replace(ifnull(
         (SELECT iif(outcome = 'ok', NULL, ifnull(reason, outcome)) FROM attempts WHERE request = seq ORDER BY position DESC LIMIT 1),
         outcome), '_', ''))
    || ifnull((SELECT group_concat(' t' || token_id || iif(outcome = 'ok', '',
         ' x' || token_id || ' x' || token_id || 'r' || replace(ifnull(reason, outcome), '_', '')), '')
       FROM attempts WHERE request = seq), ''),
  model || ' ' || ifnull(message, '') || ' ' || ifnull(payload ->> '$.prompt', '')
FROM requests;

PRAGMA user_version = 3;
