-- flow2api.db, version 14: which host a webhook goes to, so that one that does not answer is passed over.

-- Host and port; the whole address stays sealed. Empty: queued by an earlier version.
ALTER TABLE deliveries ADD COLUMN host TEXT NOT NULL DEFAULT '';
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (next_at, seq, host, key_id, id) WHERE state = 'waiting';

PRAGMA user_version = 14;
