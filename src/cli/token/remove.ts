// flow2api token remove: takes a token out of the pool for good.
import { AppError } from "../../errors.ts";
import { editable } from "../../gateway/tokens/manage-tokens.ts";
import { openFolder } from "../folder.ts";
import { readId } from "../option-values.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const tokenRemove = defineVerb({
  name: "token remove",
  summary: "Take a token out of the pool for good, with its secret.",
  positionals: ["ID"],
  options: FOLDER_OPTIONS,
  async run({ values, positionals, io }) {
    const id = readId(positionals[0]!, "token list");
    await using folder = await openFolder(values, io);
    const token = (await folder.store.listTokens()).find((row) => row.id === id);
    if (!token) throw new AppError("not_found", `There is no token ${id}.`);
    await folder.store.deleteToken(id);
    await folder.record({ action: "token.delete", subject: `token ${id}`, before: { provider: token.provider, ...editable(token) } });
    io.stdout(`Token ${id} is removed.\n`);
    return 0;
  },
});
