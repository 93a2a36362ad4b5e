-- flow2api.db, version 3: media that a client uploaded as a file, under a name.

-- Null: a result, or a picture that came inside a request.
ALTER TABLE media ADD COLUMN name TEXT;
-- What the client said it is for; told back, nothing else.
ALTER TABLE media ADD COLUMN purpose TEXT;
CREATE INDEX media_files ON media (key_id, created_at) WHERE name IS NOT NULL;

PRAGMA user_version = 3;
