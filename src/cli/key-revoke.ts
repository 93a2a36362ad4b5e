// flow2api key revoke: ends a key for good.
import { AppError } from "../errors.ts";
import { openFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "./verb.ts";

export const keyRevoke = defineVerb({
  name: "key revoke",
  summary: "Revoke a key for good.",
  positionals: ["ID"],
  options: FOLDER_OPTIONS,
  async run({ values, positionals, io }) {
    if (!/^[1-9]\d{0,14}$/.test(positionals[0]!)) throw usageError("ID: expected the number that key list shows.");
    const id = Number(positionals[0]);
    await using folder = await openFolder(values, io);
    const key = (await folder.store.listKeys()).find((row) => row.id === id);
    if (!key) throw new AppError("not_found", `There is no key ${id}.`);
    if (key.revokedAt === null) await folder.store.updateKey(id, { revokedAt: io.now(), enabled: false });
    io.stdout(`Key ${id} is revoked.\n`);
    return 0;
  },
});
