// Which responses are compressed, by request header, type and length.
import { expect, test } from "bun:test";
import { compressPage, createFileCompression } from "./compression.ts";

const HTML = { "content-type": "text/html; charset=utf-8" };
const LONG = "<p>the same again</p>".repeat(200);

const asked = (accepts: string, init: RequestInit = {}) =>
  new Request("http://here/admin/x", { ...init, headers: { "accept-encoding": accepts } });
const page = (text = LONG, headers: Record<string, string> = HTML, status = 200) => new Response(text, { status, headers });

test("a long page becomes a short one that says the same, with its status and heads", async () => {
  const response = await compressPage({
    request: asked("br;q=1, gzip;q=0.8"),
    responseValue: page(LONG, { ...HTML, vary: "cookie" }, 422),
  });
  const bytes = await response!.bytes();
  expect(bytes.length).toBeLessThan(LONG.length / 5);
  expect(new TextDecoder().decode(Bun.gunzipSync(bytes))).toBe(LONG);
  expect([response!.status, response!.headers.get("content-encoding"), response!.headers.get("vary")]).toEqual([
    422,
    "gzip",
    "cookie, accept-encoding",
  ]);
  expect(response!.headers.get("content-type")).toBe(HTML["content-type"]);
});

test.each<[string, Request, unknown]>([
  ["a browser that does not ask", asked("br"), page()],
  ["one that refuses", asked("gzip;q=0, identity"), page()],
  ["HEAD", asked("gzip", { method: "HEAD" }), page()],
  ["a live stream", asked("gzip"), page(LONG, { "content-type": "text/event-stream" })],
  ["a picture", asked("gzip"), page(LONG, { "content-type": "image/png" })],
  ["a file to save", asked("gzip"), page(LONG, { "content-type": "text/csv; charset=utf-8" })],
  ["what is compressed already", asked("gzip"), page(LONG, { ...HTML, "content-encoding": "br" })],
  ["a part", asked("gzip"), page(LONG, HTML, 206)],
  ["nothing", asked("gzip"), new Response(null, { status: 204 })],
  ["what is no answer yet", asked("gzip"), "text"],
])("left as it is: %s", async (_, request, responseValue) => {
  expect(await compressPage({ request, responseValue })).toBeUndefined();
});

test("a short page is sent as it is", async () => {
  const response = await compressPage({ request: asked("gzip"), responseValue: page("<p>short</p>") });
  expect([await response!.text(), response!.headers.get("content-encoding")]).toEqual(["<p>short</p>", null]);
});

test("a file is compressed once and read no more", async () => {
  const compress = createFileCompression();
  const style = (text: string) => page(text, { "content-type": "text/css", "cache-control": "immutable", etag: '"whole"' });
  const first = await compress({ request: asked("gzip"), responseValue: style(LONG) });
  const second = await compress({ request: asked("gzip"), responseValue: style("other") });
  expect(new TextDecoder().decode(Bun.gunzipSync(await second!.bytes()))).toBe(LONG);
  expect([first!.headers.get("cache-control"), first!.headers.get("etag")]).toEqual(["immutable", null]);
});
