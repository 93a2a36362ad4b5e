// Fields of the settings schema: text, whole number, flag, choice and list, each with default and description.
import { type TSchema, t } from "elysia";

/** `boot`: read once at start. Everything else takes effect on the next request. */
type Note = {
  boot?: true;
  secret?: true;
  /** What a person is asked to write where type and bounds do not say it. */
  expected?: string;
  /** A rule beyond type and pattern, by its name in settings-check.ts; of a list: for each item. */
  check?: "cidr" | "host" | "postgres" | "proxy" | "url" | "zone";
};

export const text = (fallback: string, description: string, note: Note & { pattern?: string } = {}) =>
  t.String({ default: fallback, description, ...note });
/** Elysia's also takes numeric text, and compiles a validator for each: a third of the time in which the settings are loaded. */
const INTEGER = (t.Integer() as unknown as { anyOf: TSchema[] }).anyOf.find(({ type }) => type === "integer");
export const whole = (fallback: number, [minimum, maximum]: readonly [number, number], description: string, note: Note = {}) =>
  ({ ...INTEGER, default: fallback, minimum, maximum, description, ...note }) as unknown as ReturnType<typeof t.Integer>;
export const flag = (fallback: boolean, description: string, note: Note = {}) => t.Boolean({ default: fallback, description, ...note });
export const choice = <const T extends string>(values: readonly [T, ...T[]], description: string, note: Note = {}) =>
  t.Union(
    values.map((value) => t.Literal(value)),
    { default: values[0], description, ...note },
  ) as unknown as ReturnType<typeof t.Unsafe<T>>;
export const list = (description: string, note: Note = {}) => t.Array(t.String(), { default: [], description, ...note });

/** The name of a header, read at start; empty: none. */
export const headerName = (description: string) =>
  text("", description, { boot: true, pattern: "^[A-Za-z0-9-]*$", expected: "empty, or the name of a header" });

export const HTTP_URL = { pattern: "^https?://[^\\s?#]+$", check: "url", expected: "an http(s) address without query" } as const;
export const POSTGRES_URL = {
  pattern: "^(postgres(ql)?://[^\\s/]+/\\S+)?$",
  check: "postgres",
  expected: "empty, or an address like postgres://host/database",
} as const;
export const OPTIONAL_HTTP_URL = {
  pattern: "^(https?://[^\\s?#]+)?$",
  check: "url",
  expected: "empty, or an http(s) address without query",
} as const;
export const CLOCK_TIME = { pattern: "^(([01]\\d|2[0-3]):[0-5]\\d)?$", expected: "empty, or a time like 22:00" } as const;
