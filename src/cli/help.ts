// Help texts, made from the verbs themselves.
import { rowsText } from "./table.ts";
import type { Option, Verb } from "./verb.ts";

const NAME = "flow2api";

const optionText = ([name, option]: [string, Option]) => `--${name}${option.type === "string" ? ` ${option.value}` : ""}`;

/** As many options fit into a line that is read. */
const SHOWN = 8;

/** One line: how a verb is called. Of many options only those that must be given. */
export function usageLine(verb: Verb): string {
  const entries = Object.entries(verb.options);
  const required = entries.filter(([, option]) => option.required).map(optionText);
  const others = entries.filter(([, option]) => !option.required).map((entry) => `[${optionText(entry)}]`);
  const words = [NAME, verb.name, ...verb.positionals, ...required, ...(entries.length > SHOWN ? ["[options]"] : others)];
  return `Usage: ${words.join(" ")}${entries.length > SHOWN ? "; --help lists the options" : ""}`;
}

export const GENERAL_USAGE = `Usage: ${NAME} [command] [options]; "${NAME} --help" lists the commands`;

/** Help of one verb. */
export function verbHelp(verb: Verb): string {
  const rows = Object.entries(verb.options).map((entry) => [`  ${optionText(entry)}`, entry[1].help]);
  rows.push(["  --help", "this text"]);
  return `${verb.summary}\n\n${usageLine(verb)}\n\nOptions:\n${rowsText(rows)}${verb.notes?.() ?? ""}`;
}

/** The list of `verbs`. */
export function listHelp(verbs: readonly Verb[]): string {
  const rows = verbs.map((verb) => [`  ${verb.name}`, verb.summary]);
  return `${GENERAL_USAGE}\n\nCommands:\n${rowsText(rows)}\nWithout a command: serve. "${NAME} COMMAND --help" lists the options of one.\n`;
}
