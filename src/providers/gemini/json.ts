// Reading JSON of an upstream without trusting its shape.

export type JsonRecord = Record<string, unknown>;

export const isRecord = (value: unknown): value is JsonRecord => typeof value === "object" && value !== null && !Array.isArray(value);

export const arrayOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The value when it is a string that is not empty. */
export const stringOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** A count: proto JSON writes int64 as a string. What is none is 0. */
export function numberOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : 0;
}
