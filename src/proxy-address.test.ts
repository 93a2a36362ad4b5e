// Which addresses are proxies, which of them are SOCKS5, and which proxy a token's calls take.
import { describe, expect, test } from "bun:test";
import { isSocks, proxyFault, proxyOf, readSocksServer } from "./proxy-address.ts";

test.each([
  "http://h:3128",
  "https://me:secret@proxy.example:8443/",
  "socks5://h:1080",
  "socks5h://me:p%40ss@h:1080",
  "SOCKS5://h",
  "socks://10.0.0.1:1080",
  "socks5://[::1]:1080",
])("%s is a proxy", (address) => expect(proxyFault(address)).toBeNull());

test.each([
  ["socks4://h:1080", "SOCKS4"],
  ["socks4a://me:canary@h:1080", "SOCKS4"],
  ["SOCKS4://h", "SOCKS4"],
  ["socks6://h:1", "expected"],
  ["ftp://h:21", "expected"],
  ["h:1080", "expected"],
  ["me:canary@h:1080", "expected"],
  ["socks5://", "expected"],
  ["socks5://h:99999", "expected"],
  ["socks5://h:1080/path", "expected"],
  ["socks5://h:1080?x=1", "expected"],
  ["socks5://a b:1080", "expected"],
  ["socks5://h%3A1:1080", "expected"],
  ["socks5://me:%E0%A4@h:1080", "expected"],
  ["socks5://:canary@h:1080", "without a user"],
  [`socks5://me:${"x".repeat(256)}@h:1080`, "over 255 bytes"],
  [`socks5://${"%C3%A9".repeat(128)}:x@h:1080`, "over 255 bytes"],
  ["", "expected"],
])("%s is refused and not quoted", (address, words) => {
  expect(proxyFault(address)).toContain(words);
  expect(proxyFault(address)).not.toContain("canary");
});

test.each([
  ["socks5://h", { host: "h", port: 1080, user: "", password: "" }],
  ["socks5h://me:p%40ss%3A@proxy.example:99", { host: "proxy.example", port: 99, user: "me", password: "p@ss:" }],
  ["socks5://me@[fd00::7]:5", { host: "fd00::7", port: 5, user: "me", password: "" }],
])("%s is read", (address, server) => expect(readSocksServer(address)).toEqual(server));

describe("the proxy of a call", () => {
  test.each([
    [null, "", null],
    [null, "socks5://all:1", "socks5://all:1"],
    ["http://own:1", "socks5://all:1", "http://own:1"],
    ["direct", "socks5://all:1", null],
    ["", "socks5://all:1", "socks5://all:1"],
  ])("of a token with %p, where all have %p, is %p", (own, shared, expected) => expect(proxyOf(own, shared)).toBe(expected));
});

test("SOCKS is told from HTTP by its scheme", () => {
  expect(["socks5://h", "SOCKS5H://h", "http://socks5", "https://h"].map(isSocks)).toEqual([true, true, false, false]);
});
