-- flow2api.db, version 9: what held tokens and their groups back, also when it is over.

CREATE TABLE pauses (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Whom it held back: `token 12`, or `group gemini alpha` for a quota that its tokens share.
  subject TEXT NOT NULL,
  -- Whose call met it. A mark, not a reference: the history of a group outlives its tokens.
  token_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  -- Null: all models.
  family TEXT,
  reason TEXT NOT NULL,
  -- Null: until the operator ends it.
  until INTEGER
) STRICT;
CREATE INDEX pauses_by_subject ON pauses (subject, seq);

PRAGMA user_version = 9;
