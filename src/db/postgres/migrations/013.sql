-- Version 13: what single sign-on last said of an account: when, and which groups of the lists (JSON array; null: not known).

ALTER TABLE accounts ADD COLUMN vouched_at bigint;
ALTER TABLE accounts ADD COLUMN listed_groups text;
UPDATE accounts SET vouched_at = coalesce(signed_in_at, created_at) WHERE source <> 'password';
