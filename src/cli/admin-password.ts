// flow2api admin password: sets it, from a terminal or standard input.
import { AppError } from "../errors.ts";
import type { Change } from "../gateway/audit/audit.ts";
import { withLostTokens } from "../gateway/auth/admin-tokens.ts";
import { accountName, refuseWeakPassword, storePassword } from "../gateway/auth/password.ts";
import { openFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS, type Io, usageError } from "./verb.ts";

export const adminPassword = defineVerb({
  name: "admin password",
  summary: "Set the admin password; ends sessions and two-step sign-in of the account.",
  options: {
    name: { type: "string", value: "NAME", help: "account; else that of the first start, admin" },
    "end-tokens": { type: "boolean", help: "also end the account's tokens of the JSON API" },
    password: { type: "string", value: "-", help: "read it from standard input; else it is asked for" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    const password = await readPassword(values.password, io);
    refuseWeakPassword(password);
    await using folder = await openFolder(values, io);
    const name = accountName(values.name ?? "");
    const account = await folder.store.findAccount("password", name);
    if (!account) throw new AppError("not_found", `--name: there is no account ${name} with a password.`);
    await storePassword(folder.store, password, false, account.id);
    // A lost phone must not lock its owner out: who can write to the data folder is the operator.
    const hadTwoStep = account.totpSecret !== null;
    await folder.store.updateAccount(account.id, { totpSecret: null, recoveryHashes: [] });
    // Whoever is signed in signed in with another one.
    await folder.store.deleteSessions({ account: account.id, except: null });
    await folder.record({ action: "password.change", subject: name, ...(hadTwoStep ? { after: { two_step: "off" } } : {}) });
    const tokens = (await folder.store.listAdminTokens()).filter(({ accountId }) => accountId === account.id).length;
    const endTokens = values["end-tokens"] === true && tokens > 0;
    if (endTokens) {
      const audit = { record: (change: Change) => folder.record(change) };
      const why = `${name} has a new password`;
      const end = () => folder.store.deleteAdminTokensOf(account.id);
      await withLostTokens({ store: folder.store, audit }, { account, role: null, why }, { address: null }, end);
    }
    io.stdout(`The password of ${name} is set.${hadTwoStep ? " Two-step sign-in is off." : ""}${aboutTokens(tokens, endTokens)}\n`);
    return 0;
  },
});

const aboutTokens = (count: number, isEnded: boolean): string => {
  if (count === 0) return "";
  return isEnded ? ` Admin tokens ended: ${count}.` : ` Admin tokens that go on working: ${count} (--end-tokens ends them).`;
};

async function readPassword(given: string | undefined, io: Io): Promise<string> {
  if (given === "-") return (await io.stdin()).replace(/\r?\n$/, "");
  if (given !== undefined) throw usageError("--password: expected - (standard input): others can see what is on a command line.");
  if (!io.isTerminal) throw usageError("There is no terminal to ask at: give --password - and the password on standard input.");
  const password = await io.ask("New admin password: ");
  if ((await io.ask("Again: ")) !== password) throw new AppError("invalid_request", "The two passwords differ.");
  return password;
}
