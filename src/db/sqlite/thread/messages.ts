// Messages between the server and the thread that writes: actions of a batch and their outcomes.
import { AppError, type AppErrorOptions, type ErrorKind } from "../../../errors.ts";
import type { Outcome } from "../writer.ts";

export type FileName = "store" | "requests";

export type ToThread =
  | { open: FileName; file: string /** For what is sealed; the request log has nothing. */; secretKey?: Uint8Array }
  | { close: FileName }
  | Packed;
export type FromThread = { opened: FileName; error?: SentError } | { closed: FileName; error?: SentError } | Packed;

/**
 * A batch of one file. Text is copied many times faster than objects; what is not plain JSON goes beside it. `bytes` are those of all
 * media of the batch, one after the other: one buffer is copied faster than many.
 */
export type Packed = string | { text: string; cloned: unknown[]; bytes?: Uint8Array };

export type SentAction = { action: string; args: readonly unknown[]; durable: boolean };

/** Actions of every request, whose arguments are plain JSON, but for the bytes of a media item: the second of three. */
const PLAIN: ReadonlySet<string> = new Set(["begin", "end", "addUploads", "saveHealth", "insertRequests", "insertMedia"]);

/** An action: its arguments, where they are no plain JSON null; and how many bytes stand in the place of the second. */
type Row = [action: string, durable: 0 | 1, args: readonly unknown[] | null, bytes?: number];

const isPlainValue = (value: unknown) => typeof value !== "object" || value === null;

export function packActions(name: FileName, actions: readonly SentAction[]): Packed {
  const cloned: unknown[] = [];
  const chunks: Uint8Array[] = [];
  const rows: Row[] = [];
  for (const { action, args, durable } of actions) {
    const mark = durable ? 1 : 0;
    if (!PLAIN.has(action)) {
      cloned.push(args);
      rows.push([action, mark, null]);
    } else if (args[1] instanceof Uint8Array) {
      chunks.push(args[1]);
      rows.push([action, mark, [args[0], null, args[2]], args[1].byteLength]);
    } else rows.push([action, mark, args]);
  }
  return pack([name, rows], cloned, chunks);
}

export function unpackActions(packed: Packed): { name: FileName; actions: SentAction[] } {
  const { content, cloned, bytes } = unpack<[FileName, Row[]]>(packed);
  let next = 0;
  let from = 0;
  const actions = content[1].map(([action, durable, plain, length]): SentAction => {
    const args = plain ?? (cloned[next++] as unknown[]);
    if (length === undefined) return { action, args, durable: durable === 1 };
    from += length;
    return { action, args: [args[0], bytes!.subarray(from - length, from), args[2]], durable: durable === 1 };
  });
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

const NO_CHUNKS: readonly Uint8Array[] = [];

function pack(content: unknown, cloned: unknown[], chunks = NO_CHUNKS): Packed {
  const text = JSON.stringify(content);
  if (chunks.length > 0) return { text, cloned, bytes: Buffer.concat(chunks) };
  return cloned.length === 0 ? text : { text, cloned };
}

function unpack<T>(packed: Packed): { content: T; cloned: readonly unknown[]; bytes?: Uint8Array } {
  if (typeof packed === "string") return { content: JSON.parse(packed), cloned: [] };
  return { content: JSON.parse(packed.text), cloned: packed.cloned, bytes: packed.bytes };
}

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
