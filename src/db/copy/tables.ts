// Tables as a copy from one engine to the other sees them: keys, names that differ, what is left out. Data.

export type CopiedTable = {
  name: string;
  /** Columns by which rows are read in order and found again. */
  key: readonly string[];
  /** What Postgres calls the table; absent: the same. */
  postgres?: string;
  /** Columns that Postgres calls otherwise: by their name in SQLite. */
  renamed?: Record<string, string>;
  /** Columns of one engine alone, which the copy leaves to their default. */
  left?: readonly string[];
};

/** Parents before their children. */
export const COPIED: readonly CopiedTable[] = [
  { name: "settings", key: ["name"] },
  { name: "facts", key: ["name"] },
  { name: "accounts", key: ["id"] },
  { name: "admin_tokens", key: ["id"] },
  { name: "tokens", key: ["id"] },
  { name: "token_health", key: ["token_id"] },
  { name: "pauses", postgres: "cooldowns", key: ["seq"] },
  { name: "token_beats", key: ["token_id", "place"] },
  { name: "keys", key: ["id"] },
  { name: "key_webhooks", key: ["key_id"] },
  { name: "former_keys", key: ["hash"] },
  { name: "key_usage", key: ["period", "key_id"], left: ["reserved_images", "reserved_video_ms", "reserved_micro_usd"] },
  { name: "usage_hours", key: ["dimension", "subject", "hour", "family"], renamed: { hour: "start" } },
  { name: "usage_days", key: ["dimension", "subject", "day", "family"], renamed: { day: "start" } },
  // `seq` is Postgres' order of insertion; SQLite has its rowid for it.
  { name: "media", key: ["id"], left: ["seq"] },
  { name: "file_names", key: ["key_id", "name"] },
  // The first node takes over what is of no node.
  { name: "reservations", key: ["id"], left: ["node", "periods", "holds_concurrency"] },
  { name: "jobs", key: ["seq"], left: ["node"] },
  { name: "deliveries", key: ["seq"] },
  { name: "idempotency", key: ["key_id", "route", "name"] },
  { name: "responses", key: ["seq"] },
  { name: "undelivered", key: ["id"], left: ["node"] },
  { name: "sessions", key: ["hash"] },
  { name: "audit", key: ["id"] },
  { name: "audit_items", key: ["subject", "audit_id"] },
  { name: "undo_actions", key: ["id"] },
  { name: "alert_channels", key: ["seq"] },
  { name: "incidents", key: ["seq"] },
  { name: "alert_messages", key: ["seq"] },
];

/** Tables that are not copied, and why. */
export const LEFT: Record<string, string> = {
  revisions: "counters of edits, which triggers move",
  media_sums: "sums of the table media, which triggers keep",
  token_calls: "calls that wait to be added up; they are added up before the copy",
  nodes: "servers that run",
  scratch: "what lives for minutes",
  schema_migrations: "versions of the schema",
};

/** Facts of one place: the check of its key, and the marks of a copy. */
export const isOwnFact = (name: string): boolean => name === "secret_key_canary" || name.startsWith("copy.");
