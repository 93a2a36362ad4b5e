// The command line: finds the verb, parses its arguments, runs it, and turns failures into one line and an exit code.
import { nearest } from "../config/nearest.ts";
import { adminPassword } from "./admin-password.ts";
import { parseArguments } from "./arguments.ts";
import { backup } from "./backup.ts";
import { checkConfig } from "./check-config.ts";
import { printFailure } from "./failure.ts";
import { healthcheck } from "./healthcheck.ts";
import { GENERAL_USAGE, listHelp, verbHelp } from "./help.ts";
import { keyCreate } from "./key/create.ts";
import { keyList } from "./key/list.ts";
import { keyRevoke } from "./key/revoke.ts";
import { keySet } from "./key/set.ts";
import { migrate } from "./migrate.ts";
import { modelsImport } from "./models/import.ts";
import { modelsList } from "./models/list.ts";
import { importPython } from "./python-import/import.ts";
import { restore } from "./restore.ts";
import { rotateSecretVerb } from "./rotate-secret.ts";
import { demo } from "./serve/demo.ts";
import { serve } from "./serve/serve.ts";
import { simulate } from "./simulate.ts";
import { tokenAdd } from "./token/add.ts";
import { tokenExport } from "./token/export.ts";
import { tokenImport } from "./token/import.ts";
import { tokenList } from "./token/list.ts";
import { tokenRemove } from "./token/remove.ts";
import { tokenSet } from "./token/set.ts";
import { upgrade } from "./upgrade.ts";
import type { Io, Verb } from "./verb.ts";
import { version } from "./version.ts";

/** Every verb, in the order of the help. */
export const VERBS: readonly Verb[] = [
  serve,
  demo,
  simulate,
  tokenAdd,
  tokenList,
  tokenSet,
  tokenRemove,
  tokenImport,
  tokenExport,
  keyCreate,
  keyList,
  keySet,
  keyRevoke,
  modelsList,
  modelsImport,
  adminPassword,
  importPython,
  backup,
  restore,
  migrate,
  rotateSecretVerb,
  healthcheck,
  checkConfig,
  upgrade,
  version,
];

/** Runs one command line (without the program's name). Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. Never throws. */
export async function run(argv: string[], io: Io): Promise<number> {
  const found = findVerb(argv);
  if ("verb" in found) return runVerb(found.verb, found.rest, io);
  if ("help" in found) {
    io.stdout(listHelp(found.help));
    return 0;
  }
  io.stderr(`${found.unknown}\n${GENERAL_USAGE}\n`);
  return 2;
}

type Found = { verb: Verb; rest: string[] } | { help: readonly Verb[] } | { unknown: string };

function findVerb(argv: string[]): Found {
  const [first = "", second = ""] = argv;
  if (["--help", "-h", "help"].includes(first)) return { help: VERBS };
  if (first === "--version") return { verb: version, rest: [] };
  if (first === "" || first.startsWith("-")) return { verb: serve, rest: argv };
  const single = VERBS.find((verb) => verb.name === first);
  if (single) return { verb: single, rest: argv.slice(1) };
  const pair = VERBS.find((verb) => verb.name === `${first} ${second}`);
  if (pair) return { verb: pair, rest: argv.slice(2) };
  const family = VERBS.filter((verb) => verb.name.startsWith(`${first} `));
  if (family.length > 0 && ["--help", "-h"].includes(second)) return { help: family };
  return { unknown: unknownCommand(first, second, family) };
}

function unknownCommand(first: string, second: string, family: Verb[]): string {
  const isWord = second !== "" && !second.startsWith("-");
  if (family.length > 0 && !isWord) return `"${first}" is not a whole command: ${family.map(({ name }) => name).join(", ")}.`;
  const typed = isWord ? `${first} ${second}` : first;
  return `Unknown command "${family.length > 0 ? typed : first}"; nearest is "${nearestVerb(first, typed)}".`;
}

/** By the first word, and where several begin with that by all of them. */
function nearestVerb(first: string, typed: string): string | null {
  const words = VERBS.map(({ name }) => name.split(" ")[0]!);
  const word = nearest(first, words);
  return nearest(
    typed,
    VERBS.flatMap(({ name }, index) => (words[index] === word ? [name] : [])),
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
