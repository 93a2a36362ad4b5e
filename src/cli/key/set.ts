// flow2api key set: changes what a key may do and how much.
import { NO_LIMITS } from "../../domain/key.ts";
import { changeKey, readKey } from "../../gateway/keys/manage-keys.ts";
import { modelsWithoutFolder, openFolder } from "../folder.ts";
import { onlyGiven, readEnabled, readId } from "../option-values.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "../verb.ts";
import { assertKnownModels, KEY_OPTIONS, readKeyOptions } from "./options.ts";

export const keySet = defineVerb({
  name: "key set",
  summary: "Change what a key may do; an empty value clears, e.g. --rpm=''.",
  positionals: ["ID"],
  options: {
    name: { type: "string", value: "N", help: "whose key it is" },
    enable: { type: "boolean", help: "let it be used" },
    disable: { type: "boolean", help: "refuse it until it is enabled again" },
    ...KEY_OPTIONS,
    ...FOLDER_OPTIONS,
  },
  async run({ values, positionals, io }) {
    const id = readId(positionals[0]!, "key list");
    const name = values.name?.trim();
    if (name === "") throw usageError("--name: expected a name, got nothing.");
    const enabled = readEnabled(values);
    // Wrong usage is reported before the folder is touched; limits not given are filled in below.
    const requested = onlyGiven({ name, enabled, ...readKeyOptions(values, NO_LIMITS, io.now()) });
    assertKnownModels(modelsWithoutFolder(values, io)?.current(), requested.models);
    await using folder = await openFolder(values, io);
    const { limits } = await readKey(folder.store, id);
    const change = onlyGiven({ name, enabled, ...readKeyOptions(values, limits, io.now()) });
    assertKnownModels(folder.models.current(), change.models);
    await folder.record({ action: "key.update", subject: `key ${id}`, ...(await changeKey(folder, id, change)) });
    io.stdout(`Key ${id} is changed.\n`);
    return 0;
  },
});
