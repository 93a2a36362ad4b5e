// flow2api key create: makes an API key and prints it alone.
import { hashKey } from "../gateway/keys.ts";
import { newKey } from "../ids.ts";
import { openFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "./verb.ts";

export const keyCreate = defineVerb({
  name: "key create",
  summary: "Make an API key for a client; prints it, this once.",
  options: { name: { type: "string", value: "N", help: "whose key it is", required: true }, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    const name = values.name.trim();
    if (name === "") throw usageError("--name: expected a name, got nothing.");
    await using folder = await openFolder(values, io);
    const { key, prefix } = newKey();
    const { id } = await folder.store.insertKey({ name, prefix, hash: hashKey(key) }, io.now());
    io.stdout(`${key}\n`);
    io.stderr(`Key ${id} is stored as a hash: it is shown this once.\n`);
    return 0;
  },
});
