-- flow2api.db, version 13: media sums by owner, and the bytes that each key has uploaded in a day.

-- Answers "what is past its time" and, by itself, "how many bytes does each owner hold".
DROP INDEX media_by_expiry;
CREATE INDEX media_by_expiry ON media (expires_at, bytes, origin, key_id);

-- Only rows of days have it.
ALTER TABLE key_usage ADD COLUMN upload_bytes INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 13;
