// Messages between the server and the thread that writes: actions of a batch and their outcomes.
import { AppError, type AppErrorOptions, type ErrorKind } from "../../../errors.ts";
import type { Outcome } from "../writer.ts";

export type FileName = "store" | "requests";

export type ToThread =
  | { open: FileName; file: string /** For what is sealed; the request log has nothing. */; secretKey?: Uint8Array }
  | { close: FileName }
  | Packed;
export type FromThread = { opened: FileName; error?: SentError } | { closed: FileName; error?: SentError } | Packed;

/** A batch of one file. Text is copied many times faster than objects; what is not plain JSON goes beside it. */
export type Packed = string | { text: string; cloned: unknown[] };

export type SentAction = { action: string; args: readonly unknown[]; durable: boolean };

/** Actions of every request, whose arguments are plain JSON. */
const PLAIN: ReadonlySet<string> = new Set(["begin", "end", "addUploads", "saveHealth", "insertRequests"]);

const isPlainAction = ({ action, args }: SentAction) => PLAIN.has(action) || (action === "insertMedia" && args[1] === null);
const isPlainValue = (value: unknown) => typeof value !== "object" || value === null;

export function packActions(name: FileName, actions: readonly SentAction[]): Packed {
  const cloned: unknown[] = [];
  const rows: unknown[] = [];
  for (const sent of actions) {
    const durable = sent.durable ? 1 : 0;
    const isPlain = isPlainAction(sent);
    if (!isPlain) cloned.push(sent.args);
    rows.push(isPlain ? [sent.action, durable, sent.args] : [sent.action, durable]);
  }
  return pack([name, rows], cloned);
}

export function unpackActions(packed: Packed): { name: FileName; actions: SentAction[] } {
  const { content, cloned } = unpack<[FileName, [string, number, unknown[]?][]]>(packed);
  let next = 0;
  const actions = content[1].map(([action, durable, args]) => ({
    action,
    durable: durable === 1,
    args: args ?? (cloned[next++] as unknown[]),
  }));
  return { name: content[0], actions };
}

type SentOutcome = ["", unknown?] | ["cloned", undefined?] | ["error", SentError];

/** @param actions what the outcomes are of, in the same order */
export function packOutcomes(name: FileName, actions: readonly SentAction[], outcomes: readonly Outcome[]): Packed {
  const cloned: unknown[] = [];
  const rows = outcomes.map((outcome, index): SentOutcome => {
    if ("error" in outcome) return ["error", sendError(outcome.error)];
    const { value } = outcome;
    if (value === undefined) return [""];
    if (isPlainValue(value) || PLAIN.has(actions[index]!.action)) return ["", value];
    cloned.push(value);
    return ["cloned"];
  });
  return pack([name, rows], cloned);
}

export function unpackOutcomes(packed: Packed): { name: FileName; outcomes: Outcome[] } {
  const { content, cloned } = unpack<[FileName, SentOutcome[]]>(packed);
  let next = 0;
  const outcomes: Outcome[] = [];
  for (const [how, value] of content[1]) {
    if (how === "error") outcomes.push({ error: receiveError(value) });
    else outcomes.push({ value: how === "cloned" ? cloned[next++] : value });
  }
  return { name: content[0], outcomes };
}

const pack = (content: unknown, cloned: unknown[]): Packed => {
  const text = JSON.stringify(content);
  return cloned.length === 0 ? text : { text, cloned };
};

const unpack = <T>(packed: Packed): { content: T; cloned: readonly unknown[] } =>
  typeof packed === "string" ? { content: JSON.parse(packed), cloned: [] } : { content: JSON.parse(packed.text), cloned: packed.cloned };

/** An error as plain JSON: a copy by the runtime would lose its kind and its code. */
export type SentError = { name: string; message: string; stack?: string; code?: string; app?: AppErrorOptions & { kind: ErrorKind } };

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  if (error instanceof AppError) return { name, message, app: { ...error } };
  const code = "code" in error ? String(error.code) : undefined;
  return { name, message, stack, code };
}

export function receiveError({ name, message, stack, code, app }: SentError): Error {
  if (app) return new AppError(app.kind, message, app);
  return Object.assign(new Error(message), { name, stack, ...(code === undefined ? {} : { code }) });
}
