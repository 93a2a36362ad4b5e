// flow2api rotate-secret: a new secret key for everything that is sealed.
import { rotateSecret } from "../db/sqlite/rotate.ts";
import { refuseShared } from "../store-engine.ts";
import { COMMAND_LINE } from "./audit.ts";
import { dataDirOf, readConfig } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const rotateSecretVerb = defineVerb({
  name: "rotate-secret",
  summary: "Replace the secret key and seal every secret anew; the server must be stopped.",
  options: FOLDER_OPTIONS,
  notes: () =>
    "\nThe new key is made, or taken from FLOW2API_NEW_SECRET_KEY. Where the present one comes from FLOW2API_SECRET_KEY it must be given.\n",
  async run({ values, io }) {
    const config = readConfig(values, io);
    refuseShared(config);
    const trail = { ...COMMAND_LINE, at: io.now(), action: "secret.rotate", subject: "data", before: null, after: null };
    const { values: count, place, restored } = await rotateSecret({ dataDir: dataDirOf(config, io), env: io.env, trail });
    if (restored) io.stdout(`The backup that waited for a start was restored first; what was there before is in ${restored.aside}\n`);
    io.stdout(`${count} values are sealed with the new secret key.\n`);
    if (place === "environment")
      io.stdout("Now put the value of FLOW2API_NEW_SECRET_KEY into FLOW2API_SECRET_KEY, before the next start.\n");
    io.stdout("Backups made before that lack their secret key open with the former one only: make a new backup.\n");
    return 0;
  },
});
