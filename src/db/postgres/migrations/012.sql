-- Version 12: the list of what can be undone is read without what was replaced. Null: written by a build before.

ALTER TABLE undo_actions ADD COLUMN head text;
