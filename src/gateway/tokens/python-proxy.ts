// Proxy addresses in the notations of the Python flow2api, as http(s) or SOCKS5 URLs.

import { readProxy } from "./proxy-address.ts";

/**
 * Reads `host:port`, `host:port:user:password`, `user:password@host:port`, each with or without `http://`, `https://`, `socks5://`,
 * `socks5h://` or the word `st5` of SOCKS5 lists. User and password may hold any character; what is percent-encoded already stays so.
 * @returns the address as a URL without a path; it may carry a password and is never quoted
 * @throws {AppError} `invalid_request` for SOCKS4 and for what is no address
 */
export function readPythonProxy(text: string): string {
  const bare = text.trim().replace(/^st5\s+(?:socks5h?:\/\/)?/i, "socks5://");
  const scheme = /^(?:https?|socks[a-z0-9]*)(?=:\/\/)/i.exec(bare)?.[0] ?? "";
  const rest = (scheme ? bare.slice(scheme.length + 3) : bare.replace(/^\/\//, "")).replace(/\/$/, "");
  const { address, user, password } = splitLogin(rest);
  const login = user === "" ? "" : `${encoded(user)}${password === null ? "" : `:${encoded(password)}`}@`;
  return readProxy(`${scheme.toLowerCase() || "http"}://${login}${address}`);
}

type Parts = { address: string; user: string; password: string | null };

function splitLogin(rest: string): Parts {
  const at = rest.lastIndexOf("@");
  if (at !== -1) return { address: rest.slice(at + 1), ...splitPair(rest.slice(0, at)) };
  const hostEnd = rest.startsWith("[") ? rest.indexOf("]") + 1 : rest.indexOf(":");
  const portEnd = hostEnd <= 0 ? -1 : rest.indexOf(":", hostEnd + 1);
  if (portEnd === -1) return { address: rest, user: "", password: null };
  return { address: rest.slice(0, portEnd), ...splitPair(rest.slice(portEnd + 1)) };
}

function splitPair(login: string): Omit<Parts, "address"> {
  const colon = login.indexOf(":");
  return colon === -1 ? { user: login, password: null } : { user: login.slice(0, colon), password: login.slice(colon + 1) };
}

function encoded(text: string): string {
  try {
    if (decodeURIComponent(text) !== text) return text;
  } catch {
    // A percent sign that encodes nothing.
  }
  return encodeURIComponent(text);
}
