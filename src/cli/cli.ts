// The command line: finds the verb, parses its arguments, runs it, and turns failures into one line and an exit code.
import { nearest } from "../config/nearest.ts";
import { parseArguments } from "./arguments.ts";
import { printFailure } from "./failure.ts";
import { GENERAL_USAGE, listHelp, verbHelp } from "./help.ts";
import type { Io, Verb } from "./verb.ts";

/** Every verb by its name, in the order of the help. Loaded alone: a server has no use for the others. */
export const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  serve: async () => (await import("./serve/serve.ts")).serve,
  demo: async () => (await import("./serve/demo.ts")).demo,
  simulate: async () => (await import("./simulate.ts")).simulate,
  "token add": async () => (await import("./token/add.ts")).tokenAdd,
  "token list": async () => (await import("./token/list.ts")).tokenList,
  "token set": async () => (await import("./token/set.ts")).tokenSet,
  "token remove": async () => (await import("./token/remove.ts")).tokenRemove,
  "token import": async () => (await import("./token/import.ts")).tokenImport,
  "token export": async () => (await import("./token/export.ts")).tokenExport,
  "key create": async () => (await import("./key/create.ts")).keyCreate,
  "key list": async () => (await import("./key/list.ts")).keyList,
  "key set": async () => (await import("./key/set.ts")).keySet,
  "key revoke": async () => (await import("./key/revoke.ts")).keyRevoke,
  "models list": async () => (await import("./models/list.ts")).modelsList,
  "models import": async () => (await import("./models/import.ts")).modelsImport,
  "admin password": async () => (await import("./admin-password.ts")).adminPassword,
  import: async () => (await import("./python-import/import.ts")).importPython,
  backup: async () => (await import("./backup.ts")).backup,
  restore: async () => (await import("./restore.ts")).restore,
  migrate: async () => (await import("./migrate.ts")).migrate,
  "rotate-secret": async () => (await import("./rotate-secret.ts")).rotateSecretVerb,
  healthcheck: async () => (await import("./healthcheck.ts")).healthcheck,
  "check-config": async () => (await import("./check-config.ts")).checkConfig,
  upgrade: async () => (await import("./upgrade.ts")).upgrade,
  version: async () => (await import("./version.ts")).version,
};
const NAMES = Object.keys(VERBS);

/** Runs one command line (without the program's name). Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. Never throws. */
export async function run(argv: string[], io: Io): Promise<number> {
  const found = findVerb(argv);
  if ("verb" in found) return runVerb(await VERBS[found.verb]!(), found.rest, io);
  if ("help" in found) {
    io.stdout(listHelp(await Promise.all(found.help.map((name) => VERBS[name]!()))));
    return 0;
  }
  io.stderr(`${found.unknown}\n${GENERAL_USAGE}\n`);
  return 2;
}

type Found = { verb: string; rest: string[] } | { help: readonly string[] } | { unknown: string };

function findVerb(argv: string[]): Found {
  const [first = "", second = ""] = argv;
  if (["--help", "-h", "help"].includes(first)) return { help: NAMES };
  if (first === "--version") return { verb: "version", rest: [] };
  if (first === "" || first.startsWith("-")) return { verb: "serve", rest: argv };
  if (NAMES.includes(first)) return { verb: first, rest: argv.slice(1) };
  const pair = `${first} ${second}`;
  if (NAMES.includes(pair)) return { verb: pair, rest: argv.slice(2) };
  const family = NAMES.filter((name) => name.startsWith(`${first} `));
  if (family.length > 0 && ["--help", "-h"].includes(second)) return { help: family };
  return { unknown: unknownCommand(first, second, family) };
}

function unknownCommand(first: string, second: string, family: readonly string[]): string {
  const isWord = second !== "" && !second.startsWith("-");
  if (family.length > 0 && !isWord) return `"${first}" is not a whole command: ${family.join(", ")}.`;
  const typed = isWord ? `${first} ${second}` : first;
  return `Unknown command "${family.length > 0 ? typed : first}"; nearest is "${nearestVerb(first, typed)}".`;
}

/** By the first word, and where several begin with that by all of them. */
function nearestVerb(first: string, typed: string): string | null {
  const words = NAMES.map((name) => name.split(" ")[0]!);
  const word = nearest(first, words);
  return nearest(
    typed,
    NAMES.filter((_, index) => words[index] === word),
  );
}

async function runVerb(verb: Verb, argv: string[], io: Io): Promise<number> {
  try {
    const { values, positionals, help } = parseArguments(verb, argv);
    if (!help) return await verb.run({ values, positionals, io });
    io.stdout(verbHelp(verb));
    return 0;
  } catch (error) {
    return printFailure(error, verb, io);
  }
}
