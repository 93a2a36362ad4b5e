// Which requests count as same-origin.
import { expect, test } from "bun:test";
import { isOwnOrigin } from "./same-origin.ts";

const HOST = "gateway.example:8000";
type Case = [name: string, headers: Record<string, string>, own: boolean, publicUrl?: string, forwardedHost?: string];

const CASES: Case[] = [
  ["our own page, over https", { "sec-fetch-site": "same-origin", origin: `https://${HOST}` }, true],
  ["our own page, over http: browsers send no Sec-Fetch there", { origin: `http://${HOST}` }, true],
  ["our own page without an origin", { "sec-fetch-site": "same-origin" }, true],
  ["the host in other letters", { origin: "http://Gateway.Example:8000" }, true],
  ["another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }, false],
  ["another site without Sec-Fetch", { origin: "https://evil.example" }, false],
  ["a sibling host", { "sec-fetch-site": "same-site", origin: "https://other.gateway.example" }, false],
  ["another port", { origin: "http://gateway.example:9000" }, false],
  ["a page that hides where it is from", { origin: "null" }, false],
  ["a hidden page that claims to be ours", { "sec-fetch-site": "same-origin", origin: "null" }, false],
  ["typed into the address bar", { "sec-fetch-site": "none" }, false],
  ["no browser at all", {}, false],
  ["an origin that is no address", { origin: "gateway.example:8000" }, false],
  ["the public address behind a proxy that renames us", { origin: "https://public.example" }, true, "https://public.example/base"],
  ["the host that a trusted proxy was asked for", { origin: "https://front.example" }, true, "", "front.example"],
];

test.each(CASES)("%s", (_name, headers, own, publicUrl = "", forwardedHost) => {
  const request = { method: "POST", headers: new Headers({ host: HOST, ...headers }) };
  expect(isOwnOrigin(request, publicUrl, forwardedHost ?? null)).toBe(own);
});
