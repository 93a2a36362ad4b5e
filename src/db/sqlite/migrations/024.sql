-- flow2api.db, version 24: accounts of the admin; the first one takes over the password that was a fact.

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  password_hash TEXT,
  password_temporary INTEGER NOT NULL DEFAULT 0,
  -- Sealed.
  totp BLOB,
  totp_step INTEGER NOT NULL DEFAULT 0,
  -- JSON arrays: hashes of recovery codes, networks of sign-ins with the latest last.
  recovery TEXT NOT NULL DEFAULT '[]',
  networks TEXT NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL,
  signed_in_at INTEGER,
  UNIQUE (source, subject)
) STRICT;

INSERT INTO accounts (id, source, subject, name, role, password_hash, password_temporary, created_at)
VALUES (
  1, 'password', 'admin', 'admin', 'admin',
  (SELECT value FROM facts WHERE name = 'admin_password_hash'),
  (SELECT count(*) FROM facts WHERE name = 'admin_password_temporary' AND value = '1'),
  unixepoch() * 1000
);
DELETE FROM facts WHERE name IN ('admin_password_hash', 'admin_password_temporary');

ALTER TABLE sessions ADD COLUMN account_id INTEGER NOT NULL DEFAULT 1;

PRAGMA user_version = 24;
