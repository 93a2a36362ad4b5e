// What a verb of the command line is: its name, its options, and what it may do with the world.
import { AppError } from "../errors.ts";

/** The world as a verb sees it; tests pass their own. */
export type Io = {
  stdout(text: string): void;
  /** False: nobody reads, too much waits, and the text is lost. */
  stderr(text: string): boolean;
  /** All of standard input. */
  stdin(): Promise<string>;
  /** Asks a person at the terminal; what is typed is not shown. */
  ask(question: string): Promise<string>;
  env: Record<string, string | undefined>;
  cwd: string;
  /** Whether standard output is a terminal. */
  isTerminal: boolean;
  /** Epoch ms. */
  now(): number;
  /** Calls `listener` at each SIGINT and SIGTERM, until the result is called. */
  onSignal(listener: () => void): () => void;
  /** Calls `listener` as the process exits, whatever the reason short of a kill; what it does must be synchronous. */
  onExit(listener: () => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
};

export type Option = {
  type: "string" | "boolean";
  /** What stands for the value in the help, e.g. `DIR`; of strings only. */
  value?: string;
  help: string;
  required?: true;
};

export type Options = Record<string, Option>;

type Value<O extends Option> = O["type"] extends "boolean" ? boolean : O extends { required: true } ? string : string | undefined;

export type Call<O extends Options = Options> = {
  values: { [Name in keyof O]: Value<O[Name]> };
  /** As many as the verb names. */
  positionals: string[];
  io: Io;
};

export type Verb = {
  /** One or two words, as typed. */
  name: string;
  /** One sentence for the help. */
  summary: string;
  options: Options;
  /** Names of what follows the verb without a dash, all required. */
  positionals: string[];
  /** More for the help, after the options. */
  notes?(): string;
  /** Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. */
  run(call: Call): Promise<number>;
};

/** A verb whose `run` sees the types of its own options. */
export function defineVerb<const O extends Options>(
  verb: Omit<Verb, "options" | "positionals" | "run"> & { options: O; positionals?: string[]; run(call: Call<O>): Promise<number> },
): Verb {
  return { positionals: [], ...verb } as unknown as Verb;
}

/** Options of every verb that works on a data folder. */
export const FOLDER_OPTIONS = {
  config: { type: "string", value: "FILE", help: "settings file (default: config/setting.toml when it exists)" },
  data: { type: "string", value: "DIR", help: "data folder (default: data)" },
} as const satisfies Options;

/** The caller's mistake: reported in one line with the verb's usage, exit code 2. */
export function usageError(message: string): AppError {
  return new AppError("invalid_request", message, { reason: "usage" });
}
