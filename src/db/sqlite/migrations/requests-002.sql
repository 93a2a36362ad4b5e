-- requests.db, version 2: one index for every filter and for words, and what was asked for where the operator has that recorded.

-- JSON of the prompt and the decoded parameters; null: not recorded.
ALTER TABLE requests ADD COLUMN payload TEXT;

-- Filters are words too (`k3` key, `t7` token, `d…` kind, `o…` outcome, `f` failed, `m` and the hex of the model): any number of them is
-- one walk through sorted lists of positions, newest first, however rare the combination. What stands in it is built in requests.ts.
CREATE VIRTUAL TABLE request_words USING fts5(facets, words, content='', contentless_delete=1, detail=column);

INSERT INTO request_words (rowid, facets, words)
SELECT seq,
  'k' || ifnull(key_id, 0) || ' o' || replace(outcome, '_', '') || iif(outcome = 'ok', '', ' f') || ' d' || ifnull(kind, '') || ' m' || hex(model)
    || ifnull((SELECT group_concat(' t' || token_id, '') FROM attempts WHERE request = seq), ''),
  model || ' ' || ifnull(message, '')
FROM requests;

DROP INDEX requests_by_key;
DROP INDEX requests_by_model;
DROP INDEX requests_by_failure;
DROP INDEX attempts_by_token;

PRAGMA user_version = 2;
