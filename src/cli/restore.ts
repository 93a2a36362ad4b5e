// flow2api restore: takes a backup back, at once or at the server's next start.
import { basename, resolve } from "node:path";
import { restoreBackup } from "../db/sqlite/backup/restore.ts";
import { mediaObjectsOf } from "../gateway/media/media-objects.ts";
import { putMediaFolder } from "../gateway/media/put-media-folder.ts";
import { redactText } from "../log.ts";
import { isShared } from "../store-engine.ts";
import { recordChange } from "./audit.ts";
import { restoreShared } from "./backup-content.ts";
import { dataDirOf, openFolder, readConfig, withAbsoluteFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const restore = defineVerb({
  name: "restore",
  summary: "Take a backup back; what it replaces is moved aside, never deleted.",
  positionals: ["FILE"],
  options: FOLDER_OPTIONS,
  async run({ values, positionals, io }) {
    const config = readConfig(values, io);
    const file = resolve(io.cwd, positionals[0]!);
    if (isShared(config)) return restoreShared(withAbsoluteFolder(config, io), file, io);
    const dataDir = dataDirOf(config, io);
    const objects = mediaObjectsOf(config.settings.storage);
    const takeMedia = objects && ((folder: string) => putMediaFolder(objects, folder));
    const { state, aside, holds } = await restoreBackup({ dataDir, file, env: io.env, now: io.now(), takeMedia });
    for (const part of holds) io.stdout(`${state === "applied" ? "Restored" : "To be restored"}: ${part}\n`);
    if (state === "applied") io.stdout(`What was there before is in ${aside}\n`);
    else io.stdout(`A server uses this folder: restart it to restore, within 24 hours. What is there now will then be in ${aside}\n`);
    try {
      await using folder = await openFolder(values, io);
      const action = state === "applied" ? "restore.apply" : "restore.stage";
      await recordChange(folder.store, io.now(), { action, subject: "data", after: { holds, aside: basename(aside) } });
    } catch (error) {
      // The backup is in its place or on its way; what is there now may be the broken database that it is for.
      io.stderr(`This is not in the audit log: ${redactText(error instanceof Error ? error.message : String(error))}\n`);
    }
    return 0;
  },
});
