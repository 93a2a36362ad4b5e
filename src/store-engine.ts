// Engine of the store: SQLite in the data folder, or Postgres where `storage.database_url` is set.

import type { Config } from "./config/config.ts";
import { findSetting } from "./config/settings-keys.ts";
import type { BufferOptions } from "./db/request-log/request-buffer.ts";
import { loadSecretKey, parseKey } from "./db/sqlite/secrets.ts";
import { openRequestLog, openStore } from "./db/sqlite/store.ts";
import type { StoreThread } from "./db/sqlite/thread/store-thread.ts";
import type { RequestLog, Store } from "./db/store.ts";
import { AppError } from "./errors.ts";

type Env = Record<string, string | undefined>;

export type StoreEngine = {
  /** 32 bytes; seals what is stored. */
  secretKey: Uint8Array;
  /** Opens what another key has sealed, while the keys of several servers are being changed; null: there is none. */
  secondKey: Uint8Array | null;
  /** With `migrate` false a store that servers of an earlier version use is refused. */
  openStore(options?: { thread?: StoreThread; migrate?: boolean }): Promise<Store>;
  openRequestLog(options: BufferOptions & { thread?: StoreThread }): Promise<RequestLog>;
};

/** Whether the store is in a database of its own, which several servers may share. */
export const isShared = ({ settings }: Pick<Config, "settings">): boolean => settings.storage.database_url !== "";

/**
 * The engine that the settings name.
 * @throws {AppError} `invalid_request` when the secret key is missing or none, `conflict` when a data folder has lost its key
 */
export function engineOf(config: Config, env: Env): StoreEngine {
  return isShared(config) ? postgresEngine(config, env) : sqliteEngine(config.settings.storage.data_dir, env);
}

function sqliteEngine(dataDir: string, env: Env): StoreEngine {
  const secretKey = loadSecretKey(dataDir, env);
  return {
    secretKey,
    secondKey: null,
    openStore: (options) => openStore({ dataDir, secretKey, ...options }),
    openRequestLog: (options) => openRequestLog({ dataDir, ...options }),
  };
}

const SECRET_KEY = "FLOW2API_SECRET_KEY";
const SECOND_KEY = "FLOW2API_SECOND_SECRET_KEY";

function postgresEngine(config: Config, env: Env): StoreEngine {
  const { database_url: url, database_direct_url: directUrl } = config.settings.storage;
  const source = sourceOf(config, "storage.database_url");
  const given = env[SECRET_KEY];
  if (given === undefined)
    throw new AppError(
      "invalid_request",
      `${SECRET_KEY}: expected the secret key that all servers on this database share, because storage.database_url is set (${source}), ` +
        `got nothing. "openssl rand -base64 32" makes one.`,
    );
  const secretKey = parseKey(given, SECRET_KEY);
  const second = env[SECOND_KEY];
  const secondKey = second === undefined || second === "" ? null : parseKey(second, SECOND_KEY);
  const named = <T>(open: () => Promise<T>) => nameServer(`${source}: storage.database_url`, url, open);
  return {
    secretKey,
    secondKey,
    openStore: ({ migrate } = {}) =>
      named(async () => (await import("./db/postgres/store.ts")).openStore({ url, directUrl, secretKey, secondKey, migrate })),
    openRequestLog: (options) =>
      named(async () => (await import("./db/postgres/request-log/request-log.ts")).openRequestLog({ ...options, url, directUrl })),
  };
}

export const IN_POSTGRES =
  "storage.database_url is set: the records are in Postgres. Use its own backups, or the command line: flow2api backup FILE and, into an " +
  "empty database, flow2api restore FILE.";

/** Where the operator has written a setting. */
function sourceOf(config: Config, key: "storage.database_url"): string {
  const origin = config.origins[key];
  if (origin === "file") return config.file ?? "file";
  return origin === "environment" ? findSetting(key)!.environment : origin;
}

/** A server that cannot be reached, or that refuses us, is an error of the setting, at the start. */
async function nameServer<T>(setting: string, url: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof AppError && error.kind !== "unavailable") throw error;
    const { describeServer } = await import("./db/postgres/server.ts");
    throw new AppError("invalid_request", `${setting}: expected ${describeServer(url)}, got: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof AppError ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
