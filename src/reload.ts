// Reloads tokens, keys and settings into memory when the database changes, also by the command line.
import { type Repeated, repeat } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { withDatabase } from "./config/config.ts";
import type { Context } from "./context.ts";
import type { Revisions } from "./db/store.ts";
import { OVERRIDES_KEY } from "./gateway/models/overrides.ts";
import { SIDE_RULES_KEY } from "./gateway/side-calls/rules.ts";
import { createSerial } from "./serial.ts";

/** Ms between two checks for changes by other processes. */
const INTERVAL_MS = 1000;

export type Reloader = Repeated & {
  /** Loads what has changed, without waiting for the next check. */
  reload(): Promise<void>;
};

/** Loads everything once, then again whatever has changed. */
export async function startReloader(ctx: Context, boot: Config): Promise<Reloader> {
  const { store, clock, log } = ctx;
  let loaded: Revisions | null = null;
  // In order: an older list never replaces a newer one.
  const oneByOne = createSerial();

  const load = async () => {
    const revisions = await store.revisions();
    if (revisions.tokens !== loaded?.tokens) await loadTokens(ctx);
    if (revisions.keys !== loaded?.keys) ctx.keys.load(await store.listKeys(), await store.listKeyHashes());
    if (revisions.settings !== loaded?.settings) {
      const stored = await store.readSettings();
      ctx.offer.load(stored[OVERRIDES_KEY]);
      ctx.sideCalls.loadRules(stored[SIDE_RULES_KEY]);
      if (loaded) applySettings(ctx, withDatabase(boot, stored));
    }
    loaded = revisions;
  };
  const check = () => oneByOne(load).catch((error) => log.error("Changes could not be read", { error }));

  await load();
  const { stop } = repeat(clock, INTERVAL_MS, check, INTERVAL_MS);
  return { reload: () => oneByOne(load), stop };
}

function applySettings({ settings, log }: Context, next: Config): void {
  for (const warning of next.warnings) log.warn(warning);
  settings.replace(next.settings);
  log.setLevel(next.settings.log.level);
}

async function loadTokens({ store, pool, tokens, refresher }: Context): Promise<void> {
  const rows = await store.listTokens();
  tokens.forget();
  pool.load(rows);
  refresher.load(rows);
}
