// Reading JSON of an upstream without trusting its shape.
export { isRecord, type JsonRecord, listOf as arrayOf, stringOf } from "../json-value.ts";

/** A count: proto JSON writes int64 as a string. What is none is 0. */
export function numberOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : 0;
}
