// The models pages: add, edit, reset, import with differences, undo; found models; what is wrong and what retires.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type Rig, startRig } from "../rig.ts";
import { signIn } from "./admin.ts";

const ID = "gemini-nano-banana-3";
const PRO = "gemini-3-pro-image";
const TEXT = `[[family]]
id = "${ID}"
kind = "image"
title = "Nano Banana 3"
[family.providers.gemini]
aspects = ["1:1", "16:9"]
price.per_image = { 1K = 0.05 }
`;
const rigWith = () => startRig({ simulator: { newModels: [ID] } });
const decode = (html: string) =>
  html.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const usdOf = async (rig: Rig, model: string) => {
  expect((await rig.chat({ model })).status).toBe(200);
  return (await rig.context.requests.list({ limit: 1 }))[0]!.usd;
};

describe("a model that is added", () => {
  test("is served at once, is priced, and goes with undo", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    expect(await (await admin.get("/admin/models/new")).text()).toContain("[[family]]");
    const added = await admin.post("/admin/models/new", { text: TEXT });
    expect([added.status, added.headers.get("location")]).toEqual([303, `/admin/models/${ID}`]);
    expect(await usdOf(rig, ID)).toBeCloseTo(0.05, 9);
    const page = await (await admin.get(`/admin/models/${ID}`)).text();
    for (const text of ["Nano Banana 3", "added here", "0.05"]) expect(page).toContain(text);
    expect((await admin.post("/admin/models/undo")).status).toBe(303);
    expect((await rig.chat({ model: ID })).status).toBe(404);
  });

  test("with a typo is refused with its path, and the text comes back", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    const response = await admin.post("/admin/models/new", { text: TEXT.replace("aspects", "aspcts"), form_page: "/admin/models/new" });
    expect(response.status).toBe(422);
    const html = decode(await response.text());
    expect(html).toContain(`models: family[${ID}].providers.gemini.aspcts: expected one of the fields`);
    expect(html).toContain('did you mean "aspects"?');
    expect(html).toContain('aspcts = ["1:1", "16:9"]');
    expect(rig.context.models.stored).toEqual({});
  });
});

describe("a model that is edited", () => {
  test("takes what is said over what is built in; reset puts it back", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    const listed = await usdOf(rig, PRO);
    const shown = decode(await (await admin.get(`/admin/models/${PRO}/edit`)).text());
    expect(shown).toContain("providers.gemini.wire");
    const text = `[[family]]\nid = "${PRO}"\ntitle = "Ours"\nproviders.gemini.price.per_image.1K = 0.3\n`;
    expect((await admin.post(`/admin/models/${PRO}/edit`, { text })).status).toBe(303);
    expect(await usdOf(rig, PRO)).toBeCloseTo(0.3, 9);
    const origins = decode(await (await admin.get(`/admin/models/${PRO}/edit`)).text());
    expect(origins).toMatch(/providers\.gemini\.price\.per_image\.1K(?:(?!<\/tr>).)*0\.3(?:(?!<\/tr>).)*added here/);
    expect(origins).toMatch(/providers\.gemini\.price\.per_image\.4K(?:(?!<\/tr>).)*0\.24(?:(?!<\/tr>).)*built in/);
    expect(await (await admin.get("/admin/models")).text()).toContain("Ours");
    expect((await admin.post(`/admin/models/${PRO}/reset`)).status).toBe(303);
    expect(await usdOf(rig, PRO)).toBe(listed);
    expect(rig.context.models.stored).toEqual({});
  });

  test("is not another one", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    const response = await admin.post(`/admin/models/${PRO}/edit`, { text: TEXT });
    expect(response.status).toBe(422);
    expect(decode(await response.text())).toContain(`expected "${PRO}", got "${ID}"`);
  });

  test("stores a switch and a price that the forms set", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    await admin.post(`/admin/models/${PRO}/edit`, { text: `[[family]]\nid = "${PRO}"\ntitle = "Ours"\n` });
    await admin.post(`/admin/models/${PRO}/prices`, { "price.gemini.1K": "0.75" });
    await admin.post(`/admin/models/${PRO}/off`);
    expect(rig.context.models.stored).toEqual({
      family: [{ id: PRO, title: "Ours", enabled: false, providers: { gemini: { price: { per_image: { "1K": 0.75 } } } } }],
    });
    await admin.post(`/admin/models/${PRO}/on`);
    await admin.post(`/admin/models/${PRO}/prices`, { "price.gemini.1K": "" });
    expect(rig.context.models.stored).toEqual({ family: [{ id: PRO, title: "Ours" }] });
  });
});

describe("an import", () => {
  test("shows the differences and changes nothing until it is taken", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    const form = new FormData();
    form.append("form_token", admin.token);
    form.append("file", new Blob([TEXT]), "models.toml");
    const shown = await fetch(`${rig.url}/admin/models/import`, {
      method: "POST",
      headers: { cookie: admin.cookie, origin: rig.url },
      body: form,
    });
    const html = decode(await shown.text());
    expect(shown.status).toBe(200);
    for (const text of [ID, "providers.gemini.price.per_image.1K", "0.05"]) expect(html).toContain(text);
    expect(rig.context.catalogue().familyOf(ID)).toBeNull();
    expect((await admin.post("/admin/models/import/apply", { text: TEXT })).status).toBe(303);
    expect(await usdOf(rig, ID)).toBeCloseTo(0.05, 9);
    expect(await (await admin.post("/admin/models/import", { text: TEXT })).text()).toContain("Nothing is different.");
  });

  test("of a wrong file is refused with its path", async () => {
    await using rig = await rigWith();
    const admin = await signIn(rig);
    const response = await admin.post("/admin/models/import", { text: "[[family]\n" });
    expect([response.status, decode(await response.text())]).toEqual([422, expect.stringContaining("models:1:10: expected TOML")]);
  });
});

test("a found model is offered with the day, and served after a yes, also when no token lists it any more", async () => {
  await using rig = await rigWith();
  const admin = await signIn(rig);
  await rig.context.tokens.check((await rig.context.store.listTokens())[0]!, new AbortController().signal);
  const day = new Date().toISOString().slice(0, 10);
  expect(await (await admin.get("/admin/models")).text()).toContain(`Found at gemini on ${day}: not priced.`);
  expect((await rig.chat({ model: ID })).status).toBe(404);
  await admin.post(`/admin/models/${ID}/on`);
  expect(await usdOf(rig, ID)).toBeCloseTo(0.134, 9);
  expect(await (await admin.get(`/admin/models/${ID}`)).text()).toContain("not priced");
  await rig.context.store.writeSettings({ found_models: null });
  await rig.reload();
  expect(rig.context.catalogue().familyOf(ID)?.isOff).toBeUndefined();
});

test("a models file that is wrong is shown with its path, on the overview too", async () => {
  await using rig = await rigWith();
  const admin = await signIn(rig);
  writeFileSync(rig.modelsFile, TEXT.replace("16:9", "16:10"));
  await rig.reload();
  for (const path of ["/admin/models", "/admin"])
    expect(decode(await (await admin.get(path)).text())).toContain(
      `config/models.toml: family[${ID}].providers.gemini.aspects[1]: expected`,
    );
});
