-- flow2api.db, version 5: who is signed in to the admin, and what was changed there.

-- A session is found by the SHA-256 of its id; the id itself is only in the browser's cookie.
CREATE TABLE sessions (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  address TEXT,
  agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What, not who, is the key: subject is e.g. `token 12`. Before and after are JSON with secrets masked.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  address TEXT,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT,
  after TEXT
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject, id);

PRAGMA user_version = 5;
