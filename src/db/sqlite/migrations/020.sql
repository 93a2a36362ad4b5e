-- flow2api.db, version 20: where an upstream with locations is to serve a token; null: its default.

ALTER TABLE tokens ADD COLUMN location TEXT;

-- Of 001, with the location among what an operator edits.
DROP TRIGGER token_edited;
CREATE TRIGGER token_edited AFTER UPDATE ON tokens
WHEN (OLD.label, OLD.quota_group, OLD.enabled, OLD.image_enabled, OLD.video_enabled, OLD.image_concurrency, OLD.video_concurrency)
  IS NOT (NEW.label, NEW.quota_group, NEW.enabled, NEW.image_enabled, NEW.video_enabled, NEW.image_concurrency, NEW.video_concurrency)
  OR (OLD.weight, OLD.priority, OLD.allow_families, OLD.deny_families, OLD.proxy, OLD.location, OLD.note, OLD.tags, OLD.caps)
  IS NOT (NEW.weight, NEW.priority, NEW.allow_families, NEW.deny_families, NEW.proxy, NEW.location, NEW.note, NEW.tags, NEW.caps)
BEGIN
  UPDATE revisions SET tokens = tokens + 1;
END;

PRAGMA user_version = 20;
