// Whose word counts about addresses and hosts.
import { expect, test } from "bun:test";
import { clientAddress, inRanges, publicOrigin } from "./address.ts";

test.each([
  ["10.1.2.3", ["10.0.0.0/8"], true],
  ["::ffff:10.1.2.3", ["10.0.0.0/8"], true],
  ["11.1.2.3", ["10.0.0.0/8"], false],
  ["192.0.2.7", ["192.0.2.7"], true],
  ["2001:db8::1", ["2001:db8::/32"], true],
  ["2001:db8::1", ["10.0.0.0/8"], false],
  ["nonsense", ["0.0.0.0/0"], false],
  ["10.1.2.3", ["nonsense"], false],
])("%s in %p is %p", (address, ranges, expected) => expect(inRanges(ranges, address)).toBe(expected));

const forwarded = (value: string) => new Headers({ "x-forwarded-for": value });
test.each([
  ["192.0.2.1", "203.0.113.9", [], "192.0.2.1"],
  ["192.0.2.1", "203.0.113.9", ["192.0.2.1"], "203.0.113.9"],
  ["192.0.2.1", "6.6.6.6, 203.0.113.9", ["192.0.2.1"], "203.0.113.9"],
  ["192.0.2.1", "203.0.113.9, 192.0.2.2", ["192.0.2.0/24"], "203.0.113.9"],
  ["192.0.2.1", "not an address", ["192.0.2.1"], "192.0.2.1"],
  ["198.51.100.1", "203.0.113.9", ["192.0.2.1"], "198.51.100.1"],
])("a connection from %s that forwards for %s, trusting %p, is %s", (peer, list, trusted, expected) =>
  expect(clientAddress(peer, forwarded(list), trusted)).toBe(expected),
);

const origin = (headers: Record<string, string>, settings = {}) =>
  publicOrigin(new Request("http://x", { headers }), "192.0.2.1", { public_url: "", trust_proxy: [], ...settings });

test("links use the configured address before anything else", () => {
  expect(origin({ host: "other" }, { public_url: "https://media.example/base/" })).toBe("https://media.example/base");
});
test("links use the host that the client used", () => expect(origin({ host: "gateway.example:8080" })).toBe("http://gateway.example:8080"));
test("a forwarded host counts behind a trusted proxy only", () => {
  const headers = { host: "inner", "x-forwarded-host": "outer.example", "x-forwarded-proto": "https" };
  expect(origin(headers)).toBe("http://inner");
  expect(origin(headers, { trust_proxy: ["192.0.2.1"] })).toBe("https://outer.example");
});
test.each(["evil.example/path", "a b", 'x"onload', "user@host"])("the host %p is not repeated in a link", (host) => {
  expect(origin({ host })).toBe("http://localhost");
});
