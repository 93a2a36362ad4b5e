// Seeds of any width, or of text, as the 32 bits that upstreams take. Pure: the same seed is always the same number.
import { mustBe } from "./body/invalid.ts";

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;
const BITS = 31;

/** Undefined where there is none. @throws {AppError} `invalid_request` for what is neither a number nor a text */
export function foldSeed(value: unknown, param = "seed"): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return foldNumber(value);
  if (typeof value !== "string") throw mustBe(param, "a whole number or a text", value);
  const text = value.trim();
  if (text === "") return undefined;
  return /^[+-]?\d{1,40}$/.test(text) ? foldInteger(BigInt(text)) : Number(Bun.hash.crc32(text) & MOST);
}

function foldNumber(value: number): number {
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? foldInteger(BigInt(whole)) : Number(BigInt.asUintN(BITS, BigInt(whole)));
}

/** What fits stays; of the rest every bit counts. */
function foldInteger(value: bigint): number {
  if (value >= LEAST && value <= MOST) return Number(value);
  let bits = BigInt.asUintN(128, value);
  let folded = 0n;
  for (; bits > 0n; bits >>= BigInt(BITS)) folded ^= BigInt.asUintN(BITS, bits);
  return Number(folded);
}
