// Outgoing proxy addresses in forms, files and on the command line: http(s) or SOCKS5 with an optional login.
import { AppError } from "../../errors.ts";
import { DIRECT, proxyFault } from "../../proxy-address.ts";

/** What is wrong with a field, for people; the value is never quoted. */
export const wrong = (reason: string) => new AppError("invalid_request", reason);

export function text(limit: number) {
  return (value: unknown): string => {
    if (typeof value !== "string" && typeof value !== "number") throw wrong("expected text");
    return `${value}`
      .replace(/\p{Cc}+/gu, " ")
      .trim()
      .slice(0, limit);
  };
}

/** @throws {AppError} `invalid_request` unless it is an http(s) or SOCKS5 address, or the word `direct`; it may carry a password and is never quoted */
export function readProxy(value: unknown): string {
  const address = text(500)(value);
  if (address.toLowerCase() === DIRECT) return DIRECT;
  const fault = proxyFault(address);
  if (fault !== null) throw wrong(fault);
  return address;
}
