// Playground over HTTP: plain form, options from the catalogue, progress, runnable code samples.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import type { JobRow } from "../../src/db/jobs.ts";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { EMPTY_FORM, modelIdFor, type PlaygroundForm } from "../../src/gateway/playground/options.ts";
import { newId } from "../../src/ids.ts";
import { type CodeLanguage, PLACEHOLDER_KEY, writeCode } from "../../views/playground/playground-code.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

const OMNI = "gemini-omni-1.2-flash";

let rig: Rig;
let admin: SignedIn;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
  admin = await signIn(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

/** An image of its own, in the store. */
const picture = async () => (await rig.context.media.storeBytes(PIXEL_PNG, { origin: "input", keyId: 1, requestId: null })).id;
const jobOf = async (response: Response): Promise<JobRow> => {
  const id = /job=(\w+)/.exec(response.headers.get("location") ?? response.headers.get("hx-replace-url") ?? "")?.[1];
  if (!id) throw new Error(`${response.status}: ${await response.text()}`);
  return (await rig.context.store.getJob(id))!;
};
const run = async (fields: Record<string, string | string[]>) => jobOf(await admin.post("/admin/playground/runs", fields));
const settings = async (fields: Record<string, string | string[]>) => (await admin.htmx("/admin/playground/settings", fields)).text();
const namesIn = (html: string) => [...html.matchAll(/name="([\w-]+)"/g)].map((match) => match[1]!);
const optionsOf = (html: string, name: string) =>
  [...(new RegExp(`name="${name}".*?</select>`, "s").exec(html)?.[0] ?? "").matchAll(/<option value(?:="([^"]*)")?/g)].map(
    (match) => match[1] ?? "",
  );

describe("without JavaScript", () => {
  test("the form waits and leads to the page with the result", async () => {
    const response = await admin.post("/admin/playground/runs", { prompt: "a fox", model: "gemini-3-pro-image", aspect: "16:9", n: "2" });
    expect(response.status).toBe(303);
    const job = await jobOf(response);
    expect(job).toMatchObject({ state: "completed", family: "gemini-3-pro-image", prompt: "a fox" });
    expect(job.plan).toMatchObject({ n: 2, wish: { aspect: "16:9" } });
    const html = await (await admin.get(response.headers.get("location")!)).text();
    expect(job.mediaIds).toHaveLength(2);
    for (const id of job.mediaIds) expect(html).toContain(`src="/admin/gallery/${id}/file"`);
    expect(html).toContain(">a fox</textarea>");
    expect(html).toContain('<option value="16:9" selected');
  });

  test("files of the form are its references, whatever they call themselves", async () => {
    const body = new FormData();
    for (const [name, value] of Object.entries({ form_token: admin.token, prompt: "more", model: "gemini-3-pro-image" }))
      body.append(name, value);
    body.append("file-pictures", new Blob([PIXEL_PNG], { type: "text/html" }), "<b>.html");
    body.append("file-first", new Blob([]), "");
    const headers = { cookie: admin.cookie, origin: rig.url };
    const response = await fetch(`${rig.url}/admin/playground/runs`, { method: "POST", redirect: "manual", headers, body });
    const job = await jobOf(response);
    expect(job.state).toBe("completed");
    const [input] = await rig.context.store.listMedia({ origin: "input", limit: 1 });
    expect(JSON.stringify(job.plan)).toContain(input!.id);
    expect(input).toMatchObject({ mime: "image/png", keyId: job.keyId });
  });

  test("another model's options come by a button", async () => {
    const html = await (await admin.post("/admin/playground/options", { prompt: "kept", model: OMNI, mode: "frames" })).text();
    expect(namesIn(html)).toEqual(expect.arrayContaining(["mode", "file-first", "file-last", "resolution", "seconds"]));
    expect(html).toContain(">kept</textarea>");
  });
});

describe("options", () => {
  test("are those of the model, no more", async () => {
    const lite = await settings({ model: "gemini-3.1-flash-lite-image" });
    expect(optionsOf(lite, "size")).toEqual(["", "1K"]);
    expect(optionsOf(lite, "thinking")).toEqual(["", "minimal", "high"]);
    expect(namesIn(await settings({ model: "imagen-4" }))).not.toContain("thinking");
    const veo = await settings({ model: "veo-3.1", mode: "references" });
    expect(optionsOf(veo, "quality")).toEqual(["", "fast"]);
    expect(optionsOf(veo, "seconds")).toEqual(["", "8"]);
    expect(namesIn(veo)).toContain("file-pictures");
  });

  test("list every family that the pool serves, and only those", async () => {
    const models = optionsOf(await settings({}), "model");
    expect(models).toEqual(expect.arrayContaining(["gemini-nano-banana-2.1", "gemini-3-pro-image", OMNI, "veo-3.1"]));
    expect(models).not.toContain("gemini-3.5-pro");
  });

  test("inputs are stored in what takes them", async () => {
    const id = await picture();
    const html = await settings({ model: OMNI, mode: "first_frame", pictures: [id] });
    expect(html).toContain(`name="first" value="${id}"`);
  });
});

describe("a run", () => {
  test("without a prompt, or without what its mode needs, says what is missing", async () => {
    const empty = await admin.htmx("/admin/playground/runs", { prompt: " " });
    expect([empty.status, await empty.text()]).toEqual([422, expect.stringContaining('role="alert"')]);
    const frames = await admin.htmx("/admin/playground/runs", { prompt: "x", model: OMNI, mode: "frames", first: [await picture()] });
    expect([frames.status, await frames.text()]).toEqual([422, expect.stringContaining("Add the last frame.")]);
    const gone = await admin.htmx("/admin/playground/runs", { prompt: "x", pictures: [newId()] });
    expect([gone.status, await gone.text()]).toEqual([422, expect.stringContaining("One of the images was deleted")]);
  });

  test("is shown as it goes, until it is over", async () => {
    const response = await admin.htmx("/admin/playground/runs", { prompt: "waves", model: OMNI, seconds: "5", resolution: "360p" });
    expect(await response.text()).toContain('hx-sse:close="over"');
    const job = await jobOf(response);
    expect(job).toMatchObject({ seconds: 5, resolution: "360p", mode: "text" });
    const events = await admin.get(`/admin/playground/runs/${job.id}/events`);
    expect(events.headers.get("content-type")).toStartWith("text/event-stream");
    const text = await events.text();
    expect(text).toContain('data-state="completed"');
    expect(text).toContain("<video");
    expect(text).toEndWith("event: over\ndata: over\n\n");
  });

  test("that waits reports its queue position, here and among the jobs; done, it shows what the model said", async () => {
    await using busy = await startRig({ tokens: [{ ...GEMINI, imageConcurrency: 1 }], simulator: { latencyMs: 2000 } });
    const me = await signIn(busy);
    const locations: string[] = [];
    for (const prompt of ["one", "two", "three"])
      locations.push((await me.htmx("/admin/playground/runs", { prompt })).headers.get("hx-replace-url")!);
    const pageOf = async (path: string) => (await me.get(path)).text();
    expect(await pageOf(locations[1]!)).toContain("Next in the queue for a token");
    expect(await pageOf(locations[2]!)).toContain("number 2 in the queue");
    expect(await pageOf("/admin/jobs")).toContain("2 in the queue");
    busy.simulator.setOptions({ latencyMs: 0 });
    const last = new URL(locations[2]!, busy.url).searchParams.get("job")!;
    const reported = await (await me.get(`/admin/playground/runs/${last}/events`)).text();
    expect(reported).toContain("number 2 in the queue");
    expect(reported.slice(reported.lastIndexOf('data-state="completed"'))).toContain("Here is your image.");
  });

  test("that is refused upstream says why, in place", async () => {
    rig.simulator.setFaults("gemini.generate=blocked-safety:once");
    const job = await run({ prompt: "refused", model: "gemini-nano-banana-2.1" });
    rig.simulator.setFaults("");
    expect(job.state).toBe("failed");
    const html = await (await admin.get(`/admin/playground?job=${job.id}`)).text();
    expect(html).toContain("Failed");
  });

  test("goes on from an image and from a video of the gallery", async () => {
    const image = await run({ prompt: "a house" });
    const edited = await run({ prompt: "at night", pictures: image.mediaIds });
    expect(edited.state).toBe("completed");
    const video = await run({ prompt: "it moves", model: OMNI, mode: "first_frame", first: image.mediaIds, seconds: "3" });
    const extended = await run({ prompt: "and on", model: OMNI, mode: "extend", video: video.mediaIds });
    expect(extended).toMatchObject({ state: "completed", mode: "extend", sourceJobId: video.id });
  });

  test("is under a key of its own, in the history, and audited without its prompt", async () => {
    const job = await run({ prompt: "secret words" });
    expect(rig.context.keys.get(job.keyId)?.name).toBe("admin panel");
    expect(await (await admin.get("/admin/playground/history")).text()).toContain(`/admin/playground?job=${job.id}`);
    const [row] = await rig.context.audit.list({ limit: 1 });
    expect(row).toMatchObject({ action: "playground.run", subject: `job ${job.id}` });
    expect(JSON.stringify(row)).not.toContain("secret words");
  });
});

test("what is used from the gallery is in its slot: an image as reference, a video to be changed", async () => {
  const id = await picture();
  expect(await (await admin.get(`/admin/playground?use=${id}`)).text()).toContain(`name="pictures" value="${id}"`);
  const [video] = await rig.context.store.listMedia({ origin: "result", kind: "video", limit: 1 });
  const html = await (await admin.get(`/admin/playground?use=${video!.id}`)).text();
  expect(html).toContain(`name="video" value="${video!.id}"`);
  expect(html).toContain('<option value="edit" selected');
  expect((await admin.get(`/admin/playground?job=${newId()}`)).status).toBe(404);
});

test("files that are sent on their own become references; what is no image is refused", async () => {
  const send = (bytes: BlobPart) => {
    const body = new FormData();
    body.append("slot", "pictures");
    body.append("file", new Blob([bytes]), "a.png");
    const headers = { cookie: admin.cookie, origin: rig.url, "x-csrf-token": admin.token, "hx-request": "true" };
    return fetch(`${rig.url}/admin/playground/inputs`, { method: "POST", headers, body });
  };
  expect(await (await send(PIXEL_PNG)).text()).toMatch(/name="pictures" value="[a-z2-7]{26}"/);
  expect((await send("no picture")).status).toBe(422);
});

describe("the code shown", () => {
  const CALLS: [string, "image" | "video", Partial<PlaygroundForm>][] = [
    ["an image", "image", { model: "gemini-3-pro-image", prompt: 'it\'s a "fox" $HOME `x`\n', aspect: "16:9", size: "2K" }],
    ["an edit", "image", { model: "gemini-3-pro-image", prompt: "two", n: 2, inputs: { ...EMPTY_FORM.inputs, pictures: ["a", "b"] } }],
    ["a video", "video", { model: OMNI, prompt: "it's", seconds: 4, resolution: "360p", aspect: "9:16", seed: 7, mode: "text" }],
    ["frames", "video", { model: OMNI, prompt: "f", mode: "frames", inputs: { ...EMPTY_FORM.inputs, first: ["a"], last: ["b"] } }],
    [
      "a quality",
      "video",
      { model: "veo-3.1", prompt: "v", mode: "references", quality: "fast", inputs: { ...EMPTY_FORM.inputs, pictures: ["a"] } },
    ],
  ];
  const code = (kind: "image" | "video", change: Partial<PlaygroundForm>, language: CodeLanguage) => {
    const values = { ...EMPTY_FORM, ...change };
    const text = writeCode(
      { kind, origin: rig.url, modelId: modelIdFor(rig.context.catalogue(), values), values },
      { thinking: "", upscale: "" },
    )[language];
    expect(text).toContain(PLACEHOLDER_KEY);
    return text.replaceAll(PLACEHOLDER_KEY, rig.key);
  };
  /** The request of the last job or image, as the operator's own would have been. */
  const expectMade = (kind: string, response: object) => expect(response).toHaveProperty(kind === "image" ? "data" : "status");

  test.each(CALLS)("as curl makes %s", async (_, kind, values) => {
    // The words as a shell hands them to curl, one a line, in base64.
    const script = `curl() { for word; do printf '%s' "$word" | base64 | tr -d '\\n'; echo; done; }\n${code(kind, values, "curl").split("\n\n")[0]}`;
    const words = (await new Response(Bun.spawn(["sh", "-c", script]).stdout).text())
      .trim()
      .split("\n")
      .map((word) => Buffer.from(word, "base64").toString());
    const [url, ...options] = words;
    const headers = new Headers();
    const form = new FormData();
    let body: string | FormData = form;
    for (let index = 0; index < options.length; index += 2) {
      const [option, value] = [options[index]!, options[index + 1]!];
      const cut = value.search(/[:=]/);
      const [name, rest] = [value.slice(0, cut), value.slice(cut + 1).replace(/^ /, "")];
      if (option === "-H") headers.set(name, rest);
      else if (option === "-d") body = value;
      else if (option === "-F") form.append(name, new Blob([PIXEL_PNG]), rest.slice(1));
      else form.append(name, rest);
    }
    const response = await fetch(url!, { method: "POST", headers, body });
    expect(response.status).toBe(200);
    expectMade(kind, (await response.json()) as object);
    const model = modelIdFor(rig.context.catalogue(), { ...EMPTY_FORM, ...values });
    if (kind === "video")
      expect((await rig.context.jobs.list(1, { limit: 1 })).jobs[0]).toMatchObject({ model, prompt: values.prompt!, mode: values.mode! });
  });

  test.each(CALLS)("as TypeScript makes %s", async (_, kind, values) => {
    const lines = code(kind, values, "typescript")
      .split("\n")
      .filter((line) => !line.startsWith("import "));
    const script = new Bun.Transpiler({ loader: "ts" }).transformSync(
      `export async function main() {\n${lines.join("\n").replaceAll("3000", "20")}\n}`,
    );
    const said: string[] = [];
    const files: Record<string, Buffer> = {};
    const names = { OpenAI, toFile, console: { log: (text: string) => said.push(text) } };
    const readFileSync = (_path: string, encoding?: "base64") => (encoding ? PIXEL_PNG.toBase64() : Buffer.from(PIXEL_PNG));
    const writeFileSync = (path: string, bytes: Buffer) => {
      files[path] = bytes;
    };
    const main = new Function(...Object.keys(names), "readFileSync", "writeFileSync", `${script.replace("export ", "")}\nreturn main;`);
    await main(...Object.values(names), readFileSync, writeFileSync)();
    if (kind === "image") expect(said).toHaveLength(values.n ?? 1);
    else expect(files["video.mp4"]!.subarray(4, 8).toString()).toBe("ftyp");
  });
});
