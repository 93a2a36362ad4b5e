// flow2api key revoke: ends a key for good.
import { AppError } from "../errors.ts";
import { openFolder } from "./folder.ts";
import { readId } from "./option-values.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const keyRevoke = defineVerb({
  name: "key revoke",
  summary: "Revoke a key for good.",
  positionals: ["ID"],
  options: FOLDER_OPTIONS,
  async run({ values, positionals, io }) {
    const id = readId(positionals[0]!, "key list");
    await using folder = await openFolder(values, io);
    const key = (await folder.store.listKeys()).find((row) => row.id === id);
    if (!key) throw new AppError("not_found", `There is no key ${id}.`);
    if (key.revokedAt === null) await folder.store.updateKey(id, { revokedAt: io.now(), enabled: false });
    io.stdout(`Key ${id} is revoked.\n`);
    return 0;
  },
});
