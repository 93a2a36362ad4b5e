// flow2api key create: makes an API key with its permissions and limits, and prints it alone.
import { NO_LIMITS } from "../../domain/key.ts";
import { issueKey, newKeyLimits } from "../../gateway/keys/manage-keys.ts";
import { modelsWithoutFolder, openFolder } from "../folder.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "../verb.ts";
import { assertKnownModels, KEY_OPTIONS, readKeyOptions } from "./options.ts";

export const keyCreate = defineVerb({
  name: "key create",
  summary: "Make an API key for a client; prints it, this once.",
  options: { name: { type: "string", value: "N", help: "whose key it is", required: true }, ...KEY_OPTIONS, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    const name = values.name.trim();
    if (name === "") throw usageError("--name: expected a name, got nothing.");
    assertKnownModels(modelsWithoutFolder(values, io)?.current(), readKeyOptions(values, NO_LIMITS, io.now()).models);
    await using folder = await openFolder(values, io);
    const limits = newKeyLimits(folder.config.settings);
    const given = readKeyOptions(values, limits, io.now());
    assertKnownModels(folder.models.current(), given.models);
    const options = { ...given, limits: given.limits ?? limits };
    const { key, row } = await issueKey(folder, { ...options, name }, io.now());
    io.stdout(`${key}\n`);
    io.stderr(`Key ${row.id} is stored as a hash: it is shown this once.\n`);
    await folder.record({ action: "key.create", subject: `key ${row.id}`, after: { ...options, name, prefix: row.prefix } });
    return 0;
  },
});
