// flow2api key list: the keys, never in full.
import type { KeyRow } from "../../domain/key.ts";
import { openFolder } from "../folder.ts";
import { printableCell, rowsText } from "../table.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const keyList = defineVerb({
  name: "key list",
  summary: "List the keys: id, first characters, name, state.",
  options: { json: { type: "boolean", help: "everything, as JSON" }, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    await using folder = await openFolder(values, io);
    const keys = await folder.store.listKeys();
    const cells = (key: KeyRow) => [`${key.id}`, `${key.prefix}…`, printableCell(key.name), stateOf(key, io.now())];
    io.stdout(values.json ? `${JSON.stringify(keys, null, 2)}\n` : rowsText(keys.map(cells)));
    return 0;
  },
});

function stateOf(key: KeyRow, now: number): string {
  if (key.revokedAt !== null) return "revoked";
  if (!key.enabled) return "disabled";
  return key.expiresAt !== null && key.expiresAt <= now ? "expired" : "active";
}
