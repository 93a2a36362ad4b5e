// Reloads tokens, keys, settings and the models file into memory when they change, also by the command line.
import { type Repeated, repeat } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { withDatabase } from "./config/config.ts";
import type { Context } from "./context.ts";
import type { Revisions } from "./db/store.ts";
import { AppError } from "./errors.ts";
import { FOUND_KEY, readFound } from "./gateway/models/catalogue/found.ts";
import { WatchedModelsFile } from "./gateway/models/catalogue/models-file.ts";
import { MODELS_KEY } from "./gateway/models/catalogue/overrides.ts";
import { SIDE_RULES_KEY } from "./gateway/side-calls/rules.ts";
import { createSerial } from "./serial.ts";

/** Ms between two checks for changes by other processes. */
const INTERVAL_MS = 1000;

export type Reloader = Repeated & {
  /** Loads what has changed, without waiting for the next check. */
  reload(): Promise<void>;
  /** Loads the tokens, whether or not they were edited. */
  reloadTokens(): Promise<void>;
};

/** Loads everything once, then again whatever has changed. @throws {AppError} for a models file that is wrong at the start */
export async function startReloader(ctx: Context, boot: Config): Promise<Reloader> {
  const { store, clock, log } = ctx;
  let loaded: Revisions | null = null;
  // In order: an older list never replaces a newer one.
  const oneByOne = createSerial();

  const { modelsFile } = boot;
  const file = modelsFile && new WatchedModelsFile(modelsFile.path, modelsFile.name);
  if (file) ctx.models.setFile(file.read());

  const load = async () => {
    if (file && loaded) loadModelsFile(ctx, file);
    const revisions = await store.revisions();
    if (revisions.tokens !== loaded?.tokens) await loadTokens(ctx);
    if (revisions.keys !== loaded?.keys) ctx.keys.load(await store.listKeys(), await store.listKeyHashes());
    if (revisions.settings !== loaded?.settings) {
      const stored = await store.readSettings();
      ctx.sideCalls.loadRules(stored[SIDE_RULES_KEY]);
      if (loaded) applySettings(ctx, withDatabase(boot, stored));
      ctx.models.setStored(stored[MODELS_KEY], readFound(stored[FOUND_KEY]));
    }
    loaded = revisions;
    ctx.modelWatch.check();
  };
  const check = () => oneByOne(load).catch((error) => log.error("Changes could not be read", { error }));

  await load();
  const { stop } = repeat(clock, INTERVAL_MS, check, INTERVAL_MS);
  return { reload: () => oneByOne(load), reloadTokens: () => oneByOne(() => loadTokens(ctx)), stop };
}

function applySettings({ settings, pool, log }: Context, next: Config): void {
  for (const warning of next.warnings) log.warn(warning);
  settings.replace(next.settings);
  pool.refresh();
  log.setLevel(next.settings.log.level);
}

/** What is wrong in the file is logged and shown in the admin; the models stay as they were. */
function loadModelsFile({ models, log }: Context, file: WatchedModelsFile): void {
  try {
    const changed = file.readChange();
    if (changed === undefined) return;
    models.setFile(changed);
    log.info("The models file is in force", { file: file.source, models: changed === null ? "file removed" : "file changed" });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    models.reportFile(error.message);
    log.error("The models file is wrong; the models stay as they were", { problem: error.message });
  }
}

async function loadTokens({ store, pool, tokens, refresher, sharedHealth }: Context): Promise<void> {
  const rows = await store.listTokens();
  tokens.forget();
  pool.load(rows);
  await sharedHealth?.load(rows);
  refresher.load(rows);
}
