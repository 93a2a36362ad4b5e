// System pages over HTTP: self-test, backup, restore, log, audit log, API reference.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { licences } from "../../scripts/licences.ts";
import { describeDialects } from "../../src/gateway/reports/api-reference.ts";
import { temporaryFolder } from "../../src/testing.ts";
import { VERSION } from "../../src/version.ts";
import { en } from "../../views/locales/en.ts";
import { zh } from "../../views/locales/zh.ts";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

describe("checks", () => {
  test("the self-test tries everything without making anything", async () => {
    await using rig = await startRig({ tokens: [GEMINI, FLOW] });
    const admin = await signIn(rig);
    const html = await (await admin.htmx("/admin/system/checks", { act: "all" })).text();
    expect(html).toContain("All checks passed.");
    for (const text of ["Database", "Media", "Upstream reachable", "Clock", "alpha", "flow"]) expect(html).toContain(text);
    expect(await rig.context.requests.list({ limit: 1 })).toEqual([]);
    expect(rig.context.media.totalBytes()).toBe(0);
  });

  test("an upstream that is away and a token that is refused are reported", async () => {
    await using rig = await startRig({ tokens: [{ ...GEMINI, secret: "bad-key" }] });
    const admin = await signIn(rig);
    const refused = await (await admin.htmx("/admin/system/checks", { act: "all" })).text();
    expect(refused).toContain("One check failed.");
    await rig.simulator.stop();
    const away = await (await admin.htmx("/admin/system/checks", { act: "upstreams" })).text();
    expect(away).toContain("The upstream could not be reached");
  });

  test("without htmx the whole page answers", async () => {
    await using rig = await startRig();
    const html = await (await (await signIn(rig)).post("/admin/system/checks", { act: "upstreams" })).text();
    expect(html).toContain("<!doctype html>");
    expect(html).toContain("Upstream reachable");
  });

  test("sizes of what lies in the folder, and the version", async () => {
    await using rig = await startRig();
    const html = await (await (await signIn(rig)).get("/admin/system")).text();
    for (const text of ["flow2api.db", "requests.db", "secret.key", VERSION]) expect(html).toContain(text);
  });
});

test("what upstreams said that this version does not know stands on the page, in both languages and without content", async () => {
  await using rig = await startRig();
  const admin = await signIn(rig);
  expect(await (await admin.get("/admin/system")).text()).toContain(en.system.news.none);
  rig.simulator.setFaults("gemini.generate=strange-reason");
  expect((await rig.chat({ messages: [{ role: "user", content: "a very private fox" }] })).status).toBe(400);
  const html = await (await admin.get("/admin/system")).text();
  for (const text of [en.system.news.title, "IMAGE_WATERMARK_FAILED", en.system.news.kinds.finish_reason!, "finishReason:string"])
    expect(html).toContain(text);
  expect(html).not.toContain("private fox");
  const chinese = await (await admin.get("/admin/system", { "accept-language": "zh-CN" })).text();
  expect(chinese).toContain(zh.system.news.title);
});

describe("backup and restore", () => {
  const passing = (rig: Rig) => readdirSync(rig.folder).filter((name) => name.includes("passing-"));

  async function download(admin: SignedIn, fields: Record<string, string> = {}): Promise<Blob> {
    const response = await admin.post("/admin/system/backup", fields);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/x-tar"]);
    expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="flow2api-\d{8}-\d{4}-[a-z2-7]{8}\.tar"$/);
    return response.blob();
  }

  /** Sends a file as the form does. */
  async function upload(rig: Rig, admin: SignedIn, file: Blob): Promise<Response> {
    const form = new FormData();
    form.set("form_token", admin.token);
    form.set("backup", file, "backup.tar");
    const headers = { cookie: admin.cookie, origin: rig.url };
    return fetch(`${rig.url}/admin/system/restore`, { method: "POST", redirect: "manual", headers, body: form });
  }

  test("what was backed up is there again after an upload and a restart; what came later is moved aside", async () => {
    using folder = temporaryFolder();
    const later = { provider: "gemini", label: "later", secret: "later-project.key" };
    {
      await using rig = await startRig({ folder: folder.path });
      const admin = await signIn(rig);
      const backup = await download(admin, { requests: "on", media: "on" });
      await rig.context.store.insertToken(later, Date.now());
      const response = await upload(rig, admin, backup);
      expect([response.status, response.headers.get("location")]).toEqual([303, "/admin/system/restore"]);
      expect(await (await admin.get("/admin/system/backup")).text()).toContain("A backup is staged");
      expect((await rig.context.store.listTokens()).map(({ label }) => label)).toEqual(["alpha", "later"]);
      expect(passing(rig)).toEqual([]);
    }
    await using again = await startRig({ folder: folder.path, tokens: [] });
    expect((await again.context.store.listTokens()).map(({ label }) => label)).toEqual(["alpha"]);
    expect((await again.chat()).status).toBe(200);
    expect(readdirSync(folder.path).some((name) => name.startsWith("before-restore-"))).toBe(true);
  });

  test("the secret key is in no download", async () => {
    await using rig = await startRig();
    const text = Buffer.from(await (await download(await signIn(rig))).arrayBuffer()).toString("latin1");
    expect(text).toContain("flow2api.db");
    expect(text).not.toContain("secret.key");
    expect(text).not.toContain(GEMINI.secret);
  });

  test("nothing is left of a download that was broken off", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const response = await admin.post("/admin/system/backup", { requests: "on" });
    await response.body!.cancel();
    for (let tries = 0; passing(rig).length > 0 && tries < 200; tries++) await Bun.sleep(10);
    expect(passing(rig)).toEqual([]);
  });

  test.each([
    ["no archive", () => new Blob(["x".repeat(2000)]), 422],
    ["a cut backup", (backup: Blob) => backup.slice(0, backup.size - 4096), 422],
  ])("%s is refused and nothing is laid ready", async (_name, damage, status) => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const response = await upload(rig, admin, damage(await download(admin)));
    expect(response.status).toBe(status);
    expect(rig.context.maintenance.stagedRestore()).toBeNull();
    expect(existsSync(join(rig.folder, "restore.staged"))).toBe(false);
  });

  test("a restore that waits can be given up", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    await upload(rig, admin, await download(admin));
    expect(rig.context.maintenance.stagedRestore()).not.toBeNull();
    await admin.post("/admin/system/restore/drop");
    expect(rig.context.maintenance.stagedRestore()).toBeNull();
  });
});

describe("the secret key", () => {
  const keyOf = (folder: string) => Bun.file(join(folder, "secret.key")).text();

  test("is replaced at the next start, once, where that was asked for; tokens still serve, sessions have ended", async () => {
    using folder = temporaryFolder();
    let before: string;
    let cookie: string;
    {
      await using rig = await startRig({ folder: folder.path });
      const admin = await signIn(rig);
      cookie = admin.cookie;
      before = await keyOf(folder.path);
      await admin.post("/admin/system/rotation", { wanted: "on" });
      expect(await (await admin.get("/admin/system/backup")).text()).toContain("The secret key will be replaced");
      expect(await keyOf(folder.path)).toBe(before);
    }
    let after: string;
    {
      await using again = await startRig({ folder: folder.path, tokens: [] });
      after = await keyOf(folder.path);
      expect(after).not.toBe(before);
      expect((await again.chat()).status).toBe(200);
      expect((await fetch(`${again.url}/admin`, { headers: { cookie }, redirect: "manual" })).status).toBe(303);
      const auditLog = await again.context.audit.list({ limit: 10, subject: "data" });
      expect(auditLog.map(({ action }) => action)).toEqual(["secret.rotate", "secret.rotate.ask"]);
    }
    await using third = await startRig({ folder: folder.path, tokens: [] });
    expect(await keyOf(folder.path)).toBe(after);
    expect((await third.chat()).status).toBe(200);
  });

  test("stays where the operator has thought better of it", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    await admin.post("/admin/system/rotation", { wanted: "on" });
    await admin.post("/admin/system/rotation", {});
    expect(rig.context.maintenance.isRotationAsked()).toBe(false);
    expect(await (await admin.get("/admin/system/backup")).text()).toContain("Replace at the next start");
  });
});

describe("log", () => {
  test("shows what was logged at a level or worse, newest first", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    rig.context.log.info("first thing", { why: "<b>" });
    rig.context.log.warn("second thing");
    const html = await (await admin.get("/admin/system/logs?level=info")).text();
    expect(html.indexOf("second thing")).toBeLessThan(html.indexOf("first thing"));
    expect(html).toContain("&lt;b>");
    expect(await (await admin.get("/admin/system/logs?level=warn")).text()).not.toContain("first thing");
  });

  test("sends lines as they come, and after a broken connection those that were missed", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const next = async (headers: Record<string, string> = {}) => {
      const response = await admin.get("/admin/events/log?level=warn&after=0", headers);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes("\n\n") || text.startsWith(":")) text += (await reader.read()).value;
      await reader.cancel();
      return { text, id: /^id: (\d+)$/m.exec(text)![1]! };
    };
    rig.context.log.warn("line one");
    const { text, id } = await next();
    expect(text).toContain("line one");
    rig.context.log.error("line two");
    const missed = await next({ "last-event-id": id });
    expect(missed.text).toContain("line two");
    expect(missed.text).not.toContain("line one");
  });
});

describe("audit log", () => {
  test("reports who changed what, page by page, of one thing alone", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    for (let number = 1; number <= 60; number++)
      await rig.context.audit.record(
        { action: "key.update", subject: `key ${number % 2}`, after: { rpm: number } },
        { address: "10.1.1.1" },
      );
    const first = await (await admin.get("/admin/system/trail")).text();
    expect(first).toContain("<ins>60</ins>");
    const next = /href="(\/admin\/system\/trail\?before=\d+)"/.exec(first)![1]!;
    const second = await (await admin.get(next)).text();
    expect([second.includes("<ins>1</ins>"), second.includes("<ins>60</ins>")]).toEqual([true, false]);
    const one = await (await admin.get("/admin/system/trail?subject=key+1")).text();
    expect([one.includes("<ins>59</ins>"), one.includes("<ins>60</ins>")]).toEqual([true, false]);
  });
});

describe("API", () => {
  const SURFACES = ["OpenAI", "Gemini", "System", "Plugin"];

  test("has every route of the document, with this server's address", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const pages = await Promise.all(SURFACES.map(async (name) => (await admin.get(`/admin/api?surface=${name}`)).text()));
    const { paths } = (await (await fetch(`${rig.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths).filter((path) => !pages.some((html) => html.includes(`<code>${path}</code>`)))).toEqual([]);
    expect(pages[0]).toContain(`${rig.url}/v1/chat/completions`);
    expect(pages.join("")).not.toMatch(/<script[^>]*src="(?!\/admin\/assets\/)/);
  });

  /** The arguments that a call in the shell's words gives to curl, whether there is a curl or not. */
  async function argumentsOf(call: string, key: string): Promise<string[]> {
    const script = `curl() { for word; do printf '%s\\0' "$word"; done; }\n${call}`;
    const output = await Bun.$`sh -c ${script}`.env({ ...process.env, FLOW2API_KEY: key }).text();
    return output.split("\0").slice(0, -1);
  }

  test("its calls work as they are written", async () => {
    await using rig = await startRig();
    const document = (await (await fetch(`${rig.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    const examples = { origin: rig.url, imageModel: "gemini-3.1-flash-image", videoModel: "gemini-omni-1.2-flash" };
    const routes = describeDialects(document, examples).flatMap((dialect) => dialect.routes);
    const calls = routes.filter(
      ({ curl, parameters, path }) => curl?.includes("-d ") && parameters.length === 0 && !/edits|extensions/.test(path),
    );
    expect(calls.length).toBeGreaterThan(4);
    for (const { path, curl } of calls) {
      const words = await argumentsOf(curl!, rig.key);
      const after = (flag: string) => words.flatMap((word, index) => (words[index - 1] === flag ? [word] : []));
      const address = words.find((word) => word.startsWith("http"))!;
      const headers = after("-H").map((line) => line.split(": ") as [string, string]);
      const response = await fetch(address, { method: after("-X")[0], headers, body: after("-d")[0] });
      expect([path, response.status]).toEqual([path, 200]);
    }
  });

  test("says all of it in Chinese", async () => {
    await using rig = await startRig();
    const document = (await (await fetch(`${rig.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    const dialects = describeDialects(document, { origin: rig.url, imageModel: "i", videoModel: "v" });
    const texts = dialects.flatMap(({ routes }) =>
      routes.flatMap(({ summary, fields }) => [summary, ...fields.map((field) => field.description)]),
    );
    expect([...new Set(texts)].filter((text) => text !== "" && zh.api.describe(text) === text)).toEqual([]);
  });
});

describe("about", () => {
  test("names every library with its licence, and has the texts", async () => {
    await using rig = await startRig();
    const admin = await signIn(rig);
    const html = await (await admin.get("/admin/system/about")).text();
    const { dependencies } = (await Bun.file(join(import.meta.dir, "../../package.json")).json()) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies).filter((name) => !html.includes(`>${name}<`))).toEqual([]);
    const texts = await (await admin.get(/href="([^"]*licences\.txt)"/.exec(html)![1]!)).text();
    expect(texts).toContain("Permission is hereby granted");
  });

  test("the licences are those of what is installed (bun scripts/licences.ts)", async () => {
    const { list, texts } = licences();
    const read = (path: string) => Bun.file(join(import.meta.dir, "../..", path)).text();
    expect([(await read("src/admin/licences.json")) === list, (await read("views/assets/licences.txt")) === texts]).toEqual([true, true]);
  });
});
