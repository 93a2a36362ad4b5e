// flow2api serve, the default verb: prepares the data folder, serves until a signal, stops gracefully.
import { basename } from "node:path";
import type { Config } from "../../config/config.ts";
import { settleFolder } from "../../db/sqlite/backup/restore.ts";
import { acquireFolder } from "../../db/sqlite/lock.ts";
import type { Store } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { KNOWN_DEFAULTS } from "../../gateway/auth/password.ts";
import { hashKey } from "../../gateway/keys/keys.ts";
import type { Log } from "../../log.ts";
import { engineOf, isShared } from "../../store-engine.ts";
import { recordChange } from "../audit.ts";
import { assertModelsFile, readConfig, withAbsoluteFolder } from "../folder.ts";
import { defineVerb, FOLDER_OPTIONS, type Io } from "../verb.ts";
import { prepareFirstStart } from "./first-start.ts";
import { createServerLog, listening, watchEventLoop } from "./listen.ts";
import { warnOfFewCalls } from "./runtime.ts";
import { watchSignals } from "./signals.ts";

export const serve = defineVerb({
  name: "serve",
  summary: "Serve the API and the admin panel until SIGINT or SIGTERM.",
  options: {
    host: { type: "string", value: "H", help: "address to listen on (default: 0.0.0.0)" },
    port: { type: "string", value: "P", help: "port to listen on (default: 8000)" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    const config = withAbsoluteFolder(readConfig(values, io, { "server.host": values.host, "server.port": values.port }), io);
    assertModelsFile(config, io);
    using log = createServerLog(config, io);
    for (const warning of config.warnings) log.warn(warning);
    using signals = watchSignals(io);
    using watchdog = watchEventLoop(config, io, log);
    const { start } = await import("../../server.ts");
    for (let isStopped = false; !isStopped; ) {
      await prepareFolder(config, io, log);
      const restart = Promise.withResolvers<false>();
      const server = await listening(
        start({ config, log, requestWatch: watchdog, restart: () => restart.resolve(false) }),
        config.settings.server,
      );
      warnOfFewCalls(server.context.pool.rows(), io, log);
      isStopped = await Promise.race([signals.stopped.then(() => true), restart.promise]);
      // Clients find it again where it was.
      config.settings.server.port = server.port;
      await server.stop();
      if (!isStopped) log.info("Restarting");
    }
    return 0;
  },
});

/** Before the server takes the folder: nothing that everyone knows opens it, and its owner has a password and a key. */
async function prepareFolder(config: Config, io: Io, log: Log): Promise<void> {
  refuseKnownToken(config);
  const dataDir = config.settings.storage.data_dir;
  using _lock = acquireFolder(dataDir);
  const restored = isShared(config) ? null : settleFolder(dataDir, io.now());
  if (restored) log.info("A backup is restored; what it replaced was moved aside", restored);
  const store = await engineOf(config, io.env).openStore();
  try {
    if (restored)
      await recordChange(store, io.now(), { action: "restore.apply", subject: "data", after: { aside: basename(restored.aside) } });
    await refuseKnownKeys(store);
    await prepareFirstStart(store, io, config.settings, io.now());
  } finally {
    await store.close();
  }
}

function refuseKnownToken({ settings }: Config): void {
  if (!KNOWN_DEFAULTS.includes(settings.server.metrics_token)) return;
  throw new AppError("invalid_request", "server.metrics_token: expected a secret, got one that everyone knows");
}

/** @throws {AppError} `invalid_request` naming the key (never quoting it) */
async function refuseKnownKeys(store: Store): Promise<void> {
  const known = KNOWN_DEFAULTS.map(hashKey);
  const guessable = (await store.listKeyHashes()).filter(({ hash }) => known.some((guess) => crypto.timingSafeEqual(guess, hash)));
  for (const row of await store.listKeys()) {
    if (row.revokedAt !== null || !guessable.some(({ id }) => id === row.id)) continue;
    const remedy = `Run "flow2api key revoke ${row.id}" and "flow2api key create".`;
    throw new AppError("invalid_request", `Key ${row.id} is a default that everyone knows. ${remedy}`);
  }
}
