-- flow2api.db, version 29: what single sign-on last said of an account: when, and which groups of the lists (JSON array; null: not known).

ALTER TABLE accounts ADD COLUMN vouched_at INTEGER;
ALTER TABLE accounts ADD COLUMN listed_groups TEXT;
UPDATE accounts SET vouched_at = coalesce(signed_in_at, created_at) WHERE source <> 'password';

PRAGMA user_version = 29;
