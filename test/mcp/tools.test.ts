// Every MCP tool with official clients of both protocol generations: what a model gets to see, and what a person can open.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { addKey } from "../keys.ts";
import { FLOW, GEMINI, hurriedClock, type Rig, startRig } from "../rig.ts";
import { CLIENTS, connect, errorOf, linkOf, type McpClient, type Note, type Result, textOf } from "./connect.ts";

setDefaultTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], clock: hurriedClock() });
});
afterAll(() => rig[Symbol.asyncDispose]());

const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A job's result, as a model comes to it: by asking again until it is done. */
async function endOf(client: McpClient, id: string, onProgress?: (note: Note) => void): Promise<Result> {
  for (let turn = 0; turn < 20; turn++) {
    const result = await client.call("get_job", { id, wait_seconds: 50 }, { onProgress });
    if ((result._meta?.["flow2api/job"] as { state?: string })?.state === "completed" || result.isError) return result;
  }
  throw new Error("The job did not end.");
}

describe.each(CLIENTS)("with %s", (_name, open, version) => {
  test("the protocol of the client's generation is spoken, and five tools are listed", async () => {
    await using client = await open(rig);
    expect(client.version()).toBe(version);
    const tools = await client.tools();
    expect(tools.map(({ name }) => name)).toEqual(["generate_image", "edit_image", "generate_video", "get_job", "list_models"]);
    const schemas = JSON.stringify(tools.map(({ inputSchema }) => inputSchema));
    expect(schemas).not.toMatch(/anyOf|oneOf|"const"|"null"|multipleOf/);
  });

  test("an image is a small WebP, a link to the stored file, and Markdown", async () => {
    await using client = await open(rig);
    const result = await client.call("generate_image", { prompt: "a fox", aspect_ratio: "16:9", size: "2K" });
    const [preview, link, text] = result.content;
    expect(result.content.map(({ type }) => type)).toEqual(["image", "resource_link", "text"]);
    expect(preview!.mimeType).toBe("image/webp");
    expect(preview!.data!.length).toBeLessThanOrEqual(700_000);
    const { width, height, format } = await new Bun.Image(Buffer.from(preview!.data!, "base64")).metadata();
    expect([format, Math.max(width, height)]).toEqual(["webp", 1024]);
    const file = await fetch(link!.uri!);
    expect([file.status, file.headers.get("content-type")]).toEqual([200, link!.mimeType!]);
    const bytes = await file.bytes();
    expect(bytes.byteLength).toBe(link!.size!);
    const full = await new Bun.Image(bytes).metadata();
    expect(full.width / full.height).toBeCloseTo(16 / 9, 1);
    expect(text!.text).toContain(`](${link!.uri})`);
  });

  test("several images share the memory of one", async () => {
    await using client = await open(rig);
    const { content } = await client.call("generate_image", { prompt: "foxes", n: "3" });
    const previews = content.filter(({ type }) => type === "image");
    expect([previews.length, content.filter(({ type }) => type === "resource_link").length]).toEqual([3, 3]);
    expect(previews.reduce((sum, { data }) => sum + data!.length, 0)).toBeLessThanOrEqual(700_000);
  });

  test("a result is edited by its link, and a data URL too", async () => {
    await using client = await open(rig);
    const first = await client.call("generate_image", { prompt: "a fox in snow" });
    const edited = await client.call("edit_image", { prompt: "make it night", images: [linkOf(first), PIXEL] });
    expect(edited.content.map(({ type }) => type)).toEqual(["image", "resource_link", "text"]);
    expect(linkOf(edited)).not.toBe(linkOf(first));
    const alone = await client.call("edit_image", { prompt: "make it day", images: linkOf(edited) });
    expect(alone.isError).toBeFalsy();
  });

  test("a video is a job, which get_job waits for and turns into a link", async () => {
    await using client = await open(rig);
    const started = await client.call("generate_video", { prompt: "a fox runs", seconds: 4, aspect_ratio: "9:16" });
    const id = /video_[a-z2-7]{26}/.exec(textOf(started))![0];
    expect(textOf(started)).toContain("get_job");
    const notes: Note[] = [];
    const done = await endOf(client, id, (note) => notes.push(note));
    const link = done.content.find(({ type }) => type === "resource_link")!;
    expect([link.mimeType, (await fetch(link.uri!)).status]).toEqual(["video/mp4", 200]);
    expect(textOf(done)).toContain(`[video](${link.uri})`);
    expect(notes.every(({ message }) => / s so far$/.test(message!))).toBe(true);
  });

  test("models are listed with what they make", async () => {
    await using client = await open(rig);
    const { models } = JSON.parse(textOf(await client.call("list_models", { kind: "video" }))) as { models: { [name: string]: unknown }[] };
    expect(models.length).toBeGreaterThan(0);
    expect(new Set(models.map(({ kind }) => kind))).toEqual(new Set(["video"]));
    expect(models[0]).toMatchObject({ default: true, aspect_ratios: ["16:9", "9:16"], resolutions: expect.arrayContaining(["720p"]) });
  });

  test.each([
    ["generate_image", {}, "prompt", "Missing required parameter: 'prompt'."],
    ["generate_image", { prompt: " " }, "prompt", "prompt must be"],
    ["generate_image", { prompt: "x", n: 11 }, "n", "n must be between 1 and 10, got 11."],
    ["generate_image", { prompt: "x", n: "many" }, "n", "a whole number between 1 and 10"],
    ["generate_image", { prompt: "x", aspect_ratio: "huge" }, "aspect_ratio", "aspect_ratio must be an aspect ratio"],
    ["generate_image", { prompt: "x", model: "gemini-9-banana" }, "model", "Did you mean"],
    ["generate_image", { prompt: "x", model: "gemini-omni-1.2-flash" }, "model", "generate_video"],
    ["edit_image", { prompt: "x", images: [] }, "images", "images must be"],
    ["edit_image", { prompt: "x", images: ["not a link"] }, "images[0]", "images[0]"],
    ["edit_image", { prompt: "x", images: ["http://127.0.0.1:1/a.png"] }, "images[0]", "images[0]"],
    ["edit_image", { prompt: "x", images: ["file-aaaaaaaaaaaaaaaaaaaaaaaaaa"] }, "images[0]", "no such"],
    ["generate_video", { prompt: "x", model: "gemini-nano-banana-2.1" }, "model", "generate_image"],
    ["generate_video", { prompt: "x", aspect_ratio: "1:1" }, "aspect_ratio", '"16:9" or "9:16"'],
    ["generate_video", { prompt: "x", last_frame: PIXEL }, "last_frame", "needs a first one"],
    ["generate_video", { prompt: "x", first_frame: PIXEL, reference_images: [PIXEL] }, "reference_images", "not both"],
    ["generate_video", { prompt: "x", video: "video_aaaaaaaaaaaaaaaaaaaaaaaaaa" }, "video", "no such video"],
    ["get_job", { id: "video_aaaaaaaaaaaaaaaaaaaaaaaaaa" }, "id", "no such job"],
    ["get_job", { id: "x", wait_seconds: 51 }, "wait_seconds", "between 0 and 50"],
    ["list_models", { kind: "sound" }, "kind", '"image" or "video"'],
  ])("%s %j is refused as a result that names the argument", async (tool, given, param, words) => {
    await using client = await open(rig);
    const before = rig.simulator.counts().total.accepted;
    const error = errorOf(await client.call(tool, given));
    expect(error).toMatchObject({ isError: true, param });
    expect(error.text).toContain(words);
    expect(rig.simulator.counts().total.accepted).toBe(before);
  });

  test("an unknown tool is an error of the protocol", async () => {
    await using client = await open(rig);
    expect(client.call("generate_sound")).rejects.toThrow("Unknown tool: generate_sound");
  });
});

test("null counts as absent and unknown arguments pass: models send both", async () => {
  await using client = await connect(rig);
  const given = { prompt: "a fox", model: null, n: null, seed: null, size: "auto", aspect_ratio: "", style: "oil", again: null };
  expect((await client.call("generate_image", given)).isError).toBeFalsy();
});

test("names that models write in place of ours are understood", async () => {
  await using client = await connect(rig);
  const image = linkOf(await client.call("generate_image", { prompt: "a house" }));
  expect((await client.call("edit_image", { prompt: "make it red", image_url: image })).isError).toBeFalsy();
  const started = await client.call("generate_video", { prompt: "it burns", image, duration: "4" });
  const { id } = started._meta!["flow2api/job"] as { id: string };
  const shown = await client.call("get_job", { job_id: id });
  expect(shown._meta!["flow2api/job"]).toMatchObject({ id, kind: "video" });
  expect(await rig.context.jobs.get(id, null)).toMatchObject({ mode: "first_frame", seconds: 4 });
});

test("another key's job is not there", async () => {
  await using client = await connect(rig);
  const started = await client.call("generate_video", { prompt: "a fox sleeps" });
  const { id } = started._meta!["flow2api/job"] as { id: string };
  await using stranger = await connect({ url: rig.url, key: await addKey(rig) });
  expect(errorOf(await stranger.call("get_job", { id }))).toMatchObject({ isError: true, code: "job_not_found" });
});

test("a video starts from an image and from another video", async () => {
  await using client = await connect(rig);
  const image = linkOf(await client.call("generate_image", { prompt: "a boat" }));
  const idOf = (result: Awaited<ReturnType<typeof client.call>>) => /video_[a-z2-7]{26}/.exec(textOf(result))?.[0];
  const first = idOf(await client.call("generate_video", { prompt: "it sails", first_frame: image }));
  const done = await endOf(client, first!);
  const edited = idOf(await client.call("generate_video", { prompt: "make it night", video: linkOf(done) }));
  const jobs = await Promise.all([first, edited].map((id) => rig.context.jobs.get(id!, null)));
  expect(jobs.map((job) => [job?.mode, job?.dialect, job?.sourceJobId])).toEqual([
    ["first_frame", "mcp", null],
    ["edit", "mcp", first!],
  ]);
});

test("links go to the address that the operator set", async () => {
  await using other = await startRig({ settings: { "server.public_url": "https://img.example.com" } });
  await using client = await connect(other);
  expect(linkOf(await client.call("generate_image", { prompt: "a fox" }))).toStartWith("https://img.example.com/media/");
});

test("a refusal by content policy and a failure of the upstream are results in the customer's words", async () => {
  await using other = await startRig({ simulator: { faults: "gemini.generate=image-safety" }, settings: { "generation.max_attempts": 1 } });
  await using client = await connect(other);
  const refused = errorOf(await client.call("generate_image", { prompt: "a fox" }));
  expect(refused).toMatchObject({ isError: true, code: "content_policy" });
  other.simulator.setFaults("gemini.generate=503");
  const failed = errorOf(await client.call("generate_image", { prompt: "another fox" }));
  expect(failed.isError).toBe(true);
  expect(failed.text).toContain("Nothing was charged.");
  expect(failed.text).not.toMatch(/token|upstream|pool/i);
});
