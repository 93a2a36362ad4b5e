-- flow2api.db, version 18: bytes of media by owner and origin, so that a start does not add up every row.

-- key_id -1: of no key.
CREATE TABLE media_sums (
  origin TEXT NOT NULL,
  key_id INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (origin, key_id)
) STRICT, WITHOUT ROWID;

INSERT INTO media_sums SELECT origin, ifnull(key_id, -1) AS owner, sum(bytes) FROM media GROUP BY origin, owner;

CREATE TRIGGER media_added AFTER INSERT ON media BEGIN
  INSERT INTO media_sums VALUES (new.origin, ifnull(new.key_id, -1), new.bytes)
  ON CONFLICT (origin, key_id) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER media_removed AFTER DELETE ON media BEGIN
  UPDATE media_sums SET bytes = bytes - old.bytes WHERE origin = old.origin AND key_id = ifnull(old.key_id, -1);
END;

-- Only what is past its time is read by it now.
DROP INDEX media_by_expiry;
CREATE INDEX media_by_expiry ON media (expires_at) WHERE expires_at IS NOT NULL;

PRAGMA user_version = 18;
