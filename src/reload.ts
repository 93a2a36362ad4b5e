// Keeps what lives in memory in step with the store, also when the command line changes it.
import type { Config } from "./config/config.ts";
import { withDatabase } from "./config/config.ts";
import type { Context } from "./context.ts";
import type { Revisions } from "./db/store.ts";
import { OVERRIDES_KEY } from "./gateway/models/overrides.ts";
import { SIDE_RULES_KEY } from "./gateway/side-calls/rules.ts";
import { createSerial } from "./serial.ts";

/** How often other processes' changes are looked for, in ms. */
const INTERVAL_MS = 1000;

export type Watch = {
  /** Takes what was just written into memory, without waiting for the next look. */
  look(): Promise<void>;
  stop(): void;
};

/** Loads everything once, then again whatever changed. */
export async function watchChanges(ctx: Context, boot: Config): Promise<Watch> {
  const { store, clock, log } = ctx;
  let known: Revisions | null = null;
  let cancel = () => {};
  let stopped = false;
  // An older list never comes after a newer one.
  const oneByOne = createSerial();

  const load = async () => {
    const revisions = await store.revisions();
    if (revisions.tokens !== known?.tokens) await loadTokens(ctx);
    if (revisions.keys !== known?.keys) ctx.keys.load(await store.listKeys(), await store.listKeyHashes());
    if (revisions.settings !== known?.settings) {
      const stored = await store.readSettings();
      ctx.offer.load(stored[OVERRIDES_KEY]);
      ctx.sideCalls.loadRules(stored[SIDE_RULES_KEY]);
      if (known) takeSettings(ctx, withDatabase(boot, stored));
    }
    known = revisions;
  };
  const tick = async () => {
    await oneByOne(load).catch((error) => log.error("Changes could not be read", { error }));
    if (!stopped) cancel = clock.after(INTERVAL_MS, tick);
  };

  await load();
  cancel = clock.after(INTERVAL_MS, tick);
  return {
    look: () => oneByOne(load),
    stop() {
      stopped = true;
      cancel();
    },
  };
}

function takeSettings({ settings, log }: Context, next: Config): void {
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
