// Settings and models over HTTP: effect on the next request, undo.
import { describe, expect, test } from "bun:test";
import { SETTINGS } from "../../src/config/settings-keys.ts";
import { zh } from "../../views/locales/zh.ts";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

const PRO = "gemini-3-pro-image";

/** Fields of a form that changes these keys and leaves the others out. */
const formOf = (values: Record<string, string>) => ({
  keys: Object.keys(values),
  ...Object.fromEntries(Object.entries(values).map(([key, value]) => [`value.${key}`, value])),
});

/** The hidden fields of a page's form. */
function hiddenOf(html: string): Record<string, string> {
  const inputs = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name, value]) => [name!, value!.replaceAll("&quot;", '"')]));
}

async function change(admin: SignedIn, values: Record<string, string>): Promise<Response> {
  const review = await admin.post("/admin/settings/review", formOf(values));
  expect(review.status).toBe(200);
  return admin.post("/admin/settings/apply", hiddenOf(await review.text()));
}

describe("settings", () => {
  test("every key is on the page, in both languages, and no secret is", async () => {
    const secret = "m".repeat(40);
    await using rig = await startRig({ settings: { "server.metrics_token": secret } });
    const admin = await signIn(rig);
    for (const language of ["en", "zh"]) {
      const html = await (await admin.get("/admin/settings", { "accept-language": language })).text();
      expect(SETTINGS.filter(({ key }) => !html.includes(`<code>${key}</code>`)).map(({ key }) => key)).toEqual([]);
      expect(html).not.toContain(secret);
    }
  });

  test("a change is shown before it is made, counts for the next request, and is undone", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const review = await admin.post("/admin/settings/review", formOf({ "chat.image_form": "images", "pool.wait_ms": "30000" }));
    const html = await review.text();
    expect(html).toContain("markdown_url");
    expect(html).not.toContain("pool.wait_ms");
    expect(await imageInMessage(rig)).toBe(false);

    const applied = await admin.post("/admin/settings/apply", hiddenOf(html));
    expect([applied.status, applied.headers.get("location")]).toEqual([303, "/admin/settings"]);
    expect(await imageInMessage(rig)).toBe(true);
    expect(await (await admin.get("/admin/settings")).text()).toContain("edited here");

    await admin.post("/admin/settings/undo");
    expect(await imageInMessage(rig)).toBe(false);
  });

  async function imageInMessage(rig: Rig): Promise<boolean> {
    const { choices } = (await (await rig.chat()).json()) as { choices: { message: { images?: unknown } }[] };
    return choices[0]!.message.images !== undefined;
  }

  test("a value that does not fit comes back in its field, with what is expected, and changes nothing", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const response = await admin.post("/admin/settings/review", formOf({ "pool.wait_ms": "soon", "pool.queue_limit": "5" }));
    const html = await response.text();
    expect(response.status).toBe(422);
    expect(html).toContain('value="soon"');
    expect(html).toContain('value="5"');
    expect(html).toContain("expected: integer 0 to 600000");
    expect(rig.context.settings.current().pool.queue_limit).toBe(1000);
  });

  test("a setting of the command line or of the start cannot be changed, whatever the form says", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    for (const key of ["server.drain_timeout", "server.port"]) {
      const response = await admin.post("/admin/settings/apply", { revision: "0", [`set.${key}`]: "9" });
      expect([key, response.status === 303 || response.status === 422]).toEqual([key, true]);
    }
    expect(await rig.context.store.readSettings()).toEqual({});
  });

  test("what was reviewed before another change is refused", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const reviewed = hiddenOf(await (await admin.post("/admin/settings/review", formOf({ "pool.wait_ms": "1" }))).text());
    await change(admin, { "pool.queue_limit": "7" });
    await admin.post("/admin/settings/apply", reviewed);
    expect(await (await admin.get("/admin/settings")).text()).toContain("Settings were changed meanwhile");
    expect(rig.context.settings.current().pool).toMatchObject({ wait_ms: 30_000, queue_limit: 7 });
  });

  test("reset forgets what is stored", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    await change(admin, { "pool.wait_ms": "1" });
    const review = await admin.post("/admin/settings/review", { ...formOf({ "pool.wait_ms": "1" }), reset: "pool.wait_ms" });
    await admin.post("/admin/settings/apply", hiddenOf(await review.text()));
    expect(rig.context.settings.current().pool.wait_ms).toBe(30_000);
    expect(await rig.context.store.readSettings()).not.toHaveProperty(["pool.wait_ms"]);
  });

  test.each([
    ["wait_ms", ["pool.wait_ms"], ["pool.strategy"]],
    ["companion EXTENSION", ["plugin.connection_token"], ["pool.wait_ms"]],
    ["no such thing", [], ["pool.wait_ms"]],
  ])("a search for %s", async (query, found, missing) => {
    await using rig = await startRig();
    const html = await (await (await signIn(rig)).get(`/admin/settings?q=${encodeURIComponent(query)}`)).text();
    expect(found.filter((key) => !html.includes(`<code>${key}</code>`))).toEqual([]);
    expect(missing.filter((key) => html.includes(`<code>${key}</code>`))).toEqual([]);
  });
});

describe("the extension's token", () => {
  test("is generated, shown once, opens the extension's routes, and is in no log", async () => {
    await using rig = await startRig({ tokens: [FLOW] });
    const admin = await signIn(rig);
    const page = "/admin/settings/secret/plugin.connection_token";
    const html = await (await admin.post(page, { act: "generate" })).text();
    const token = /<pre id="made"[^>]*>([\w-]{43})</.exec(html)?.[1] ?? "";
    const ask = () =>
      fetch(`${rig.url}/api/plugin/check-tokens`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: "{}" });
    expect((await ask()).status).not.toBe(401);
    const pages = await Promise.all([page, "/admin/settings", "/admin/system/trail", "/admin/system/logs"].map((path) => admin.get(path)));
    for (const shown of pages) expect(await shown.text()).not.toContain(token);

    await admin.post(page, { act: "clear" });
    expect((await ask()).status).not.toBe(200);
  });

  test("that is too short is refused", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const response = await admin.post("/admin/settings/secret/plugin.connection_token", { act: "save", secret: "short" });
    expect([response.status, (await response.text()).includes("32 characters or more")]).toEqual([422, true]);
  });

  test.each(["server.metrics_token", "pool.wait_ms", "no.such"])("%s is no secret to be changed here", async (key) => {
    await using rig = await startRig();
    expect((await (await signIn(rig)).post(`/admin/settings/secret/${key}`, { act: "clear" })).status).toBe(404);
  });
});

describe("models", () => {
  test("a family that is switched off is not listed and refused with the reason, by any name, until it is on again", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const ids = async () => ((await (await rig.call("/v1/models")).json()) as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(await ids()).toContain(PRO);

    expect((await admin.post(`/admin/models/${PRO}/off`)).status).toBe(303);
    expect((await ids()).filter((id) => /3-pro|3\.0-pro|banana-pro/.test(id))).toEqual([]);
    for (const model of [PRO, "nano-banana-pro"]) {
      const response = await rig.chat({ model });
      expect([response.status, await response.json()]).toMatchObject([
        404,
        { error: { code: "model_not_found", message: `Model "${model}" is switched off on this server.` } },
      ]);
      expect((await rig.call(`/v1/models/${model}`)).status).toBe(404);
    }
    const gemini = await rig.call(`/v1beta/models/${PRO}:generateContent`, { json: { contents: [{ parts: [{ text: "a fox" }] }] } });
    expect(gemini.status).toBe(404);

    await admin.post(`/admin/models/${PRO}/on`);
    expect((await rig.chat({ model: PRO })).status).toBe(200);
  });

  test("a video family that is switched off starts no job", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    await admin.post("/admin/models/gemini-omni-1.2-flash/off");
    const response = await rig.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox" } });
    expect(response.status).toBe(404);
  });

  test("switching by htmx answers with the row, and a toast that undoes it", async () => {
    await using rig = await startRig();
    const html = await (await (await signIn(rig)).htmx(`/admin/models/${PRO}/off`)).text();
    expect(html).toContain('<tr id="model-gemini-3-pro-image"');
    expect(html).toContain(`/admin/models/${PRO}/on`);
  });

  test("an own price is what the next request costs; emptied, the list price counts again", async () => {
    await using rig = await startRig({ tokens: [GEMINI] });
    const admin = await signIn(rig);
    const cost = async () => {
      await rig.chat({ model: PRO });
      return (await rig.context.requests.list({ limit: 1 }))[0]!.usd;
    };
    const listed = await cost();
    expect((await admin.post(`/admin/models/${PRO}/prices`, { "price.gemini.1K": "0.75" })).status).toBe(303);
    expect(await cost()).toBe(0.75);
    expect(await (await admin.get(`/admin/models/${PRO}`)).text()).toContain('value="0.75"');
    await admin.post(`/admin/models/${PRO}/prices`, { "price.gemini.1K": "" });
    expect(await cost()).toBe(listed);
  });

  test("a price that is none is refused", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    expect((await admin.post(`/admin/models/${PRO}/prices`, { "price.gemini.1K": "-1" })).status).toBe(422);
    expect(rig.context.models.stored).toEqual({});
  });

  test("the page of a family names its tokens and the names that lead to it", async () => {
    await using rig = await startRig({ tokens: [GEMINI, FLOW] });
    const html = await (await (await signIn(rig)).get(`/admin/models/${PRO}`)).text();
    for (const text of [">alpha<", ">flow<", "nano-banana-pro", "gemini-3.0-pro-image-landscape"]) expect(html).toContain(text);
  });

  test("changes outlive a restart", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    await admin.post(`/admin/models/${PRO}/off`);
    await change(admin, { "pool.queue_limit": "7" });
    const stored = await rig.context.store.readSettings();
    expect(stored).toMatchObject({ models: { family: [{ id: PRO, enabled: false }] }, "pool.queue_limit": 7 });
    const again = rig.context.layers.merge(stored);
    expect([again.settings.pool.queue_limit, again.warnings]).toEqual([7, []]);
  });
});

test("bounds and forms are reported in Chinese", () => {
  const english = [...new Set(SETTINGS.filter(({ boot }) => !boot).map(({ expected }) => expected))];
  expect(english.filter((text) => zh.settings.expected(text) === text)).toEqual([]);
});

test("a port is shown without separators, a count with them", async () => {
  await using rig = await startRig();
  const admin = await signIn(rig);
  const html = await (await admin.get("/admin/settings")).text();
  expect(html).toContain("0 to 65535");
  expect(html).not.toContain("65,535");
  expect(html).toContain("1 to 1,024");
});
