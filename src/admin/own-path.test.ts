// Paths of ours out of texts that browsers send.
import { expect, test } from "bun:test";
import { ownPath, pathOfUrl } from "./own-path.ts";

test.each([
  ["/admin", "/admin"],
  ["/admin/keys?q=1#key-1", "/admin/keys?q=1#key-1"],
  ["/admin?range=7", "/admin?range=7"],
  ["/admin/keys?q=雪", "/admin/keys?q=%E9%9B%AA"],
  ["/admin/keys\r\nx: 1", "/admin/keysx:%201"],
  ["/administrator", "/admin"],
  ["/admin/../x", "/admin"],
  ["//elsewhere/admin", "/admin"],
  ["/\\elsewhere/admin", "/admin"],
  ["\t//elsewhere/admin", "/admin"],
  ["http://elsewhere/admin/keys", "/admin"],
  ["http://own.invalid/admin/keys", "/admin"],
  ["javascript:alert(1)", "/admin"],
  ["keys", "/admin"],
  ["", "/admin"],
  [null, "/admin"],
  [`/admin/${"x".repeat(2000)}`, "/admin"],
])("%p leads to %p", (text, path) => {
  expect(ownPath(text)).toBe(path);
});

test("only pages of a part, where that is asked for", () => {
  const within = { within: /^\/admin\/tokens(\/|$)/, otherwise: "/admin/tokens" };
  expect(ownPath("/admin/tokens/3", within)).toBe("/admin/tokens/3");
  expect(ownPath("/admin/keys", within)).toBe("/admin/tokens");
});

test.each([
  ["http://host:8000/admin/keys?q=1#x", "/admin/keys?q=1"],
  ["https://elsewhere/admin", "/admin"],
  ["https://elsewhere/", null],
  ["/admin/keys", null],
  ["http://[", null],
  [null, null],
])("the URL %p shows the page %p", (url, path) => {
  expect(pathOfUrl(url)).toBe(path);
});
