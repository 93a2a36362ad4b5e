// A route of the admin's JSON API as data: mounted, guarded and described from the same table.
import { type Static, type TSchema, t } from "elysia";
import type { AdminTokenRow } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { type Validator, validator } from "../body/body.ts";
import { orNull, whole } from "./schemas.ts";

/** A schema of named fields. */
type TObject = ReturnType<typeof t.Object>;

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

/** What a handler gets of its request. */
export type ApiCall<Q = Record<string, never>, B = undefined> = {
  request: Request;
  params: Readonly<Record<string, string>>;
  query: Q;
  body: B;
  token: AdminTokenRow;
  /** Who acts, for the audit log. */
  by: { address: string | null; actor: string };
};

type Described = {
  method: Method;
  /** Below the base, e.g. `/tokens/{id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Of the success. */
  status: 200 | 201 | 202;
  /** JSON; of other types the description says what comes. */
  response: TSchema | { type: string };
  /** Further statuses without a failure, each with what it means. */
  also?: Readonly<Record<number, string>>;
  query?: TObject;
  body?: TObject;
  /** The body is stored as it arrives. */
  upload?: { type: string };
  /** Makes something anew, a secret too: `Idempotency-Key` makes a repetition give the first response, without the fields named here. */
  creates?: { secrets: readonly string[] };
};

export type ApiRoute = Described & {
  readQuery: (params: URLSearchParams) => unknown;
  readBody: Validator<TSchema> | null;
  run(call: ApiCall<never, never>): Promise<unknown>;
};

type Options<Q extends TObject | undefined, B extends TObject | undefined> = Omit<Described, "status" | "query" | "body"> & {
  status?: Described["status"];
  query?: Q;
  body?: B;
  run(
    call: ApiCall<Q extends TObject ? Static<Q> : Record<string, never>, B extends TObject ? Static<B> : undefined>,
  ): Promise<unknown> | unknown;
};

export function route<Q extends TObject | undefined = undefined, B extends TObject | undefined = undefined>(
  options: Options<Q, B>,
): ApiRoute {
  const { query, body, status = 200, run, ...rest } = options;
  const check = query && validator(query);
  const checkBody = body && validator(body as TObject);
  return {
    ...rest,
    status,
    query,
    body,
    readQuery: (params) => {
      const values = valuesOf(params, query);
      return check ? check(values) : values;
    },
    readBody: checkBody
      ? (value) => {
          refuseUnknown(value, body as unknown as Shape, "");
          return checkBody(value);
        }
      : null,
    run: async (call) => run(call as never),
  };
}

type Shape = { type?: string; properties?: Record<string, Shape>; additionalProperties?: unknown; anyOf?: Shape[] };

/** A misspelt field must not be ignored: it would be thought to be set. */
function refuseUnknown(value: unknown, shape: Shape, path: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const object = shape.properties ? shape : shape.anyOf?.find(({ properties }) => properties);
  if (!object?.properties) return;
  for (const [name, inner] of Object.entries(value)) {
    const field = path ? `${path}.${name}` : name;
    const known = object.properties[name];
    if (known) refuseUnknown(inner, known, field);
    else throw unknownField(field, Object.keys(object.properties));
  }
}

function unknownField(field: string, known: readonly string[]): AppError {
  const message = `Unknown field '${field.slice(0, 80)}'. Known here: ${known.length === 0 ? "none" : known.join(", ")}.`;
  return new AppError("invalid_request", message, { param: field.slice(0, 80), reason: "unknown_field" });
}

/** Values of a query string, as the schema has them: numbers and flags from their text. */
function valuesOf(params: URLSearchParams, schema: TObject | undefined): Record<string, unknown> {
  const properties = (schema?.properties ?? {}) as Record<string, Shape>;
  const values: Record<string, unknown> = {};
  for (const [name, text] of params) {
    const shape = properties[name];
    if (!shape) throw unknownField(name, Object.keys(properties));
    values[name] = typed(text, shape);
  }
  return values;
}

function typed(text: string, shape: Shape): unknown {
  const types = [shape, ...(shape.anyOf ?? [])].map(({ type }) => type);
  if ((types.includes("integer") || types.includes("number")) && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** The id in a path. @throws {AppError} `not_found` for what is no id */
export function idOf(params: Readonly<Record<string, string>>, noun: string): number {
  const text = params.id ?? "";
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new AppError("not_found", `There is no ${noun} ${text.slice(0, 80)}.`, { param: "id" });
  return Number(text);
}

/** Fields of every list. */
export const PAGING = {
  limit: t.Optional(whole({ minimum: 1, maximum: 200, description: "Rows of a page; 50 when absent" })),
  cursor: t.Optional(t.String({ minLength: 1, maxLength: 1000, description: "`next` of the page before" })),
};
export const PAGE_ROWS = 50;

/** A page of rows, and the cursor of the next. */
export const pageOf = <T extends TSchema>(row: T) => t.Object({ data: t.Array(row), next: orNull(t.String()) });

/** A cursor that is a number. @throws {AppError} `invalid_request` */
export function numberOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^\d{1,15}$/.test(cursor)) throw badCursor();
  return Number(cursor);
}

export const badCursor = () =>
  new AppError("invalid_request", "cursor must be `next` of the page before.", { param: "cursor", reason: "invalid_value" });

export const TIME = t.String({ format: "date-time" });
export const isoOf = (time: number): string => new Date(time).toISOString();
export const isoOrNull = (time: number | null | undefined): string | null => (typeof time === "number" ? isoOf(time) : null);

/** A time as clients write it. @throws {AppError} `invalid_request` */
export function timeOf(text: string | undefined, field: string): number | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isFinite(time))
    throw new AppError("invalid_request", `${field} must be a time like 2026-11-30T12:00:00Z, got ${JSON.stringify(text.slice(0, 40))}.`, {
      param: field,
      reason: "invalid_value",
    });
  return time;
}
