// Schemas that several routes of the admin's JSON API share.
import { type TSchema, t } from "elysia";

/** Elysia's takes numeric text too, and compiles a validator for each schema. */
const INTEGER = (t.Integer() as unknown as { anyOf: TSchema[] }).anyOf.find(({ type }) => type === "integer")!;

/** A whole number, and no text that looks like one. */
export const whole = (options: Parameters<typeof t.Integer>[0] = {}) =>
  ({ ...INTEGER, ...options }) as unknown as ReturnType<typeof t.Integer>;

export const orNull = <T extends TSchema>(schema: T) => t.Union([schema, t.Null()]);

/** One of some words. */
export const oneOf = <const T extends string>(values: readonly T[], options: { description?: string } = {}) =>
  t.Union(
    values.map((value) => t.Literal(value)),
    options,
  ) as unknown as ReturnType<typeof t.Unsafe<T>>;

/** What is sent as it was recorded: no promise about its fields. */
export const ANYTHING = t.Unknown({ description: "As recorded" });

export const USAGE_FIELDS = {
  requests: whole(),
  errors: whole(),
  images: whole(),
  video_seconds: t.Number(),
  usd: t.Number(),
  input_tokens: whole(),
  output_tokens: whole(),
  p50_ms: orNull(t.Number()),
  p95_ms: orNull(t.Number()),
};

type Sums = {
  requests: number;
  errors: number;
  images: number;
  videoSeconds: number;
  usd: number;
  inputTokens: number;
  outputTokens: number;
  p50Ms: number | null;
  p95Ms: number | null;
};

export const showUsage = ({ requests, errors, images, videoSeconds, usd, inputTokens, outputTokens, p50Ms, p95Ms }: Sums) => ({
  ...{ requests, errors, images, video_seconds: videoSeconds, usd, input_tokens: inputTokens, output_tokens: outputTokens },
  ...{ p50_ms: p50Ms, p95_ms: p95Ms },
});
