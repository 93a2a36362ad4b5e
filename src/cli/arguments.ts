// Arguments of one verb, parsed strictly.
import { parseArgs } from "node:util";
import { nearest } from "../config/nearest.ts";
import { type Call, type Options, usageError, type Verb } from "./verb.ts";

/** Options that every verb has. */
const HELP = { help: { type: "boolean", short: "h" } } as const;

export type Arguments = Pick<Call, "values" | "positionals"> & { help: boolean };

/** @throws {AppError} reason `usage`: unknown option (with the nearest known one), missing or superfluous value */
export function parseArguments(verb: Verb, argv: string[]): Arguments {
  const args = joinNegativeNumbers(argv, verb.options);
  refuseUnknownOption(args, verb.options);
  const { values, positionals } = parseStrictly(args, verb.options);
  const { help = false, ...given } = values;
  if (!help) refuseMissing(verb, given, positionals);
  return { values: withFlags(verb.options, given), positionals, help: help === true };
}

/** `--image-concurrency -1` becomes `--image-concurrency=-1`: parseArgs takes a bare `-1` for an option. */
function joinNegativeNumbers(argv: string[], options: Options): string[] {
  const joined: string[] = [];
  for (const word of argv) {
    const before = joined.at(-1);
    const takesValue = before?.startsWith("--") && options[before.slice(2)]?.type === "string";
    if (takesValue && /^-\d+$/.test(word)) joined[joined.length - 1] = `${before}=${word}`;
    else joined.push(word);
  }
  return joined;
}

function refuseUnknownOption(args: string[], options: Options): void {
  const known = [...Object.keys(options), "help"];
  const { tokens } = parseArgs({ args, options: { ...options, ...HELP }, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option" || known.includes(token.name)) continue;
    throw usageError(`Unknown option "${token.rawName}"; nearest is "--${nearest(token.name, known)}".`);
  }
}

function parseStrictly(args: string[], options: Options): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  try {
    return parseArgs({ args, options: { ...options, ...HELP }, strict: true, allowPositionals: true });
  } catch (error) {
    throw usageError((error as Error).message.split("\n")[0]!);
  }
}

function refuseMissing(verb: Verb, values: Record<string, unknown>, positionals: string[]): void {
  const missing = Object.entries(verb.options).find(([name, option]) => option.required && values[name] === undefined);
  if (missing) throw usageError(`Missing option "--${missing[0]} ${missing[1].value}".`);
  const expected = verb.positionals;
  if (positionals.length < expected.length) throw usageError(`Missing argument ${expected[positionals.length]}.`);
  if (positionals.length > expected.length) throw usageError(`Unexpected argument after "${verb.name}".`);
}

/** Boolean options that were not given are false. */
function withFlags(options: Options, values: Record<string, string | boolean | undefined>): Call["values"] {
  const flags = Object.entries(options).filter(([, option]) => option.type === "boolean");
  return { ...Object.fromEntries(flags.map(([name]) => [name, false])), ...values } as Call["values"];
}
