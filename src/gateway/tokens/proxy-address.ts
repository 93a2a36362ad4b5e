// Outgoing proxy addresses: http(s) URLs with an optional login.
import { AppError } from "../../errors.ts";

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

/** @throws {AppError} `invalid_request` unless it is an http(s) address; it may carry a password and is never quoted */
export function readProxy(value: unknown): string {
  const address = text(500)(value);
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol.startsWith("socks")) throw wrong("is SOCKS, which is not supported: give an http(s) proxy");
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw wrong("expected an address like http://proxy.example:3128");
  }
  return address;
}
