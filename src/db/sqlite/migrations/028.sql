-- flow2api.db, version 28: the list of what can be undone is read without what was replaced.

ALTER TABLE undo_actions ADD COLUMN head TEXT;

PRAGMA user_version = 28;
