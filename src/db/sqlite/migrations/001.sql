-- flow2api.db, version 1: tokens, keys, media, settings, facts and the counters that tell of changes.

-- Ids of tokens and keys are never used twice: the request log goes on naming them when they are gone.
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  provider TEXT NOT NULL,
  label TEXT NOT NULL,
  quota_group TEXT,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  image_enabled INTEGER NOT NULL CHECK (image_enabled IN (0, 1)),
  video_enabled INTEGER NOT NULL CHECK (video_enabled IN (0, 1)),
  image_concurrency INTEGER NOT NULL CHECK (image_concurrency >= -1),
  video_concurrency INTEGER NOT NULL CHECK (video_concurrency >= -1),
  weight REAL NOT NULL,
  priority REAL NOT NULL,
  allow_families TEXT NOT NULL,
  deny_families TEXT NOT NULL,
  -- Sealed: a proxy's address may carry a password.
  proxy BLOB,
  note TEXT NOT NULL,
  tags TEXT NOT NULL,
  caps TEXT,
  -- Learned by checks.
  identity TEXT,
  tier INTEGER CHECK (tier IN (0, 1, 2)),
  credits REAL,
  families TEXT,
  checked_at INTEGER,
  renew_before INTEGER,
  -- Sealed secret, its keyed hash (a sealed text never looks the same twice) and what the adapter remembers, sealed.
  secret BLOB NOT NULL,
  secret_mac BLOB NOT NULL,
  state BLOB,
  hint TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (provider, secret_mac)
) STRICT;

-- Apart from tokens: written after every call, and a token's own row is wide.
CREATE TABLE token_health (
  token_id INTEGER PRIMARY KEY REFERENCES tokens (id) ON DELETE CASCADE,
  health TEXT NOT NULL
) STRICT;

CREATE TABLE keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  prefix TEXT NOT NULL,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  models TEXT NOT NULL,
  kinds TEXT NOT NULL,
  addresses TEXT NOT NULL,
  limits TEXT NOT NULL,
  image_form TEXT,
  auxiliary INTEGER CHECK (auxiliary IN (0, 1))
) STRICT;

-- key_id and request_id are marks, not references: media outlive what they came from.
CREATE TABLE media (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  origin TEXT NOT NULL,
  mime TEXT NOT NULL,
  ext TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  width INTEGER,
  height INTEGER,
  key_id INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  request_id TEXT
) STRICT;
-- Bytes of small media: a row costs a tenth of a file. All others lie in media/.
CREATE TABLE media_bytes (
  id TEXT PRIMARY KEY REFERENCES media (id) ON DELETE CASCADE,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX media_by_age ON media (created_at);
-- Answers "what is past its time" and, by itself, "how many bytes are there".
CREATE INDEX media_by_expiry ON media (expires_at, bytes);

-- Values are sealed JSON: some settings are secrets.
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
  tokens INTEGER NOT NULL,
  keys INTEGER NOT NULL,
  settings INTEGER NOT NULL
) STRICT;
INSERT INTO revisions (tokens, keys, settings) VALUES (0, 0, 0);

CREATE TRIGGER token_inserted AFTER INSERT ON tokens BEGIN
  UPDATE revisions SET tokens = tokens + 1;
END;
CREATE TRIGGER token_deleted AFTER DELETE ON tokens BEGIN
  UPDATE revisions SET tokens = tokens + 1;
END;
-- What a check learned and a rotated secret are the server's own writes, and nobody needs to be told.
CREATE TRIGGER token_edited AFTER UPDATE ON tokens
WHEN (OLD.label, OLD.quota_group, OLD.enabled, OLD.image_enabled, OLD.video_enabled, OLD.image_concurrency, OLD.video_concurrency)
  IS NOT (NEW.label, NEW.quota_group, NEW.enabled, NEW.image_enabled, NEW.video_enabled, NEW.image_concurrency, NEW.video_concurrency)
  OR (OLD.weight, OLD.priority, OLD.allow_families, OLD.deny_families, OLD.proxy, OLD.note, OLD.tags, OLD.caps)
  IS NOT (NEW.weight, NEW.priority, NEW.allow_families, NEW.deny_families, NEW.proxy, NEW.note, NEW.tags, NEW.caps)
BEGIN
  UPDATE revisions SET tokens = tokens + 1;
END;

CREATE TRIGGER key_inserted AFTER INSERT ON keys BEGIN
  UPDATE revisions SET keys = keys + 1;
END;
CREATE TRIGGER key_edited AFTER UPDATE ON keys BEGIN
  UPDATE revisions SET keys = keys + 1;
END;

CREATE TRIGGER setting_inserted AFTER INSERT ON settings BEGIN
  UPDATE revisions SET settings = settings + 1;
END;
CREATE TRIGGER setting_edited AFTER UPDATE ON settings BEGIN
  UPDATE revisions SET settings = settings + 1;
END;
CREATE TRIGGER setting_deleted AFTER DELETE ON settings BEGIN
  UPDATE revisions SET settings = settings + 1;
END;

PRAGMA user_version = 1;
