// The search over everything: each kind by what one has of it, as a page and as a fragment while one types.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { GEMINI, GEMINI_TWO, startRig } from "../rig.ts";
import { signIn } from "./admin.ts";

setDefaultTimeout(30_000);

describe("the search over everything", () => {
  test("finds prompts with their images, keys, tokens, models, jobs, media and requests", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], settings: { "requests.record_payloads": true } });
    const me = await signIn(rig);
    await (await rig.chat({ messages: [{ role: "user", content: "a lighthouse at dusk" }] })).text();
    const video = await rig.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox", seconds: "8" } });
    const [jobId, requestId] = [((await video.json()) as { id: string }).id, video.headers.get("x-request-id")!];
    const [row] = await rig.context.requests.list({ limit: 1, kind: "image" });
    const found = async (q: string) => (await me.get(`/admin/search?q=${encodeURIComponent(q)}`)).text();
    const cases: [string, string][] = [
      ["lighthouse", `/admin/requests/${row!.id}`],
      ["lighthouse", `/admin/gallery/${row!.mediaIds[0]}`],
      [row!.id.slice(0, 14), `/admin/requests/${row!.id}`],
      [row!.mediaIds[0]!, `/admin/gallery/${row!.mediaIds[0]}`],
      ["DEMO", "/admin/keys/1"],
      ["alph", "/admin/tokens/1"],
      ["nano-banana", "/admin/models/gemini-nano-banana"],
      [jobId, `/admin/jobs/${jobId}`],
      [requestId, `/admin/jobs/${jobId}`],
    ];
    for (const [q, href] of cases) expect(await found(q), q).toContain(`href="${href}`);
    const nothing = await found("<b>zebra");
    expect(nothing).toContain("Nothing holds");
    expect(nothing).not.toContain("<b>zebra");
    expect(await found("é")).toContain("Type at least two characters");
  });

  test("is a page without JavaScript, a part of one with it, and the frame leads to it", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const html = await (await me.get("/admin/search?q=demo")).text();
    expect(html).toStartWith("<!doctype html>");
    expect(html).toContain("Prompts are not recorded.");
    expect(html.match(/action="\/admin\/search"/g)).toHaveLength(2);
    const part = await (await me.get("/admin/search?q=demo", { "hx-request": "true" })).text();
    expect(part).toStartWith('<div id="found"');
  });

  test("from the frame leads straight to the one thing of an id, and to a page by its name", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    await (await rig.chat({})).text();
    const [row] = await rig.context.requests.list({ limit: 1 });
    const where = async (q: string, cookie = me.cookie) =>
      (await me.get(`/admin/search?go=1&q=${encodeURIComponent(q)}`, { cookie })).headers.get("location");
    expect(await where(row!.id)).toBe(`/admin/requests/${row!.id}`);
    expect(await where(row!.mediaIds[0]!)).toBe(`/admin/gallery/${row!.mediaIds[0]}`);
    expect(await where("import tokens")).toBe("/admin/tokens/import");
    expect(await where("结算", `${me.cookie}; locale=zh`)).toBe("/admin/usage/billing");
    expect(await where("demo")).toBeNull();
    for (const href of (await (await me.get("/admin/search?q=o")).text()).matchAll(/<li><a href="(\/admin[^"]*)"/g))
      expect((await me.get(href[1]!)).status, href[1]).toBe(200);
  });
});
