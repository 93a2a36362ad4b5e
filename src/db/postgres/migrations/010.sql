-- Version 10: tokens of the admin's JSON API belong to the account that made them, and end with it.

ALTER TABLE admin_tokens ADD COLUMN account_id bigint REFERENCES accounts (id) ON DELETE CASCADE;
CREATE INDEX admin_tokens_by_account ON admin_tokens (account_id);

UPDATE admin_tokens SET account_id = (
  SELECT id FROM accounts
  WHERE admin_tokens.created_by = CASE source WHEN 'password' THEN name WHEN 'oidc' THEN name || ' (OpenID)' ELSE name || ' (proxy)' END
    AND (id = 1 OR created_at <= admin_tokens.created_at)
  ORDER BY id LIMIT 1
);
-- Made by another token: of whoever made that.
UPDATE admin_tokens SET account_id = (
  SELECT maker.account_id FROM admin_tokens maker
  WHERE admin_tokens.created_by = 'token ' || maker.name AND maker.id < admin_tokens.id ORDER BY maker.id LIMIT 1
) WHERE account_id IS NULL;
-- Nobody is left who made it.
DELETE FROM admin_tokens WHERE account_id IS NULL;
