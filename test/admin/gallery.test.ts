// Gallery over HTTP: list, access to the bytes, delete with undo.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Media } from "../../src/domain/generation.ts";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { newId } from "../../src/ids.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

let rig: Rig;
let admin: SignedIn;
/** Of a chat, in the order they were made. */
let made: string[];
let jobMedia: string[];

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock(), settings: { "pool.prefer_cheaper": false } });
  admin = await signIn(rig);
  made = [];
  for (const model of ["gemini-3.1-flash-image", "gemini-3-pro-image"]) {
    const response = (await (await rig.chat({ model })).json()) as { choices: { message: { content: string } }[] };
    made.push(/\/media\/([a-z2-7]{26})/.exec(response.choices[0]!.message.content)![1]!);
  }
  jobMedia = await imageJob("a <b>hostile</b> prompt", 2);
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Images that nobody waits for; resolves with their ids. */
async function imageJob(prompt: string, n: number): Promise<string[]> {
  const started = (await (
    await rig.call("/v1/images/generations", { json: { prompt, n, background: true, aspect_ratio: "16:9" } })
  ).json()) as { id: string };
  const watched = (await rig.context.jobs.watch(started.id, null, AbortSignal.timeout(10_000)))!;
  let ids: string[] = [];
  for await (const { mediaIds } of watched) ids = mediaIds;
  return ids;
}

const show = async (path: string) => (await admin.get(`/admin/gallery${path}`)).text();
const idsIn = (html: string) => [...html.matchAll(/id="media-([a-z2-7]{26})"/g)].map((match) => match[1]!);
const seed = (change: Partial<Media> = {}) =>
  rig.context.store.insertMedia(
    {
      ...{ id: newId(), kind: "image", origin: "result", mime: "image/png", ext: "png", bytes: PIXEL_PNG.length, width: 1, height: 1 },
      ...{ keyId: null, createdAt: 0, expiresAt: null, requestId: null, name: null, purpose: null, family: null, ...change },
    } as Media,
    PIXEL_PNG,
  );

describe("the list", () => {
  test("has every result, newest first, and inputs only where they are asked for", async () => {
    const input = await rig.context.media.storeBytes(PIXEL_PNG, { origin: "input", keyId: 1, requestId: null });
    const results = idsIn(await show(""));
    expect(results.slice(-2)).toEqual(made.toReversed());
    expect(new Set(results)).toEqual(new Set([...made, ...jobMedia]));
    expect(idsIn(await show("?origin=input"))).toEqual([input.id]);
  });

  test("is narrowed by model, kind, key and day", async () => {
    expect(idsIn(await show("?model=gemini-3-pro-image"))).toEqual([made[1]!]);
    expect(idsIn(await show("?kind=video"))).toEqual([]);
    expect(idsIn(await show("?key=1"))).toHaveLength(4);
    expect(idsIn(await show("?key=99"))).toEqual([]);
    expect(idsIn(await show("?to=2020-01-01"))).toEqual([]);
    expect(idsIn(await show("?from=2020-01-01"))).toHaveLength(4);
  });

  test("goes on in pages that bear the filters and stop at the end", async () => {
    for (let index = 0; index < 60; index++) await seed({ family: "old-model", createdAt: index + 1 });
    const first = await show("?model=old-model");
    expect(idsIn(first)).toHaveLength(48);
    const next = /hx-get="(\/admin\/gallery[^"]+)"/.exec(first)![1]!.replaceAll("&amp;", "&");
    expect(next).toContain("model=old-model");
    const rest = await (await admin.get(next)).text();
    expect(idsIn(rest)).toHaveLength(12);
    expect(rest).not.toContain("hx-get");
    expect(rest).not.toContain("<html");
  });

  test("survives an address that nobody wrote", async () => {
    const response = await admin.get("/admin/gallery?before=%00&kind=<script>seen</script>&from=x&key=-1&model=%22<script>seen</script>");
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("<script>seen");
  });
});

test("the storage used is reported, against the limit where there is one", async () => {
  await using own = await startRig({ settings: { "media.max_total_mb": 1 } });
  await own.context.media.storeBytes(PIXEL_PNG, { origin: "result", keyId: 1, requestId: null });
  const page = async () => (await (await signIn(own)).get("/admin/gallery")).text();
  expect(await page()).toContain(`${PIXEL_PNG.length} B of 1 MiB used`);
  await using unlimited = await startRig({ settings: { "media.max_total_mb": 0 } });
  const html = await (await (await signIn(unlimited)).get("/admin/gallery")).text();
  expect(html).toContain(">0 B used, no limit");
  expect(html).not.toContain("<progress");
});

describe("bytes", () => {
  test("are whole, in ranges, and small once", async () => {
    const id = made[0]!;
    const file = await admin.get(`/admin/gallery/${id}/file`);
    expect([file.status, file.headers.get("content-type")]).toEqual([200, "image/png"]);
    const part = await admin.get(`/admin/gallery/${id}/file`, { range: "bytes=0-9" });
    expect([part.status, (await part.bytes()).length]).toEqual([206, 10]);
    const thumb = await admin.get(`/admin/gallery/${id}/thumb`);
    expect(thumb.headers.get("content-type")).toBe("image/webp");
    const { width, height } = await new Bun.Image(await thumb.bytes()).metadata();
    expect(Math.max(width, height)).toBe(320);
    expect((await admin.get(`/admin/gallery/${id}/file?download`)).headers.get("content-disposition")).toBe(
      `attachment; filename="${id}.png"`,
    );
  });

  test("of a client's image are the operator's to see, and nobody else's", async () => {
    const { id, ext } = await rig.context.media.storeBytes(PIXEL_PNG, { origin: "input", keyId: 1, requestId: null });
    expect((await admin.get(`/admin/gallery/${id}/file`)).status).toBe(200);
    for (const name of ["file", "thumb"]) {
      const stranger = await fetch(`${rig.url}/admin/gallery/${id}/${name}`, { redirect: "manual" });
      expect([stranger.status, stranger.headers.get("location")?.split("?")[0]]).toEqual([303, "/admin/login"]);
    }
    expect((await fetch(`${rig.url}/media/${id}.${ext}`)).status).toBe(404);
  });

  test("that are not there are a page that says so", async () => {
    for (const path of [newId(), "x", `${newId()}/file`, `${newId()}/thumb`])
      expect((await admin.get(`/admin/gallery/${path}`)).status).toBe(404);
  });
});

describe("one media item", () => {
  test("of a job reports its prompt, parameters, cost, token and attempts", async () => {
    const html = await show(`/${jobMedia[0]}`);
    expect(html).toContain("a &lt;b>hostile&lt;/b> prompt");
    for (const text of ["16:9", "$0.0703", ">alpha<", "gemini-nano-banana-2.1", `/admin/gallery/${jobMedia[1]}`])
      expect(html).toContain(text);
    expect(html).toMatch(/\/admin\/playground\?job=image_[a-z2-7]{26}/);
  });

  test("of a request that waited has no prompt, which is said", async () => {
    const html = await show(`/${made[0]}`);
    expect(html).toContain("Prompts are stored for jobs;");
    expect(html).not.toContain("/admin/playground?job=");
    expect(html).toContain(`/admin/playground?use=${made[0]}`);
    expect(html).not.toContain("?like=");
  });

  test("has the prompt that the operator had recorded, to be used again", async () => {
    await using recording = await startRig({ settings: { "requests.record_payloads": true } });
    const operator = await signIn(recording);
    await recording.chat({ messages: [{ role: "user", content: "a recorded fox" }] });
    const [mediaItem] = await recording.context.store.listMedia({ origin: "result", limit: 1 });
    const html = await (await operator.get(`/admin/gallery/${mediaItem!.id}`)).text();
    expect(html).toContain('<p class="prompt">a recorded fox</p>');
    expect(html).toContain(`/admin/playground?like=${mediaItem!.id}`);
    const form = await (await operator.get(`/admin/playground?like=${mediaItem!.id}`)).text();
    expect(form).toContain(">a recorded fox</textarea>");
    expect(form).toContain('<option value="gemini-3.1-flash-image" selected');
  });
});

describe("deleting", () => {
  test("is out of sight at once, undone by the toast, and audited", async () => {
    const ids = (await imageJob("short-lived", 2)).toSorted();
    const response = await admin.post("/admin/gallery/delete", { id: ids, back: "/admin/gallery?kind=image" });
    expect([response.status, response.headers.get("location")]).toEqual([303, "/admin/gallery?kind=image"]);
    const after = await show("?kind=image");
    expect(idsIn(after)).not.toContain(ids[0]);
    expect(after).toContain("2 deleted.");
    expect((await admin.get(`/admin/gallery/${ids[0]}`)).status).toBe(404);
    const name = /name="name" value="([^"]+)"/.exec(after)![1]!;
    await admin.post("/admin/gallery/restore", { name });
    expect(idsIn(await show(""))).toContain(ids[0]!);
    const actions = (await rig.context.audit.list({ limit: 2 })).map(({ action }) => action);
    expect(actions).toEqual(["media.restore", "media.delete"]);
    expect((await admin.post("/admin/gallery/restore", { name })).status).toBe(404);
  });

  test("is for good when its time is over", async () => {
    const [id] = await imageJob("gone for good", 1);
    await admin.post("/admin/gallery/delete", { id: id! });
    const deadline = Date.now() + 10_000;
    while ((await rig.context.media.get(id!)) && Date.now() < deadline) await Bun.sleep(15);
    expect(await rig.context.media.get(id!)).toBeNull();
  });

  test("goes back to the gallery only, whatever the form says", async () => {
    for (const back of ["https://evil.example/", "//evil.example", "/admin/tokens", "/admin/gallery/../x"]) {
      const response = await admin.post("/admin/gallery/delete", { back });
      expect(response.headers.get("location")).toBe("/admin/gallery");
    }
  });

  test("a selection becomes references of the playground", async () => {
    const response = await admin.post("/admin/gallery/use", { id: made });
    expect(response.headers.get("location")).toBe(`/admin/playground?use=${made[0]}&use=${made[1]}`);
  });
});
