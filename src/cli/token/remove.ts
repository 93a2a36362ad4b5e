// flow2api token remove: takes a token out of the pool; it can be restored for 30 days, or is erased at once.
import { AppError } from "../../errors.ts";
import { editable } from "../../gateway/tokens/manage-tokens.ts";
import { openFolder } from "../folder.ts";
import { readId } from "../option-values.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const tokenRemove = defineVerb({
  name: "token remove",
  summary: "Take a token out of the pool; the admin can restore it for 30 days.",
  positionals: ["ID"],
  options: { "for-good": { type: "boolean", help: "erase it now, with its secret" }, ...FOLDER_OPTIONS },
  async run({ values, positionals, io }) {
    const id = readId(positionals[0]!, "token list");
    await using folder = await openFolder(values, io);
    const token = (await folder.store.listTokens()).find((row) => row.id === id);
    if (!token) throw new AppError("not_found", `There is no token ${id}.`);
    const forGood = values["for-good"] === true;
    await (forGood ? folder.store.deleteToken(id) : folder.store.setTokensDeleted([id], io.now()));
    const action = forGood ? "token.erase" : "token.delete";
    await folder.record({ action, subject: `token ${id}`, before: { provider: token.provider, ...editable(token) } });
    io.stdout(forGood ? `Token ${id} is erased.\n` : `Token ${id} is removed. The admin can restore it for 30 days.\n`);
    return 0;
  },
});
