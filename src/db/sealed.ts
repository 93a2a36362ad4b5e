// Sealed values: the purposes of the vault.

/** Of tokens. */
export const SECRET = "token-secret";
export const STATE = "token-state";
export const PROXY = "token-proxy";

/** All settings are sealed: which of them is a secret is not known in the store. */
export const SETTING = "setting";

/** Of jobs and webhooks. */
export const URL_OF_JOB = "job_webhook_url";
export const URL_OF_DELIVERY = "delivery_url";
export const URL_OF_KEY = "key_webhook_url";
export const SECRET_OF_KEY = "key_webhook_secret";
export const SCRATCH = "scratch";

/** Of accounts: the secret of one-time codes. */
export const TOTP = "totp";

/** Of alerts. */
export const CONFIG_OF_CHANNEL = "alert_channel";

/** Of actions that can be undone: what they replaced may hold a proxy's password. */
export const UNDO = "undo-action";

/** Every column that holds sealed values, with its row's key and its purpose of the vault; the key check value is the only other one. */
export const SEALED = [
  { table: "tokens", key: "id", column: "secret", purpose: SECRET },
  { table: "tokens", key: "id", column: "state", purpose: STATE },
  { table: "tokens", key: "id", column: "proxy", purpose: PROXY },
  { table: "settings", key: "name", column: "value", purpose: SETTING },
  { table: "accounts", key: "id", column: "totp", purpose: TOTP },
  { table: "jobs", key: "id", column: "webhook_url", purpose: URL_OF_JOB },
  { table: "deliveries", key: "id", column: "url", purpose: URL_OF_DELIVERY },
  { table: "key_webhooks", key: "key_id", column: "url", purpose: URL_OF_KEY },
  { table: "key_webhooks", key: "key_id", column: "secret", purpose: SECRET_OF_KEY },
  { table: "alert_channels", key: "id", column: "config", purpose: CONFIG_OF_CHANNEL },
  { table: "scratch", key: "name", column: "value", purpose: SCRATCH },
  { table: "undo_actions", key: "id", column: "action", purpose: UNDO },
] as const;

/** Key check value: a known text, sealed with the secret key in force. Its fact name, vault purpose and text. */
export const KEY_CHECK = "secret_key_canary";
