// Keys pages over HTTP: shown once, limits from the next request on, deleted, restored and rotated, webhooks.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

/** A whole gateway starts and stops in each. */
setDefaultTimeout(30_000);

const KEY = /sk-f2a-[A-Za-z0-9_-]{43}/;
const FORM = { name: "my app", enabled: "on", kinds: "all", image_form: "", video_form: "", side_calls: "" };

const status = async (rig: Rig, key: string) =>
  (await fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;

/** Makes a key by the form; resolves with it and its id. */
async function makeKey(me: SignedIn, change: Record<string, string | string[]> = {}): Promise<{ key: string; id: number }> {
  const html = await (await me.post("/admin/keys/new", { ...FORM, ...change })).text();
  return { key: KEY.exec(html)![0], id: Number(/\/admin\/keys\/(\d+)"/.exec(html)![1]) };
}

describe("a new key", () => {
  test("is shown once, works at once, and is nowhere afterwards", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const response = await me.post("/admin/keys/new", FORM);
    expect(response.status).toBe(200);
    const html = await response.text();
    const [key] = KEY.exec(html)!;
    for (const text of [`OPENAI_BASE_URL=${rig.url}/v1`, "Open WebUI", "Cherry Studio", "n8n", "curl", `${rig.url}/mcp`])
      expect(html).toContain(text);
    expect(await status(rig, key)).toBe(200);
    for (const path of ["/admin/keys", "/admin/keys/2", "/admin/keys/2/edit", "/admin/account"])
      expect(await (await me.get(path)).text()).not.toContain(key.slice(0, 20));
    const [entry] = await rig.context.audit.list({ limit: 1 });
    expect([entry!.action, JSON.stringify(entry).includes(key)]).toEqual(["key.create", false]);
    expect(rig.logged.join("\n")).not.toContain(key);
  });

  test("is offered the pace and the uploads that the settings give to new keys", async () => {
    await using rig = await startRig({ settings: { "keys.rpm": 321, "keys.concurrency": 0, "keys.upload_mb_day": 77 } });
    const html = await (await (await signIn(rig)).get("/admin/keys/new")).text();
    const filledIn = (name: string) => /value="([^"]*)"/.exec(new RegExp(`<input[^>]*name="${name}"[^>]*>`).exec(html)![0])?.[1] ?? "";
    expect([filledIn("rpm"), filledIn("concurrency"), filledIn("upload_mb_day")]).toEqual(["321", "", "77"]);
  });

  test("comes as a fragment where htmx asks", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const html = await (await me.htmx("/admin/keys/new", FORM)).text();
    expect(html).toMatch(KEY);
    expect(html).not.toContain("<html");
  });

  test("has every mistake of its form reported at once, and is not made", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const wrong = {
      ...FORM,
      name: "",
      expires: "2001-01-01T00:00",
      addresses: "nowhere",
      more_models: "gemini-3-pro-imag",
      usd_day: "0.1234567",
      rpm: "0",
    };
    const response = await me.htmx("/admin/keys/new", wrong);
    expect(response.status).toBe(422);
    const html = await response.text();
    for (const part of ["name:", "expires:", "addresses:", "nearest is gemini-3-pro-image", "6 decimals", "rpm:"])
      expect(html).toContain(part);
    expect(await rig.context.store.listKeys()).toHaveLength(1);
  });

  test("stores what was set", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const { id } = await makeKey(me, {
      expires: "2126-01-01T12:00",
      addresses: "10.0.0.0/8\n203.0.113.7",
      models: ["gemini-3-pro-image"],
      more_models: "gemini-3-pro-image-landscape",
      kinds: "image",
      image_form: "images",
      video_form: "html_block",
      side_calls: "refuse",
      images_routes_only: "on",
      rpm: "20",
      images_day: "50",
      video_seconds_month: "12.5",
      usd_total: "9.99",
    });
    const row = (await rig.context.store.listKeys()).find((one) => one.id === id);
    expect(row).toMatchObject({
      expiresAt: Date.UTC(2126, 0, 1, 12),
      addresses: ["10.0.0.0/8", "203.0.113.7"],
      models: ["gemini-3-pro-image", "gemini-3-pro-image-landscape"],
      kinds: ["image"],
      imageForm: "images",
      videoForm: "html_block",
      sideCalls: "refuse",
      imagesRoutesOnly: true,
      limits: { rpm: 20, concurrency: null, images: { day: 50 }, videoSeconds: { month: 12.5 }, usd: { total: 9.99 } },
    });
    const edit = await (await me.get(`/admin/keys/${id}/edit`)).text();
    for (const value of [
      'value="2126-01-01T12:00"',
      'value="12.5"',
      'value="gemini-3-pro-image-landscape"',
      'value="images" selected',
      'value="html_block" selected',
    ])
      expect(edit).toContain(value);
  });
});

describe("a change", () => {
  test("of a limit counts for the next request", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const edit = await me.post("/admin/keys/1/edit", { ...FORM, rpm: "1" });
    expect([edit.status, edit.headers.get("location")]).toEqual([303, "/admin/keys/1"]);
    const statuses = [];
    for (let count = 0; count < 2; count++) statuses.push((await rig.chat()).status);
    expect(statuses).toEqual([200, 429]);
    const page = await (await me.get("/admin/keys/1")).text();
    expect(page).toContain("1 of 1");
  });

  test("to disabled refuses, and its undo lets in again", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const row = await (await me.htmx("/admin/keys/1/enabled", { enabled: "off" })).text();
    expect(row).toContain('id="key-1"');
    expect(row).toContain("Disabled");
    expect(await status(rig, rig.key)).not.toBe(200);
    expect((await me.post("/admin/keys/1/enabled", { enabled: "on" })).status).toBe(303);
    expect(await status(rig, rig.key)).toBe(200);
  });

  test("of what is not there is 404", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    for (const path of ["/admin/keys/99", "/admin/keys/x", "/admin/keys/99/rotate"]) expect((await me.get(path)).status).toBe(404);
    expect((await me.post("/admin/keys/99/delete")).status).toBe(404);
  });
});

describe("deletion", () => {
  test("refuses the key at once, is undone from the list of last actions, and restored later", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    expect((await me.post("/admin/keys/1/delete")).status).toBe(303);
    expect(await status(rig, rig.key)).not.toBe(200);
    for (const path of ["/admin/keys/1/delete", "/admin/keys/1/enabled", "/admin/keys/1/webhook", "/admin/keys/1/webhook/secret"])
      expect((await me.post(path, { ...FORM, enabled: "on" })).status).toBe(409);
    const page = await (await me.get("/admin/keys/1")).text();
    expect(page).toContain("Deleted");
    expect(page).not.toContain("/admin/keys/1/edit");
    expect(await (await me.get("/admin/keys")).text()).not.toContain('id="key-1"');
    expect(await (await me.get("/admin/keys?state=deleted")).text()).toContain('action="/admin/keys/1/restore"');
    const [action] = await rig.context.store.listUndo(0, 1);
    expect((await me.post(`/admin/undo/${action!.id}`, { back: "/admin/keys?q=x" })).headers.get("location")).toBe("/admin/keys?q=x");
    expect(await status(rig, rig.key)).toBe(200);
    await me.post("/admin/keys/1/delete");
    await me.post("/admin/keys/1/restore");
    expect(await status(rig, rig.key)).toBe(200);
  });
});

describe("rotation", () => {
  test("shows the new secret once; the former one counts until it is ended", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const html = await (await me.post("/admin/keys/1/rotate", { hours: "2" })).text();
    const fresh = /id="made-key"[^>]*>([^<]+)</.exec(html)![1]!.trim();
    expect(html).toContain("valid for 2 more hours");
    expect([await status(rig, rig.key), await status(rig, fresh)]).toEqual([200, 200]);
    expect(await (await me.get("/admin/keys/1")).text()).not.toContain(fresh);
    expect((await me.post("/admin/keys/1/rotate/end")).status).toBe(303);
    expect([await status(rig, rig.key), await status(rig, fresh)]).toEqual([403, 200]);
  });
});

test("a secret that was made is shown and written down, also when it cannot be loaded at once", async () => {
  await using rig = await startRig();
  const me = await signIn(rig);
  const { store } = rig.context;
  const revisions = store.revisions;
  store.revisions = () => Promise.reject(new Error("away"));
  const rotated = await me.post("/admin/keys/1/rotate", { hours: "2" });
  store.revisions = revisions;
  const fresh = /id="made-key"[^>]*>([^<]+)</.exec(await rotated.text())![1]!.trim();
  expect((await rig.context.audit.list({ limit: 1 }))[0]!.action).toBe("key.rotate");
  expect(rig.logged.join("\n")).toContain("A change is stored and could not be loaded yet");
  await rig.reload();
  expect(await status(rig, fresh)).toBe(200);
});

describe("the webhook", () => {
  test("shows its secret when it is made, and never again", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const first = await (await me.post("/admin/keys/1/webhook", { webhook_url: "https://203.0.113.7/hook" })).text();
    const secret = /whsec_[A-Za-z0-9+/=]+/.exec(first)![0];
    expect(secret).toBe((await rig.context.webhooks.ofKey(1)).secret);
    const page = await (await me.get("/admin/keys/1")).text();
    expect(page).toContain("https://203.0.113.7/hook");
    expect(page).not.toContain(secret);
    const second = await (await me.post("/admin/keys/1/webhook/secret")).text();
    expect(second).toMatch(/whsec_/);
    expect(second).not.toContain(secret);
    expect((await me.post("/admin/keys/1/webhook", { webhook_url: "" })).status).toBe(303);
    expect((await rig.context.webhooks.ofKey(1)).url).toBeNull();
    expect(JSON.stringify(await rig.context.audit.list({ limit: 9 }))).not.toContain("whsec_");
  });

  test("takes no address that is none", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const response = await me.htmx("/admin/keys/1/webhook", { webhook_url: "ftp://example.com" });
    expect([response.status, (await response.text()).includes("webhook url:")]).toEqual([422, true]);
  });
});

test("a hostile name is text", async () => {
  await using rig = await startRig();
  const me = await signIn(rig);
  const { id } = await makeKey(me, { name: "<img src=x onerror=alert(1)>" });
  for (const path of ["/admin/keys", `/admin/keys/${id}`, `/admin/keys/${id}/edit`, `/admin/keys/${id}/rotate`]) {
    const html = await (await me.get(path)).text();
    expect(html, path).toContain("&lt;img src=x");
    expect(html, path).not.toContain("<img src=x");
  }
});
