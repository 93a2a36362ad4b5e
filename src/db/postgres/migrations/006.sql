-- Version 6: deleted tokens that can be restored, former secrets of keys, actions that can be undone, items of audit entries.
-- A node of an earlier version serves tokens that are deleted meanwhile until it is upgraded, and refuses former secrets.

-- Epoch ms; null: in the pool.
ALTER TABLE tokens ADD COLUMN deleted_at bigint;
CREATE INDEX tokens_deleted ON tokens (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TRIGGER token_deleted AFTER UPDATE ON tokens FOR EACH ROW
WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
EXECUTE FUNCTION count_edit();

-- SHA-256 of secrets that a rotation replaced, valid until then (epoch ms).
CREATE TABLE former_keys (
  hash bytea PRIMARY KEY,
  key_id bigint NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
  prefix text NOT NULL,
  valid_until bigint NOT NULL
);
CREATE INDEX former_keys_by_key ON former_keys (key_id);
CREATE FUNCTION count_key_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE revisions SET keys = keys + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER former_key_edited AFTER INSERT OR UPDATE ON former_keys FOR EACH STATEMENT EXECUTE FUNCTION count_key_edit();

-- Sealed JSON: what an action replaced may hold a proxy's password.
CREATE TABLE undo_actions (
  id text COLLATE "C" PRIMARY KEY,
  at bigint NOT NULL,
  action bytea NOT NULL
);

-- What an audit entry did to each of many subjects.
ALTER TABLE audit ADD COLUMN items integer NOT NULL DEFAULT 0;
CREATE TABLE audit_items (
  audit_id bigint NOT NULL REFERENCES audit (id) ON DELETE CASCADE,
  subject text COLLATE "C" NOT NULL,
  before text,
  after text,
  PRIMARY KEY (subject, audit_id)
);
CREATE INDEX audit_items_by_entry ON audit_items (audit_id, subject);
