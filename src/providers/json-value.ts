// Reading JSON of an upstream without trusting its shape.

export type JsonRecord = Record<string, unknown>;

export { isRecord } from "../domain/is-record.ts";

/** The array that a value is, or an empty one. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The value when it is a string that is not empty. */
export const stringOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
