// Form parsing: body size limit, form token, field types, all mistakes at once.

import type { Messages } from "../../views/locales/en.ts";
import type { BodyReader, Form as Multipart } from "../api/body/body.ts";
import { AppError } from "../errors.ts";
import type { MediaStore } from "../gateway/media/contract.ts";

/** A form of text: longest and most fields. Of a signed-in operator ten thousand pasted tokens fit; of a stranger, a login. */
const OPERATOR = { bytes: 32 * 1024 * 1024, fields: 20_000 } as const;
const STRANGER = { bytes: 4 * 1024, fields: 32 } as const;
/** Largest file of a form, in MiB. */
export const MAX_FILE_MB = 100;

/** What is wrong, by field. */
export type Wrong = Record<string, string>;

/** A form with mistakes: shown beside the form, status 422. */
export class FormError extends AppError {
  override name = "FormError";
  constructor(
    message: string,
    readonly wrong: Wrong,
  ) {
    super("invalid_request", message);
  }
}

export type Forms = {
  /** The fields of a form without files. Reading twice gives the same. */
  fields(request: Request): Promise<URLSearchParams>;
  /** A form with files, each a temp file of the media store; those that are not stored are deleted when the response is out. */
  files(request: Request): Promise<Multipart>;
  /** Ends what a request's form still holds. */
  drop(request: Request): Promise<void>;
};

export function createForms({
  bodies,
  media,
  isSignedIn,
}: {
  bodies: BodyReader;
  media: MediaStore;
  isSignedIn(request: Request): boolean;
}): Forms {
  const fieldsOf = new WeakMap<Request, Promise<URLSearchParams>>();
  const filesOf = new WeakMap<Request, Promise<Multipart>>();
  const textOf = new WeakMap<Request, Disposable>();

  const files: Forms["files"] = (request) => {
    const known = filesOf.get(request);
    if (known) return known;
    const reading = isSignedIn(request) ? bodies.form(request, media, MAX_FILE_MB) : Promise.reject(wrongType());
    filesOf.set(request, reading);
    return reading;
  };
  const readText = async (request: Request): Promise<URLSearchParams> => {
    const signedIn = isSignedIn(request);
    if (!signedIn && !isUrlEncoded(request)) throw wrongType();
    const most = signedIn ? OPERATOR : STRANGER;
    const body = await bodies.text(request, most.bytes);
    textOf.set(request, body);
    if (hasMore(body.value, most.fields)) throw new AppError("payload_too_large", `The form has more than ${most.fields} fields.`);
    return new URLSearchParams(body.value);
  };
  return {
    files,
    fields(request) {
      const known = fieldsOf.get(request);
      if (known) return known;
      const reading = isMultipart(request) ? files(request).then((form) => new URLSearchParams(form.fields)) : readText(request);
      fieldsOf.set(request, reading);
      return reading;
    },
    async drop(request) {
      textOf.get(request)?.[Symbol.dispose]();
      const held = await filesOf.get(request)?.catch(() => null);
      await held?.[Symbol.asyncDispose]();
    },
  };
}

const typeOf = (request: Request) => (request.headers.get("content-type") ?? "").toLowerCase();
const isMultipart = (request: Request) => typeOf(request).startsWith("multipart/form-data");
const isUrlEncoded = (request: Request) => /^application\/x-www-form-urlencoded\s*(;|$)/.test(typeOf(request));
const wrongType = () => new AppError("unsupported_media_type", "Send this form as application/x-www-form-urlencoded.");

/** Whether a form has more than `most` fields, counted before any is made. */
function hasMore(text: string, most: number): boolean {
  let fields = 1;
  for (let at = text.indexOf("&"); at >= 0 && fields <= most; at = text.indexOf("&", at + 1)) fields += 1;
  return fields > most;
}

type TextRule = { required?: boolean; max?: number; pattern?: RegExp /** Stored as sent: passwords and secrets. */; verbatim?: boolean };
type NumberRule = { required?: boolean; min?: number; max?: number };

/** Fields of a form as values. Mistakes are gathered; `check` reports them all at once. */
export type FormReader = {
  /** Trimmed; empty when it is missing. */
  text(name: string, rule?: TextRule): string;
  /** Null when the field is empty. */
  whole(name: string, rule?: NumberRule): number | null;
  decimal(name: string, rule?: NumberRule): number | null;
  flag(name: string): boolean;
  choice<const T extends string>(name: string, choices: readonly T[]): T;
  /** Every value of a field that may come often, e.g. selected ids. */
  list(name: string): string[];
  /** Texts of one field, separated by commas or lines. */
  words(name: string, rule?: TextRule): string[];
  has(name: string): boolean;
  /** Adds a mistake that a rule elsewhere found. */
  refuse(name: string, why: string): void;
  /** @throws {FormError} when anything was wrong */
  check(): void;
};

/** Reads the values of `fields`; `t` words the mistakes. */
export function createFormReader(fields: URLSearchParams, t: Messages): FormReader {
  const wrong: Wrong = {};
  const say = t.forms;
  const refuse = (name: string, why: string) => {
    wrong[name] ??= why;
  };
  const number = (name: string, { required, min = 0, max = Number.MAX_SAFE_INTEGER }: NumberRule, isWhole: boolean): number | null => {
    const text = (fields.get(name) ?? "").trim();
    if (text === "") {
      if (required) refuse(name, say.required);
      return null;
    }
    const value = Number(text);
    if (!Number.isFinite(value) || (isWhole && !Number.isInteger(value)) || value < min || value > max)
      refuse(name, (isWhole ? say.whole : say.decimal)(min, max, required === true));
    return value;
  };
  const text: FormReader["text"] = (name, { required, max = 1000, pattern, verbatim } = {}) => {
    const raw = fields.get(name) ?? "";
    const value = verbatim ? raw : raw.trim();
    if (required && value === "") refuse(name, say.required);
    if (value.length > max) refuse(name, say.tooLong(max));
    if (value !== "" && pattern && !pattern.test(value)) refuse(name, say.pattern);
    return value;
  };
  return {
    text,
    whole: (name, rule = {}) => number(name, rule, true),
    decimal: (name, rule = {}) => number(name, rule, false),
    flag: (name) => fields.get(name) === "on",
    choice(name, choices) {
      const value = fields.get(name) ?? "";
      const found = choices.find((choice) => choice === value);
      if (found === undefined) refuse(name, say.choice);
      return found ?? choices[0]!;
    },
    list: (name) => fields.getAll(name),
    words: (name, rule) =>
      text(name, rule)
        .split(/[,\n]/)
        .map((word) => word.trim())
        .filter((word) => word !== ""),
    has: (name) => fields.has(name),
    refuse,
    check() {
      if (Object.keys(wrong).length > 0) throw new FormError(t.errors.form, wrong);
    },
  };
}
