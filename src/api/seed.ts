// Seed folding: numbers of any width and texts become the signed 32 bits that upstreams take. Pure.
import { mustBe } from "./body/invalid.ts";

const MIN_SEED = -(2 ** 31);
const MAX_SEED = 2 ** 31 - 1;
const BITS = 31;

/** Undefined without a value. @throws {AppError} `invalid_request` unless it is a number or a text */
export function foldSeed(value: unknown, param = "seed"): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return foldNumber(value);
  if (typeof value !== "string") throw mustBe(param, "a whole number or a text", value);
  const text = value.trim();
  if (text === "") return undefined;
  return /^[+-]?\d{1,40}$/.test(text) ? foldInteger(BigInt(text)) : Number(Bun.hash.crc32(text) & MAX_SEED);
}

function foldNumber(value: number): number {
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? foldInteger(BigInt(whole)) : Number(BigInt.asUintN(BITS, BigInt(whole)));
}

/** Values in range stay; of larger ones every bit counts. */
function foldInteger(value: bigint): number {
  if (value >= MIN_SEED && value <= MAX_SEED) return Number(value);
  let bits = BigInt.asUintN(128, value);
  let folded = 0n;
  for (; bits > 0n; bits >>= BigInt(BITS)) folded ^= BigInt.asUintN(BITS, bits);
  return Number(folded);
}
