-- flow2api.db, version 11: the bytes of small media in their row, so that keeping one touches a page less of every commit.

-- The last column: what is read of a row without its bytes lies before them. Null: the medium lies in media/.
ALTER TABLE media ADD COLUMN data BLOB;
UPDATE media SET data = (SELECT media_bytes.bytes FROM media_bytes WHERE media_bytes.id = media.id);
DROP TABLE media_bytes;

PRAGMA user_version = 11;
