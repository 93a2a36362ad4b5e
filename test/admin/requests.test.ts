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
    expect(paused).not.toContain("hx-sse");
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
    expect(html).toContain('class="fall"');
    expect(html).toContain("Served: 1 image in ");
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

  test("that failed is told in words, in both languages, with the word of the vendor beside them", async () => {
    await using rig = await startRig({ tokens: [GEMINI] });
    const me = await signIn(rig);
    const [row] = await seedUse(rig, { count: 1 });
    const attempt = { ...row!.attempts[0]!, outcome: "upstream_quota", reason: "per_day", upstreamStatus: 429 };
    rig.context.requests.append({ ...row!, id: "req_quota", outcome: "no_token", message: "No token.", attempts: [attempt] });
    rig.context.requests.append({ ...row!, id: "req_policy", outcome: "content_policy", message: "PROHIBITED_CONTENT", attempts: [] });
    const html = async (id: string, locale: string) =>
      (await me.get(`/admin/requests/${id}`, { cookie: `${me.cookie}; locale=${locale}` })).text();
    const english = await html("req_quota", "en");
    expect(english).toContain("No token could serve this request: all that have the model were cooling");
    expect(english).toContain("The limit per day of the token's project is used up");
    expect(await html("req_quota", "zh")).toContain("没有令牌可以处理此请求");
    expect(await html("req_policy", "en")).toContain("prohibited content");
    expect(await html("req_policy", "zh")).toMatch(/违禁内容.*Google 的原词：PROHIBITED_CONTENT/s);
    for (const text of [english, await html("req_policy", "zh")]) expect(text).not.toMatch(/>(?!req_)[a-z]+_[a-z_]+</);
  });

  test("counts those that failed alike that day, each hour and token a link to them", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const me = await signIn(rig);
    const { requests, clock } = rig.context;
    const now = clock.now();
    const call = (tokenId: number) => ({
      ...{
        tokenId,
        provider: "gemini",
        family: "f",
        startedAt: now,
        ms: 5,
        outcome: "upstream_quota",
        reason: "per_day",
        upstreamStatus: 429,
      },
    });
    const alike = (id: string, tokens: number[]) =>
      requests.append({
        ...{
          id,
          at: now - 10,
          ms: 5,
          dialect: "openai",
          route: "r",
          keyId: 1,
          model: "m",
          family: "f",
          kind: "image",
          outcome: "no_token",
        },
        ...{ message: null, images: 0, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false, mediaIds: [] },
        attempts: tokens.map(call),
      });
    alike("req_alike1", [1]);
    alike("req_alike2", [1, 2]);
    const html = await (await me.get("/admin/requests/req_alike1")).text();
    const all = /href="(\/admin\/requests\?[^"]+)">All 2</.exec(html)![1]!.replaceAll("&amp;", "&");
    expect(idsOf(await (await me.get(all)).text())).toEqual(["req_alike2", "req_alike1"]);
    const ofTwo = /href="(\/admin\/requests\?token=2[^"]+)">1</.exec(html)![1]!.replaceAll("&amp;", "&");
    expect(idsOf(await (await me.get(ofTwo)).text())).toEqual(["req_alike2"]);
    const hour = /<a href="(\/admin\/requests\?[^"]+)" aria-label="\d\d:00: 2"/.exec(html)![1]!.replaceAll("&amp;", "&");
    expect(idsOf(await (await me.get(hour)).text())).toEqual(["req_alike2", "req_alike1"]);
  });
});

describe("a request without an end", () => {
  test("has a page while its job runs, and where nobody knows whether it was charged", async () => {
    await using rig = await startRig({ clock: hurriedClock() });
    await setRecording(rig);
    const me = await signIn(rig);
    const response = await rig.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox that runs", seconds: "8" } });
    const requestId = response.headers.get("x-request-id")!;
    const { id } = (await response.json()) as { id: string };
    const running = await (await me.get(`/admin/requests/${requestId}`)).text();
    expect(running).toContain(`/admin/jobs/${id}`);
    expect(running).toContain("It still runs.");
    expect(running).toContain("a fox that runs");
    expect(running).toMatch(/up to \$\d/);
    const never = new AbortController();
    for await (const job of (await rig.context.jobs.watch(id, null, never.signal))!) if (job.endedAt !== null) break;
    while (!(await rig.context.requests.get(requestId))) await Bun.sleep(10);
    expect(await (await me.get(`/admin/requests/${requestId}`)).text()).toContain("Served: 8.0 s in ");
    const job = await rig.context.store.getJob(id);
    const error = { kind: "upstream_unknown_outcome", message: "Nobody answered.", reason: null, detail: null, charged: true } as const;
    await rig.context.store.insertJob({ ...job!, id: "video_unknown", requestId: "req_unknown", state: "unknown", endedAt: null, error });
    const unknown = await (await me.get("/admin/requests/req_unknown")).text();
    expect(unknown).toContain("It may have been charged, so it is not tried again by itself.");
    expect(unknown).toMatch(/href="\/admin\/jobs\/video_unknown"[^>]*>Decide: charged or not</);
  });
});

describe("an image that runs", () => {
  test("has a page until its row is there", async () => {
    await using rig = await startRig({ simulator: { latencyMs: 1500 } });
    const me = await signIn(rig);
    const response = rig.chat({});
    let [running] = rig.context.running.list(1);
    for (; !running; [running] = rig.context.running.list(1)) await Bun.sleep(5);
    const html = await (await me.get(`/admin/requests/${running.requestId}`)).text();
    expect(html).toContain("It still runs.");
    expect(html).toContain('href="/admin/keys/1">demo</a>');
    await (await response).text();
    while (!(await rig.context.requests.get(running.requestId))) await Bun.sleep(10);
    expect(await (await me.get(`/admin/requests/${running.requestId}`)).text()).toContain("Served: 1 image in ");
  });
});

describe("the search of the list", () => {
  test("finds names of keys, labels of tokens and prompts, and says what it searches", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const me = await signIn(rig);
    expect(await page(me)).toContain("Prompts are not recorded.");
    await setRecording(rig);
    await (await rig.chat({ messages: [{ role: "user", content: "a lighthouse at dusk" }] })).text();
    const [row] = await rig.context.requests.list({ limit: 1 });
    const label = row!.attempts[0]!.tokenId === 1 ? "alpha" : "beta";
    const found = async (q: string) => idsOf(await page(me, `?q=${encodeURIComponent(q)}`));
    for (const q of ["lighthouse", "LIGHTH", label, "demo", row!.id.slice(0, 12)]) expect(await found(q)).toEqual([row!.id]);
    expect(await found("mountain")).toEqual([]);
    expect(await page(me)).toContain("Searches prompts, models and messages by word, key names, token labels, and the beginning of an id.");
  });

  test("takes times in the reader's zone, and shows them so with UTC beside", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const at = Date.UTC(2026, 5, 1, 12, 0, 30);
    rig.context.requests.append({
      ...{ id: "req_noon", at, ms: 0, dialect: "openai", route: "r", keyId: 1, model: "m", family: "f", kind: "image", outcome: "ok" },
      ...{ message: null, images: 1, videoSeconds: 0, inputTokens: 0, outputTokens: 0, usd: 0, stream: false, mediaIds: [], attempts: [] },
    });
    const inShanghai = async (query: string) =>
      (await me.get(`/admin/requests${query}`, { cookie: `${me.cookie}; tz=Asia/Shanghai` })).text();
    expect(idsOf(await inShanghai("?from=2026-06-01T20:00&to=2026-06-01T20:01"))).toEqual(["req_noon"]);
    expect(idsOf(await inShanghai("?from=2026-06-01T12:00&to=2026-06-01T12:01"))).toEqual([]);
    expect(idsOf(await inShanghai("?from=2026-06-01T12:00Z&to=2026-06-01T12:01Z"))).toEqual(["req_noon"]);
    const html = await inShanghai("?from=2026-06-01T12:00Z");
    expect(html).toContain('title="2026-06-01 12:00:30 UTC"');
    expect(html).toContain("20:00</time>");
    expect(html).toContain('value="2026-06-01T20:00"');
    expect(html).toContain("Ended from (Asia/Shanghai)");
  });
});

describe("the file", () => {
  test("has every row that matches as CSV, with names, reason and prompt, and no formula", async () => {
    await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO] });
    const me = await signIn(rig);
    const rows = await seedUse(rig, { count: 600 });
    const failed = rows.filter(({ outcome }) => outcome !== "ok");
    rig.context.requests.append({
      ...rows[0]!,
      id: "req_formula",
      outcome: "ok",
      payload: { prompt: '=HYPERLINK("x"), and more', parameters: {} },
    });
    const response = await me.get("/admin/requests/csv");
    expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="requests-\d{4}-\d\d-\d\d.csv"$/);
    const lines = (await response.text()).split("\r\n");
    expect(lines[0]).toStartWith("id,started_at,ended_at,ms,dialect,route,key_id,key,model");
    expect(lines.length).toBe(rows.length + 3);
    expect(lines[1]).toContain(`"'=HYPERLINK(""x""), and more"`);
    const ofFailed = (await (await me.get("/admin/requests/csv?outcome=failed")).text()).trimEnd().split("\r\n").slice(1);
    expect(ofFailed.map((line) => line.split(",")[0])).toEqual(failed.map(({ id }) => id).toReversed());
    expect(ofFailed.every((line) => line.includes(",demo,"))).toBe(true);
  });
});
