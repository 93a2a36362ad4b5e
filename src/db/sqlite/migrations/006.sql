-- flow2api.db, version 6: what the gallery and the page of jobs are searched by.

-- Family that made a result; null: an input, or made before this was kept.
ALTER TABLE media ADD COLUMN family TEXT;
-- Pages newest first, and by itself enough to pass over what a filter leaves out: rows are read only for what is shown.
CREATE INDEX media_shown ON media (origin, created_at, id, kind, key_id, family);
CREATE INDEX jobs_by_state ON jobs (state, seq);

PRAGMA user_version = 6;
