-- flow2api.db, version 27: tokens of the admin's JSON API belong to the account that made them, and end with it.

ALTER TABLE admin_tokens ADD COLUMN account_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE;
CREATE INDEX admin_tokens_by_account ON admin_tokens (account_id);

-- `created_by` is a name. Everything that it may mean is followed to an account, through as many tokens as made one another;
-- 0: to somebody who is gone. What leads to one account is its own.
WITH RECURSIVE maker (token_id, account_id) AS (
  SELECT token.id, coalesce(account.id, 0) FROM admin_tokens token LEFT JOIN accounts account ON
    token.created_by = CASE account.source WHEN 'password' THEN account.name WHEN 'oidc' THEN account.name || ' (OpenID)' ELSE account.name || ' (proxy)' END
    AND (account.id = 1 OR account.created_at <= token.created_at)
  WHERE account.id IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM admin_tokens former WHERE token.created_by = 'token ' || former.name AND former.id < token.id)
  UNION
  SELECT token.id, maker.account_id FROM maker
    JOIN admin_tokens former ON former.id = maker.token_id
    JOIN admin_tokens token ON token.created_by = 'token ' || former.name AND former.id < token.id
)
UPDATE admin_tokens SET account_id = (
  SELECT nullif(min(maker.account_id), 0) FROM maker WHERE maker.token_id = admin_tokens.id HAVING count(*) = 1
);
-- Nobody is left who made it, or it may be one of several: it would outlast whom it was taken from.
INSERT INTO audit (at, actor, action, subject, before, after)
  SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), 'migration', 'admin_token.revoke', 'admin token ' || id,
    json_object('name', name, 'scope', CASE role WHEN 'viewer' THEN 'read' WHEN 'operator' THEN 'operate' ELSE 'admin' END),
    json_object('account', 'who made it cannot be told: ' || created_by)
  FROM admin_tokens WHERE account_id IS NULL ORDER BY id;
DELETE FROM admin_tokens WHERE account_id IS NULL;

PRAGMA user_version = 27;
