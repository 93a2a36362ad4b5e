-- flow2api.db, version 12: the names that clients ask for when they upload a file; a key's own, each once.

CREATE TABLE file_names (
  key_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  media_id TEXT NOT NULL UNIQUE REFERENCES media (id) ON DELETE CASCADE,
  PRIMARY KEY (key_id, name)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 12;
