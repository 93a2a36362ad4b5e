-- flow2api.db, version 25: deleted tokens that can be restored, former secrets of keys, actions that can be undone, items of audit entries.

-- Epoch ms; null: in the pool.
ALTER TABLE tokens ADD COLUMN deleted_at INTEGER;
CREATE INDEX tokens_deleted ON tokens (deleted_at) WHERE deleted_at IS NOT NULL;

-- Deletions that an earlier version had pending: `enabled` names those that were enabled before.
UPDATE tokens SET
  deleted_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
  enabled = id IN (
    SELECT one.value FROM facts, json_each(facts.value) AS deletion, json_each(deletion.value, '$.enabled') AS one
    WHERE facts.name = 'token_removals')
WHERE id IN (
  SELECT one.value FROM facts, json_each(facts.value) AS deletion, json_each(deletion.value, '$.ids') AS one
  WHERE facts.name = 'token_removals');
DELETE FROM facts WHERE name = 'token_removals';

-- Of 020, with the deletion among what an operator edits.
DROP TRIGGER token_edited;
CREATE TRIGGER token_edited AFTER UPDATE ON tokens
WHEN (OLD.label, OLD.quota_group, OLD.enabled, OLD.image_enabled, OLD.video_enabled, OLD.image_concurrency, OLD.video_concurrency, OLD.deleted_at)
  IS NOT (NEW.label, NEW.quota_group, NEW.enabled, NEW.image_enabled, NEW.video_enabled, NEW.image_concurrency, NEW.video_concurrency, NEW.deleted_at)
  OR (OLD.weight, OLD.priority, OLD.allow_families, OLD.deny_families, OLD.proxy, OLD.location, OLD.note, OLD.tags, OLD.caps)
  IS NOT (NEW.weight, NEW.priority, NEW.allow_families, NEW.deny_families, NEW.proxy, NEW.location, NEW.note, NEW.tags, NEW.caps)
BEGIN
  UPDATE revisions SET tokens = tokens + 1;
END;

-- SHA-256 of secrets that a rotation replaced, valid until then (epoch ms).
CREATE TABLE former_keys (
  hash BLOB PRIMARY KEY,
  key_id INTEGER NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
  prefix TEXT NOT NULL,
  valid_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX former_keys_by_key ON former_keys (key_id);
CREATE TRIGGER former_key_inserted AFTER INSERT ON former_keys BEGIN
  UPDATE revisions SET keys = keys + 1;
END;
CREATE TRIGGER former_key_edited AFTER UPDATE ON former_keys BEGIN
  UPDATE revisions SET keys = keys + 1;
END;

-- Sealed JSON: what an action replaced may hold a proxy's password.
CREATE TABLE undo_actions (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  action BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What an audit entry did to each of many subjects.
ALTER TABLE audit ADD COLUMN items INTEGER NOT NULL DEFAULT 0;
CREATE TABLE audit_items (
  audit_id INTEGER NOT NULL REFERENCES audit (id) ON DELETE CASCADE,
  subject TEXT NOT NULL,
  before TEXT,
  after TEXT,
  PRIMARY KEY (subject, audit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_items_by_entry ON audit_items (audit_id, subject);

PRAGMA user_version = 25;
