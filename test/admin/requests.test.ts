// Request log over HTTP: filters, pagination, live rows, recorded payloads.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { GEMINI, GEMINI_TWO, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { seedUse } from "./seed.ts";

/** A whole gateway starts and stops in each. */
setDefaultTimeout(30_000);

/** Ids of the rows on a page, in order. */
const idsOf = (html: string) => [...html.matchAll(/<tr id="request-([^"]+)"/g)].map((match) => match[1]!);
const page = async (me: SignedIn, query = "") => (await me.get(`/admin/requests${query}`)).text();

/** Reads an event stream until `wanted` has come. */
async function readUntil(response: Response, wanted: RegExp): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!wanted.test(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

const setRecording = async (rig: Rig) => {
  await rig.context.store.writeSettings({ "requests.record_payloads": true });
  const { settings } = rig.context;
  while (!settings.current().requests.record_payloads) await Bun.sleep(20);
};

describe("the list", () => {
  test("goes page after page to the first request, nothing twice", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const rows = await seedUse(rig, { count: 120 });
    const me = await signIn(rig);
    const seen: string[] = [];
    for (let query = ""; ; ) {
      const html = await page(me, query);
      seen.push(...idsOf(html));
      const next = /href="\/admin\/requests(\?[^"]*before=[^"]*)" rel="next"/.exec(html);
      if (!next) break;
      query = next[1]!.replaceAll("&amp;", "&");
    }
    expect(seen).toEqual(rows.map(({ id }) => id).toReversed());
  });

  test("shows what all its filters let through", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const rows = await seedUse(rig, { count: 200 });
    const me = await signIn(rig);
    const expected = (matches: (row: (typeof rows)[number]) => boolean) =>
      rows
        .filter(matches)
        .map(({ id }) => id)
        .toReversed()
        .slice(0, 50);
    const cases: [string, (row: (typeof rows)[number]) => boolean][] = [
      ["?outcome=failed", (row) => row.outcome !== "ok"],
      ["?outcome=content_policy", (row) => row.outcome === "content_policy"],
      ["?kind=video", (row) => row.kind === "video"],
      ["?token=2&outcome=failed", (row) => row.outcome !== "ok" && row.attempts.some(({ tokenId }) => tokenId === 2)],
      ["?q=seconds+result", (row) => row.outcome === "upstream_timeout"],
      ["?model=gemini-3-pro-image", (row) => row.model === "gemini-3-pro-image"],
      [`?q=${rows[7]!.id}`, (row) => row.id === rows[7]!.id],
      ["?key=99", () => false],
    ];
    for (const [query, matches] of cases) expect([query, idsOf(await page(me, query))]).toEqual([query, expected(matches)]);
  });

  test("takes nonsense for nothing", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    for (const query of ["?before=gone", "?from=yesterday&to=tomorrow", "?kind=sound&key=x", `?q=${encodeURIComponent('"OR*')}`])
      expect((await me.get(`/admin/requests${query}`)).status).toBe(200);
  });
});

describe("who follows", () => {
  test("is sent each request as it ends, once, with what came before the connection broke", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    await (await rig.chat()).text();
    const source = /hx-sse:connect="([^"]+)"/.exec(await page(me))![1]!.replaceAll("&amp;", "&");
    const [response] = await Promise.all([me.get(source), rig.chat().then((chat) => chat.text())]);
    const first = await readUntil(response, /<\/tr>/);
    expect(idsOf(first)).toHaveLength(1);
    const id = /^id: (\S+)$/m.exec(first)![1]!;
    expect(idsOf(first)).toEqual([id]);
    await (await rig.chat()).text();
    const again = await readUntil(await me.get(source, { "last-event-id": id }), /<\/tr>/);
    expect(idsOf(again)).toHaveLength(1);
    expect(idsOf(again)).not.toContain(id);
  });

  test("is sent nothing that the filter keeps out, and pauses by a fragment that listens no more", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    expect(await page(me, "?outcome=failed")).toContain("/admin/events/requests?outcome=failed");
    const paused = await (await me.get("/admin/requests/paused?outcome=failed", { "hx-request": "true" })).text();
    expect(paused).not.toContain("sse");
    expect(paused).toContain("/admin/requests?outcome=failed");
  });
});

describe("one request", () => {
  test("has its calls, its result and its money, and no prompt", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    await (await rig.chat({ messages: [{ role: "user", content: "a very secret fox" }] })).text();
    const [row] = await rig.context.requests.list({ limit: 1 });
    const html = await (await me.get(`/admin/requests/${row!.id}`)).text();
    expect(html).toContain(">alpha</a>");
    expect(html).toContain('class="call-bar"');
    expect(html).toContain(`/admin/gallery/${row!.mediaIds[0]}`);
    expect(html).toContain("Prompts and parameters are not recorded.");
    expect(html).not.toContain("secret fox");
    expect((await me.get("/admin/requests/req_none")).status).toBe(404);
  });

  test("has what was asked for where the operator turned that on, and not what was asked before", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    await (await rig.chat({ messages: [{ role: "user", content: "before" }] })).text();
    await setRecording(rig);
    const prompt = `<script>alert(1)</script> ${"fox ".repeat(900)}`;
    await (await rig.chat({ messages: [{ role: "user", content: prompt }] })).text();
    const [latest, earlier] = await rig.context.requests.list({ limit: 2 });
    const html = await (await me.get(`/admin/requests/${latest!.id}`)).text();
    expect(html).toContain("&lt;script>alert(1)");
    expect(html).not.toContain("<script>alert");
    expect((await rig.context.requests.get(latest!.id))?.payload?.prompt).toHaveLength(2000);
    expect(await (await me.get(`/admin/requests/${earlier!.id}`)).text()).toContain(
      "was made while prompts and parameters were not recorded",
    );
  });

  test("of a video has its prompt too", async () => {
    await using rig = await startRig({ clock: hurriedClock() });
    await setRecording(rig);
    const response = await rig.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox that runs", seconds: "8" } });
    const { id } = (await response.json()) as { id: string };
    const never = new AbortController();
    for await (const job of (await rig.context.jobs.watch(id, null, never.signal))!) if (job.endedAt !== null) break;
    const [row] = await rig.context.requests.list({ limit: 1, kind: "video" });
    const { prompt, parameters } = (await rig.context.requests.get(row!.id))!.payload!;
    expect([prompt, parameters.seconds]).toEqual(["a fox that runs", 8]);
  });
});
