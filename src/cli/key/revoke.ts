// flow2api key revoke: ends a key; the admin can restore it for 30 days.
import { deleteKey } from "../../gateway/keys/delete-key.ts";
import { readKey } from "../../gateway/keys/manage-keys.ts";
import { openFolder } from "../folder.ts";
import { readId } from "../option-values.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const keyRevoke = defineVerb({
  name: "key revoke",
  summary: "Revoke a key: no request with it is answered. The admin can restore it for 30 days.",
  positionals: ["ID"],
  options: FOLDER_OPTIONS,
  async run({ values, positionals, io }) {
    const id = readId(positionals[0]!, "key list");
    await using folder = await openFolder(values, io);
    const isRevoked = (await readKey(folder.store, id)).revokedAt !== null;
    if (!isRevoked) {
      const change = await deleteKey(folder, id, io.now());
      await folder.record({ action: "key.delete", subject: `key ${id}`, ...change });
    }
    io.stdout(`Key ${id} is revoked.\n`);
    return 0;
  },
});
