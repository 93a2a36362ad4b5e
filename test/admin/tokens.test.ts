// Token pages over HTTP: operator actions in both languages, and secrets that never leave.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { FLOW, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

let rig: Rig;
let admin: SignedIn;

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, { ...GEMINI_TWO, group: "lab" }, FLOW] });
  admin = await signIn(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => {
  for (const { id } of rig.context.pool.snapshot()) rig.context.pool.clearCooldown(id);
});

const ZH = { cookie: "", "accept-language": "zh-CN" };
const html = async (path: string, headers: Record<string, string> = {}) => (await admin.get(path, headers)).text();
const chinese = (path: string) => html(path, { ...ZH, cookie: admin.cookie });
const rowOf = (id: number) => rig.context.pool.rows().find((row) => row.id === id)!;
const held = (id: number) => rig.context.pool.view(id)!.health;
const actionsOf = async (id: number) => (await rig.context.audit.list({ limit: 20, subject: `token ${id}` })).map(({ action }) => action);

const EDIT = {
  label: "alpha",
  group: "",
  note: "",
  image_concurrency: "4",
  video_concurrency: "2",
  weight: "1",
  priority: "0",
  enabled: "on",
  image_enabled: "on",
};

function block(id: number): void {
  const detail = { scope: "token", reason: "key_invalid" } as const;
  rig.context.pool.reportOutcome(id, { ok: false, kind: "upstream_unauthorized", charged: false, detail });
}

describe("the list", () => {
  test("shows every token with health, slots and the end of its secret, in both languages", async () => {
    block(2);
    const page = await html("/admin/tokens");
    for (const label of ["alpha", "beta", "flow"]) expect(page).toContain(`>${label}</a>`);
    expect(page.match(/class="beat"/g)).toHaveLength(3);
    expect(page).toContain("24 hours: failing");
    expect(page).toContain("…-one");
    expect(page).toContain("key not valid");
    expect(page).toContain("Try again now");
    expect(page).not.toContain(GEMINI.secret);
    const translated = await chinese("/admin/tokens");
    expect(translated).toContain("密钥无效");
    expect(translated).toContain("添加令牌");
  });

  test.each([
    ["q=bet", ["beta"]],
    ["provider=flow", ["flow"]],
    ["group=lab", ["beta"]],
    ["health=blocked", []],
    ["sort=label&order=desc", ["flow", "beta", "alpha"]],
  ])("asked for %s holds %p", async (query, labels) => {
    const page = await html(`/admin/tokens?${query}`);
    expect([...page.matchAll(/aria-label="Select (\w+)"/g)].map((match) => match[1])).toEqual(labels);
  });

  test("that finds nothing says how to see more, hostile words stay words", async () => {
    const page = await html(`/admin/tokens?q=${encodeURIComponent('"><script>alert(1)</script>')}`);
    expect(page).toContain("No token matches");
    expect(page).not.toContain("<script>alert");
  });
});

describe("a row", () => {
  test("is edited in place by htmx: the response is the row and a toast", async () => {
    expect(await (await admin.get("/admin/tokens/1/edit", { "hx-request": "true" })).text()).toContain('hx-post="/admin/tokens/1/row"');
    const result = await admin.htmx("/admin/tokens/1/row", { ...EDIT, note: "seen", weight: "2.5", priority: "3" });
    const text = await result.text();
    expect(text.startsWith('<tr id="token-1"')).toBe(true);
    expect(text).toContain("Saved.");
    expect(rowOf(1)).toMatchObject({ note: "seen", weight: 2.5, priority: 3, videoEnabled: false });
    expect(await actionsOf(1)).toContain("token.change");
  });

  test("with mistakes is refused with each of them, and nothing changes", async () => {
    const before = rowOf(1);
    const result = await admin.htmx("/admin/tokens/1/row", { ...EDIT, label: "", image_concurrency: "-2", weight: "heavy" });
    expect(result.status).toBe(422);
    const text = await result.text();
    for (const field of ["label", "image concurrency", "weight"]) expect(text).toContain(field);
    expect(rowOf(1)).toEqual(before);
  });

  test("is tried again, switched off and on, each in the audit log", async () => {
    block(1);
    expect(await (await admin.htmx("/admin/tokens/1/clear")).text()).toContain("Healthy");
    expect(held(1).state).toBe("healthy");
    expect(await (await admin.htmx("/admin/tokens/1/disable")).text()).toContain("Disabled");
    expect(held(1).state).toBe("disabled");
    const plain = await admin.post("/admin/tokens/1/enable", { back: "/admin/tokens/1" });
    expect([plain.status, plain.headers.get("location")]).toEqual([303, "/admin/tokens/1"]);
    expect(held(1).state).toBe("healthy");
    expect((await actionsOf(1)).slice(0, 3)).toEqual(["token.change", "token.change", "token.clear"]);
  });

  test("is checked: what the upstream reports is there when the response comes", async () => {
    const text = await (await admin.htmx("/admin/tokens/3/check")).text();
    expect(text).toContain("flow works.");
    expect(rowOf(3).checkedAt).not.toBeNull();
    expect(rowOf(3).identity).not.toBeNull();
  });

  test("a form sends nobody to another site", async () => {
    const result = await admin.post("/admin/tokens/1/clear", { back: "https://elsewhere.example/admin/tokens" });
    expect(result.headers.get("location")).toBe("/admin/tokens/1");
  });

  test.each(["row", "edit", ""])("that is not there is not found: %s", async (part) => {
    expect((await admin.get(`/admin/tokens/999/${part}`)).status).toBe(404);
  });
});

describe("deletion", () => {
  test("takes the row away at once; undo brings it back with its secret, which never left", async () => {
    const response = await admin.htmx("/admin/tokens/2/remove");
    const text = await response.text();
    const undo = /action="(\/admin\/undo\/[^"]+)"/.exec(text)![1]!;
    expect(text).not.toContain(GEMINI_TWO.secret);
    expect((await admin.get("/admin/tokens/2")).status).toBe(404);
    expect(await html("/admin/tokens")).not.toContain("Select beta");
    expect((await admin.post(undo, { back: "/admin/tokens" })).headers.get("location")).toBe("/admin/tokens");
    expect(await html("/admin/tokens")).toContain("Undone: beta deleted.");
    expect(rowOf(2)).toMatchObject({ label: "beta", enabled: true, group: "lab" });
    expect((await rig.context.store.readTokenSecret(2)).secret).toBe(GEMINI_TWO.secret);
    await admin.post(undo);
    expect(await html("/admin/tokens")).toContain("It is too late to undo this, or it was undone already.");
    expect(await actionsOf(2)).toEqual(expect.arrayContaining(["token.delete", "undo"]));
  });
});

describe("many at once", () => {
  const states = () => [1, 2, 3].map((id) => rig.context.pool.view(id)!.health.state);
  test("are changed where something was filled in, and only there", async () => {
    await admin.post("/admin/tokens/bulk", {
      act: "set",
      id: ["1", "3"],
      group: "shared",
      weight: "",
      image_concurrency: "7",
      query: "sort=label",
    });
    expect(rowOf(1)).toMatchObject({ group: "shared", imageConcurrency: 7, weight: 2.5 });
    expect(rowOf(3)).toMatchObject({ group: "shared", imageConcurrency: 7 });
    const back = await admin.post("/admin/tokens/bulk", { act: "set", id: ["1", "3"], group: "-", query: "sort=label" });
    expect(back.headers.get("location")).toBe("/admin/tokens?sort=label");
    expect(rowOf(1).group).toBeNull();
  });

  test("that were searched for, not only those of the page", async () => {
    await admin.post("/admin/tokens/bulk", { act: "disable", every: "on", query: "provider=gemini", confirmed: "2" });
    expect(states()).toEqual(["disabled", "disabled", "healthy"]);
    await admin.post("/admin/tokens/bulk", { act: "enable", every: "on", query: "", confirmed: "3" });
    expect(states()).toEqual(["healthy", "healthy", "healthy"]);
  });

  test("without a selection are reported so", async () => {
    await admin.post("/admin/tokens/bulk", { act: "remove", query: "" });
    expect(await html("/admin/tokens")).toContain("Nothing was selected.");
  });
});

describe("one token", () => {
  test("its page says what to do with the button that does it, in both languages", async () => {
    block(2);
    const page = await html("/admin/tokens/2");
    expect(page).toContain("The upstream does not know this key");
    expect(page).toContain('href="#secret"');
    expect(await chinese("/admin/tokens/2")).toContain("更换凭证");
  });

  test("shows its recent calls and use", async () => {
    expect((await rig.chat()).status).toBe(200);
    await rig.context.requests.flush();
    const pages = await Promise.all([1, 2].map((id) => html(`/admin/tokens/${id}`)));
    expect(pages.join()).toContain("gemini-3.1-flash-image");
    expect(pages.join()).toMatch(/href="\/admin\/requests\/req_/);
  });

  test("stores in its history what put it into cooldown, also when that is over", async () => {
    block(2);
    await admin.post("/admin/tokens/2/clear");
    await rig.context.pool.flush();
    expect(held(2).state).toBe("healthy");
    const history = /id="pauses".*?<\/ol>/s.exec(await html("/admin/tokens/2"))![0];
    expect(history).toContain("key not valid");
    expect(history).toContain("until ended manually");
    expect(history).toContain("Tried again manually");
    expect(await chinese("/admin/tokens/2")).toContain("直到手动解除");
  });

  test("its settings retain a proxy's password, which is never shown, until another proxy or none is given", async () => {
    const settings = { ...EDIT, video_enabled: "on", tags: "eu, paid", requests_per_minute: "12", usd_per_day: "1.5" };
    const proxy = "http://user:hunter2@127.0.0.1:9";
    await admin.post("/admin/tokens/1/settings", { ...settings, proxy });
    expect(rowOf(1)).toMatchObject({ proxy, tags: ["eu", "paid"], caps: { requestsPerMinute: 12, usdPerDay: 1.5 } });
    const page = await html("/admin/tokens/1");
    expect(page + (await html("/admin/tokens"))).not.toContain("hunter2");
    const field = page.match(/<input[^>]*name="proxy"[^>]*>/)![0];
    await admin.post("/admin/tokens/1/settings", { ...settings, proxy: /value="([^"]*)"/.exec(field)![1]! });
    expect(rowOf(1).proxy).toBe(proxy);
    expect((await admin.post("/admin/tokens/1/settings", { ...settings, proxy: "socks4://127.0.0.1:9" })).status).toBe(422);
    await admin.post("/admin/tokens/1/settings", { ...settings, proxy: "" });
    expect(rowOf(1).proxy).toBeNull();
    expect(JSON.stringify(await rig.context.audit.list({ limit: 50 }))).not.toContain("hunter2");
  });

  test("another secret ends the block that spoke of the old one, is checked at once and never shown", async () => {
    block(2);
    const secret = "beta-project.key-three";
    await admin.post("/admin/tokens/2/secret", { secret });
    const page = await html("/admin/tokens/2");
    expect(page).toContain("it works");
    expect(page).not.toContain(secret);
    expect(page).toContain("…hree");
    expect(held(2).state).toBe("healthy");
    expect((await rig.context.store.readTokenSecret(2)).secret).toBe(secret);
    expect(await actionsOf(2)).toContain("token.secret");
    expect(JSON.stringify(await rig.context.audit.list({ limit: 50 }))).not.toContain(secret);
  });

  test("a secret that another token has is refused and takes nothing from either", async () => {
    const response = await admin.post("/admin/tokens/2/secret", { secret: GEMINI.secret });
    expect(response.status).toBe(422);
    expect((await rig.context.store.readTokenSecret(2)).secret).not.toBe(GEMINI.secret);
    expect(await (await admin.htmx("/admin/tokens/2/check")).text()).toContain("beta works.");
  });

  test("a secret of the wrong form is refused before anything is asked", async () => {
    expect((await admin.post("/admin/tokens/3/secret", { secret: "AIzaSyA-a-key-of-the-other-provider-00000" })).status).toBe(422);
  });
});

describe("adding one", () => {
  test("leads to its page; its label is never the secret", async () => {
    const response = await admin.post("/admin/tokens", { provider: "gemini", secret: "gamma-project.key-one", note: "new", tags: "x" });
    const path = response.headers.get("location")!;
    const id = Number(path.split("/").at(-1));
    expect(rowOf(id)).toMatchObject({ label: "gemini-1", note: "new", tags: ["x"], imageConcurrency: 4 });
    expect(await html(path)).toContain("gemini-1 is in the pool.");
    expect((await admin.post("/admin/tokens", { provider: "gemini", secret: "gamma-project.key-one" })).status).toBe(422);
  });
});

describe("groups", () => {
  test("show tokens, shared cooldowns and when a day ends; caps reach each token", async () => {
    const page = await html("/admin/tokens/groups");
    expect(page).toContain("lab");
    expect(page).toContain("midnight in Los Angeles");
    await admin.post("/admin/tokens/groups/caps", { provider: "gemini", name: "lab", requests_per_day: "100" });
    expect(rig.context.pool.groups()[0]?.cap?.requestsPerDay).toBe(100);
    expect(await chinese("/admin/tokens/groups")).toContain("每日请求数");
    expect((await admin.post("/admin/tokens/groups/clear", { provider: "gemini", name: "nobody" })).status).toBe(404);
  });
});

describe("export", () => {
  test.each(["csv", "json"])("%s has what the filter shows and no secret", async (format) => {
    const response = await admin.get(`/admin/tokens/export.${format}?q=alpha`);
    expect(response.headers.get("content-disposition")).toMatch(new RegExp(`^attachment; filename="tokens-[0-9-]+\\.${format}"$`));
    const text = await response.text();
    expect(text).toContain("alpha");
    expect(text).not.toContain("beta");
    expect(text).not.toContain(GEMINI.secret);
  });
});

describe("import", () => {
  test("shows first, then does; secrets do not come back to the browser", async () => {
    const text = ["AIzaSyA-import-000000000000000000000001", "AIzaSyA-import-000000000000000000000001", "person@example.com", ""].join(
      "\n",
    );
    const seen = await admin.post("/admin/tokens/import", { text, provider: "", group: "imported" });
    const path = seen.headers.get("location")!;
    const preview = await html(path);
    expect(preview).toContain("Import 1<");
    expect(preview).toContain("repeats line 1");
    expect(preview).toContain("is an e-mail address alone");
    expect(preview).not.toContain("AIzaSyA");
    expect(await chinese(path)).toContain("与第 1 行重复");
    expect(rig.context.pool.rows().some(({ group }) => group === "imported")).toBe(false);
    await admin.post(`${path}/start`);
    const events = await admin.get(`${path}/events`);
    let told = "";
    for await (const chunk of events.body!) {
      told += new TextDecoder().decode(chunk);
      if (told.includes("import-result")) break;
    }
    expect(told).toContain("1 tokens are in the pool.");
    expect(rig.context.pool.rows().filter(({ group }) => group === "imported")).toHaveLength(1);
    expect(await html(path)).toContain("import-result");
  });

  test("a file as Notepad writes it is read, and every refusal is reported in Chinese, too", async () => {
    const text = ["AIzaSyA-import-000000000000000000000002", "https://a.example/", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"].join("\r\n");
    const form = new FormData();
    for (const [name, value] of Object.entries({ form_token: admin.token, provider: "", text: "" })) form.set(name, value);
    form.set("file", new File([Buffer.from(`\uFEFF${text}`, "utf16le")], "keys.txt"));
    const headers = { cookie: admin.cookie, origin: rig.url };
    const seen = await fetch(`${rig.url}/admin/tokens/import`, { method: "POST", headers, body: form, redirect: "manual" });
    const path = seen.headers.get("location")!;
    expect(await html(path)).toContain("Import 1<");
    const told = await chinese(path);
    expect([told.includes("是网址，不是凭证"), told.includes("签名令牌")]).toEqual([true, true]);
  });

  test.each([
    ["nothing", { text: "  \n# a comment\n" }, 422],
    ["a provider that is none", { text: "x", provider: "sora" }, 422],
  ])("of %s is refused", async (_name, fields, status) => {
    expect((await admin.post("/admin/tokens/import", fields)).status).toBe(status);
  });

  test("that is not stored says so", async () => {
    const response = await admin.get("/admin/tokens/imports/nothing");
    expect([response.status, (await response.text()).includes("Start it again")]).toEqual([404, true]);
  });
});
