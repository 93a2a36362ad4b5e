// flow2api admin password: sets it, from a terminal or standard input.
import { AppError } from "../errors.ts";
import { refuseWeakPassword, storePassword } from "../gateway/auth/password.ts";
import { openFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS, type Io, usageError } from "./verb.ts";

export const adminPassword = defineVerb({
  name: "admin password",
  summary: "Set the admin password; ends every session.",
  options: { password: { type: "string", value: "-", help: "read it from standard input; else it is asked for" }, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    const password = await readPassword(values.password, io);
    refuseWeakPassword(password);
    await using folder = await openFolder(values, io);
    await storePassword(folder.store, password, false);
    // Whoever is signed in signed in with another one.
    await folder.store.deleteSessions(null);
    await folder.record({ action: "password.change", subject: "admin" });
    io.stdout("The admin password is set.\n");
    return 0;
  },
});

async function readPassword(given: string | undefined, io: Io): Promise<string> {
  if (given === "-") return (await io.stdin()).replace(/\r?\n$/, "");
  if (given !== undefined) throw usageError("--password: expected - (standard input): others can see what is on a command line.");
  if (!io.isTerminal) throw usageError("There is no terminal to ask at: give --password - and the password on standard input.");
  const password = await io.ask("New admin password: ");
  if ((await io.ask("Again: ")) !== password) throw new AppError("invalid_request", "The two passwords differ.");
  return password;
}
