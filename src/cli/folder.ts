// The data folder as a verb uses it, beside a running server or alone.
import { existsSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { type Config, type ConfigInput, loadConfig, withDatabase } from "../config/config.ts";
import { stagedRestore } from "../db/sqlite/backup/restore-notes.ts";
import { isFolderOwned } from "../db/sqlite/lock.ts";
import type { Store } from "../db/store.ts";
import { type Change, createAudit } from "../gateway/audit/audit.ts";
import { FOUND_KEY, readFound } from "../gateway/models/catalogue/found.ts";
import { CatalogueLayers } from "../gateway/models/catalogue/layers.ts";
import { WatchedModelsFile } from "../gateway/models/catalogue/models-file.ts";
import { MODELS_KEY } from "../gateway/models/catalogue/overrides.ts";
import { createSettingsAdmin, type SettingsAdmin } from "../gateway/settings/manage-settings.ts";
import { engineOf, isShared } from "../store-engine.ts";
import { recordChange } from "./audit.ts";
import type { Call, FOLDER_OPTIONS, Io } from "./verb.ts";

type FolderValues = Call<typeof FOLDER_OPTIONS>["values"];

export type Folder = AsyncDisposable & {
  /** With what was edited at run time. */
  config: Config;
  store: Store;
  /** The catalogue with the models file and what was changed in the admin. */
  models: CatalogueLayers;
  /** Settings in the store, as the admin changes them: with an audit log, and a way back. */
  settings: Pick<SettingsAdmin, "applyOther">;
  /** A server that runs takes what was written here into memory by itself (`reload.ts`). */
  refresh(): Promise<void>;
  /** Writes one change down in the audit log; warns when a restore that waits will undo it. */
  record(change: Change): Promise<void>;
};

/** Settings from file, environment and flags. @throws {AppError} `invalid_request` */
export function readConfig(values: FolderValues, io: Io, flags: ConfigInput["flags"] = {}): Config {
  const dataFlag = values.data === undefined ? {} : { "storage.data_dir": values.data };
  return loadConfig({ file: values.config, cwd: io.cwd, env: io.env, flags: { ...flags, ...dataFlag } });
}

/** The absolute path of the data folder. */
export function dataDirOf(config: Config, io: Io): string {
  return resolve(io.cwd, config.settings.storage.data_dir);
}

/** The same with the data folder as an absolute path: a server does not care where it was started from. */
export function withAbsoluteFolder(config: Config, io: Io): Config {
  const { settings } = config;
  return { ...config, settings: { ...settings, storage: { ...settings.storage, data_dir: dataDirOf(config, io) } } };
}

/** @throws {AppError} `invalid_request` for a models file that cannot be read */
function readModels(config: Config, stored: Record<string, unknown>, io: Io): CatalogueLayers {
  const models = new CatalogueLayers({ now: io.now, adoption: () => config.settings.models.adopt });
  const { modelsFile } = config;
  if (modelsFile) models.setFile(new WatchedModelsFile(modelsFile.path, modelsFile.name).read());
  models.setStored(stored[MODELS_KEY], readFound(stored[FOUND_KEY]));
  return models;
}

/** @throws {AppError} `invalid_request` naming the first fault of the models file: path, expected, got */
export function assertModelsFile(config: Config, io: Io): void {
  readModels(config, {}, io);
}

/** The catalogue before a folder is opened, for wrong usage; null where a folder may hold changes to it. @throws as {@link openFolder} */
export function modelsWithoutFolder(values: FolderValues, io: Io): CatalogueLayers | null {
  const config = readConfig(values, io);
  return existsSync(dataDirOf(config, io)) ? null : readModels(config, {}, io);
}

/** Opens the store for one verb; an owned folder is never migrated. Disposing closes it. */
export async function openFolder(values: FolderValues, io: Io): Promise<Folder> {
  const config = withAbsoluteFolder(readConfig(values, io), io);
  const dataDir = config.settings.storage.data_dir;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const store = await engineOf(config, io.env).openStore({ migrate: !isShared(config) && !isFolderOwned(dataDir) });
  const refresh = async () => {};
  const layers = { base: config, merge: (stored: Record<string, unknown>) => withDatabase(config, stored) };
  const stored = await store.readSettings();
  const effective = layers.merge(stored);
  return {
    config: effective,
    store,
    models: readModels(effective, stored, io),
    settings: createSettingsAdmin({ store, layers, audit: createAudit({ store, now: io.now }), refresh, now: io.now }),
    refresh,
    async record(change) {
      await recordChange(store, io.now(), change);
      if (stagedRestore(dataDir, io.now())) io.stderr("A restore waits for the server's next start: it will undo this.\n");
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}
