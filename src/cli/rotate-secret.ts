// flow2api rotate-secret: a new secret key for everything that is sealed.
import type { Config } from "../config/config.ts";
import { rotateSecret as rotateShared } from "../db/postgres/rotate.ts";
import { rotateSecret } from "../db/sqlite/rotate.ts";
import { AppError } from "../errors.ts";
import { engineOf, isShared } from "../store-engine.ts";
import { COMMAND_LINE } from "./audit.ts";
import { dataDirOf, readConfig } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS, type Io } from "./verb.ts";

export const rotateSecretVerb = defineVerb({
  name: "rotate-secret",
  summary: "Replace the secret key and seal every secret anew; a server on a data folder must be stopped.",
  options: FOLDER_OPTIONS,
  notes: () =>
    "\nThe new key is made, or taken from FLOW2API_NEW_SECRET_KEY. Where the present one comes from FLOW2API_SECRET_KEY it must be given.\n" +
    "With storage.database_url servers go on: give them the new key in FLOW2API_SECOND_SECRET_KEY and restart them one after the other, swap\n" +
    "both and restart them again, run this with the same two, then drop FLOW2API_SECOND_SECRET_KEY.\n",
  async run({ values, io }) {
    const config = readConfig(values, io);
    const trail = { ...COMMAND_LINE, at: io.now(), action: "secret.rotate", subject: "data", before: null, after: null };
    if (isShared(config)) return rotateOnline(config, trail, io);
    const { values: count, place, restored } = await rotateSecret({ dataDir: dataDirOf(config, io), env: io.env, trail });
    if (restored) io.stdout(`The backup that waited for a start was restored first; what was there before is in ${restored.aside}\n`);
    io.stdout(`${count} values are sealed with the new secret key.\n`);
    if (place === "environment")
      io.stdout("Now put the value of FLOW2API_NEW_SECRET_KEY into FLOW2API_SECRET_KEY, before the next start.\n");
    io.stdout("Backups made before that lack their secret key open with the former one only: make a new backup.\n");
    return 0;
  },
});

async function rotateOnline(config: Config, trail: Parameters<typeof rotateShared>[0]["trail"], io: Io): Promise<number> {
  const { secretKey, secondKey, openStore } = engineOf(config, io.env);
  if (secondKey === null)
    throw new AppError(
      "invalid_request",
      "FLOW2API_SECOND_SECRET_KEY: expected the former secret key, which every server has as its second one by now, got nothing.",
    );
  // Brings the schema to this version, and refuses keys that are neither.
  await (await openStore()).close();
  const { database_url: url, database_direct_url: directUrl } = config.settings.storage;
  const { values, twice } = await rotateShared({ url, directUrl, key: secretKey, former: secondKey, trail });
  io.stdout(`${values} values are sealed with the key in FLOW2API_SECRET_KEY.\n`);
  for (const id of twice) io.stderr(`Token ${id} has the same secret as another token of its provider: delete one of them.\n`);
  io.stdout("Now drop FLOW2API_SECOND_SECRET_KEY and restart the servers one after the other.\n");
  return 0;
}
