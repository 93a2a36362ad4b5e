// Tests of the simulated Interactions API and of its videos over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { clipBytes, clipPoster } from "../media/clips.ts";
import { type Simulator, startSimulator } from "../simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ videoMs: 5, fileMs: 5 });
});

// biome-ignore lint/suspicious/noExplicitAny: replies are asserted field by field
type Json = any;
const OMNI = "gemini-omni-1.2-flash";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function ask(method: string, path: string, body?: unknown, key = "p.1"): Promise<{ status: number; json: Json; text: string }> {
  const init = { method, headers: { "x-goog-api-key": key }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(`${simulator.geminiBaseUrl}/v1beta/${path}`, init);
  const text = await response.text();
  return { status: response.status, text, json: text.startsWith("{") ? JSON.parse(text) : null };
}

const create = (more: object = {}, key?: string) =>
  ask(
    "POST",
    "interactions",
    { model: OMNI, input: "a boat", background: true, response_format: { type: "video", delivery: "uri" }, ...more },
    key,
  );

async function finished(id: string, key?: string): Promise<Json> {
  for (;;) {
    const { json } = await ask("GET", `interactions/${id}`, undefined, key);
    if (json.status !== "in_progress") return json;
    await Bun.sleep(2);
  }
}

const videoOf = (interaction: Json) => interaction.steps?.at(-1)?.content.findLast((block: Json) => block.type === "video");

/** Width and height from the track header of an MP4. */
function pixelsOfMp4(bytes: Uint8Array): [number, number] {
  const file = Buffer.from(bytes);
  const header = file.indexOf("tkhd");
  return [file.readUInt32BE(header + 80) / 65536, file.readUInt32BE(header + 84) / 65536];
}

describe("a clip", () => {
  test.each([
    ["16:9", [320, 180]],
    ["9:16", [180, 320]],
  ] as const)("of %s is H.264 of that shape, with a poster", async (aspect, [width, height]) => {
    for (const pick of [0, 1, 2]) {
      const bytes = clipBytes(aspect, pick, "mark");
      expect(Buffer.from(bytes.subarray(4, 8)).toString()).toBe("ftyp");
      expect(Buffer.from(bytes).includes("avc1")).toBe(true);
      expect(pixelsOfMp4(bytes)).toEqual([width, height]);
      expect(await new Bun.Image(clipPoster(aspect, pick)).metadata()).toMatchObject({ width, height, format: "jpeg" });
    }
  });

  test("differs by its mark alone", () => {
    const [one, other] = [clipBytes("16:9", 0, "a"), clipBytes("16:9", 0, "b")];
    expect(one.subarray(0, -1)).toEqual(other.subarray(0, -1));
    expect(one).not.toEqual(other);
  });
});

describe("a background interaction", () => {
  test("is in progress, then completed with a link to a file that becomes active", async () => {
    simulator.setOptions({ videoMs: 20 });
    const made = await create({
      response_format: { type: "video", aspect_ratio: "9:16", duration: "8s", resolution: "720p", delivery: "uri" },
    });
    expect(made.json.id).toStartWith("v1_");
    expect(made.json).toMatchObject({ object: "interaction", model: OMNI, status: "in_progress" });
    const done = await finished(made.json.id);
    expect(done).toMatchObject({ status: "completed", usage: { total_output_tokens: 8 * 5792 } });
    const { uri } = videoOf(done);
    const name = /files\/[a-z0-9]+/.exec(uri)![0];
    while ((await ask("GET", name)).json.state === "PROCESSING") await Bun.sleep(2);
    const bytes = await (await fetch(uri, { headers: { "x-goog-api-key": "p.2" } })).bytes();
    expect(pixelsOfMp4(bytes)).toEqual([180, 320]);
    expect(simulator.counts().operations["gemini.interaction"]).toEqual({ requests: 1, accepted: 1, charged: 1 });
  });

  test("belongs to its project: another key of it may poll, a stranger gets 400", async () => {
    const { id } = (await create()).json;
    expect((await ask("GET", `interactions/${id}`, undefined, "p.2")).status).toBe(200);
    expect(await ask("GET", `interactions/${id}`, undefined, "q.1")).toMatchObject({
      status: 400,
      json: { error: { code: "invalid_request", message: expect.stringContaining("Invalid interaction name") } },
    });
    expect((await ask("GET", "interactions/v1_nothing")).status).toBe(400);
  });

  test("can be cancelled while it runs, and deleted", async () => {
    simulator.setFaults("gemini.interaction=stuck");
    const { id } = (await create()).json;
    expect((await ask("POST", `interactions/${id}/cancel`)).json.status).toBe("cancelled");
    expect((await ask("GET", `interactions/${id}`)).json.status).toBe("cancelled");
    expect((await ask("DELETE", `interactions/${id}`)).json).toEqual({});
    expect((await ask("GET", `interactions/${id}`)).status).toBe(400);
  });

  test.each([
    ["text", "completed"],
    ["empty", "completed"],
    ["fail", "failed"],
    ["incomplete", "incomplete"],
  ])("with the fault %s ends as %s without a video, and free", async (fault, status) => {
    simulator.setFaults(`gemini.interaction=${fault}`);
    const done = await finished((await create()).json.id);
    expect(done.status).toBe(status);
    expect(videoOf(done)).toBeUndefined();
    if (fault === "text") expect(done.steps.at(-1).content[0].type).toBe("text");
    if (fault === "fail") expect(done.errors[0]).toMatchObject({ code: "internal_error" });
    expect(simulator.counts().total).toMatchObject({ accepted: 1, charged: 0 });
  });

  test("whose reply is lost was charged all the same", async () => {
    simulator.setFaults("gemini.interaction=lost:once");
    await create().catch(() => null);
    expect(simulator.counts().total).toMatchObject({ accepted: 1, charged: 1 });
  });

  test("reports a status nobody knows, and errors with a word for a code", async () => {
    const { id } = (await create()).json;
    simulator.setFaults("gemini.interaction-get=strange-status:1,gemini.interaction-get=429-string:1");
    expect((await ask("GET", `interactions/${id}`)).json.status).toBe("pondering");
    expect(await ask("GET", `interactions/${id}`)).toMatchObject({ status: 429, json: { error: { code: "too_many_requests" } } });
  });

  test("may end in a file that failed, or one behind a redirect", async () => {
    simulator.setFaults("gemini.interaction=file-failed:1,gemini.file-download=redirect");
    const [broken, fine] = [(await create()).json, (await create()).json];
    const uriOf = async (id: string) => videoOf(await finished(id)).uri as string;
    const active = async (uri: string) => {
      const name = /files\/[a-z0-9]+/.exec(uri)![0];
      for (;;) {
        const { state } = (await ask("GET", name)).json;
        if (state !== "PROCESSING") return state;
        await Bun.sleep(2);
      }
    };
    expect(await active(await uriOf(broken.id))).toBe("FAILED");
    const uri = await uriOf(fine.id);
    expect(await active(uri)).toBe("ACTIVE");
    const redirect = await fetch(uri, { headers: { "x-goog-api-key": "p.1" }, redirect: "manual" });
    expect(redirect.status).toBe(302);
    expect((await fetch(redirect.headers.get("location")!)).headers.get("content-type")).toBe("video/mp4");
  });
});

test("an hour passes at once when it is asked for: for the video, and then for its file", async () => {
  const hour = 3_600_000;
  simulator.setOptions({ videoMs: hour, fileMs: hour });
  const { id } = (await create()).json;
  const status = async () => (await ask("GET", `interactions/${id}`)).json.status;
  expect(await status()).toBe("in_progress");
  simulator.advance(hour);
  const done = (await ask("GET", `interactions/${id}`)).json;
  expect(done.status).toBe("completed");
  const file = `files/${/files\/([a-z0-9]+)/.exec(videoOf(done).uri)![1]}`;
  expect((await ask("GET", file)).json.state).toBe("PROCESSING");
  simulator.advance(hour);
  expect((await ask("GET", file)).json.state).toBe("ACTIVE");
});

describe("an interaction that is waited for", () => {
  test("answers completed with the bytes inline", async () => {
    const { json } = await create({ background: false, response_format: { type: "video", delivery: "inline" } });
    expect(json.status).toBe("completed");
    expect(pixelsOfMp4(Buffer.from(videoOf(json).data, "base64"))).toEqual([320, 180]);
  });

  test("streams its events in order", async () => {
    const { text } = await create({ background: false, stream: true });
    const events = [...text.matchAll(/^event: (.+)$/gm)].map(([, name]) => name);
    expect(events.slice(0, 3)).toEqual(["interaction.created", "interaction.status_update", "step.start"]);
    expect(events.slice(-3)).toEqual(["step.stop", "interaction.completed", "done"]);
    expect(text.trim()).toEndWith("data: [DONE]");
    const deltas = [...text.matchAll(/^data: (\{.*"step\.delta".*\})$/gm)].map(([, data]) => JSON.parse(data!).delta.type);
    expect(deltas).toEqual(["thought_summary", "thought_signature", "video"]);
  });

  test("generates with image models too", async () => {
    const { json } = await create({
      model: "gemini-3-pro-image",
      background: false,
      response_format: [{ type: "image", aspect_ratio: "16:9", image_size: "1K" }],
    });
    const [image] = json.steps.at(-1).content;
    expect(await new Bun.Image(Buffer.from(image.data, "base64")).metadata()).toMatchObject({ width: 1376, height: 768 });
    expect(json.usage.output_tokens_by_modality).toEqual([{ modality: "image", tokens: 1120 }]);
  });

  test("extends and edits what was made before, in its shape", async () => {
    const first = (await create({ response_format: { type: "video", aspect_ratio: "9:16" }, background: false })).json;
    const task = { generation_config: { video_config: { task: "extend" } }, response_format: { type: "video" } };
    const { json } = await create({ ...task, previous_interaction_id: first.id, background: false });
    expect(pixelsOfMp4(Buffer.from(videoOf(json).data, "base64"))).toEqual([180, 320]);
  });

  test("is empty where uploaded videos may not be edited", async () => {
    const video = { type: "video", data: Buffer.from(clipBytes("16:9", 0, "x")).toString("base64"), mime_type: "video/mp4" };
    const edit = {
      input: [video, { type: "text", text: "greener" }],
      background: false,
      response_format: { type: "video" },
      generation_config: { video_config: { task: "edit" } },
    };
    expect((await create(edit, "eea.1")).json).toMatchObject({ status: "completed", steps: [] });
    expect(videoOf((await create(edit)).json)).toBeDefined();
  });
});

describe("what the upstream refuses", () => {
  const image = { type: "image", data: PNG, mime_type: "image/png" };
  const text = { type: "text", text: "x" };
  const task = (name: string) => ({ generation_config: { video_config: { task: name } } });
  test.each([
    ["a duration as a number", { response_format: { type: "video", duration: 8 } }],
    ["a duration without unit", { response_format: { type: "video", duration: "8" } }],
    ["sixteen seconds", { response_format: { type: "video", duration: "16s" } }],
    ["eleven seconds on 1.1", { model: "gemini-omni-1.1-flash", response_format: { type: "video", duration: "11s" } }],
    ["a square video", { response_format: { type: "video", aspect_ratio: "1:1" } }],
    ["480p", { response_format: { type: "video", resolution: "480p" } }],
    ["a bucket", { response_format: { type: "video", gcs_uri: "gs://x" } }],
    ["an unknown field", { negative_prompt: "blur" }],
    ["safety settings", { safety_settings: [] }],
    ["a system instruction", { system_instruction: "be calm" }],
    ["background without store", { store: false }],
    ["an unknown task", task("dance")],
    ["text_to_video with an image", { ...task("text_to_video"), input: [image, text] }],
    ["three frames", { ...task("image_to_video"), input: [image, image, image, text] }],
    ["an edit of nothing", task("edit")],
    ["seven images", { input: [...Array.from({ length: 7 }, () => image), text] }],
    ["a video from anywhere", { input: [{ type: "video", uri: "https://example.com/a.mp4" }, text] }],
    ["no text", { input: [image] }],
    ["nobody's interaction", { previous_interaction_id: "v1_nothing" }],
  ])("%s", async (_, more) => {
    const { status, json } = await create(more);
    expect([400, 403]).toContain(status);
    expect(json.error.message).toBeTruthy();
    expect(simulator.counts().total.accepted).toBe(0);
  });

  test("retired and unknown models are 404", async () => {
    expect(await create({ model: "gemini-omni-flash-preview" })).toMatchObject({
      status: 404,
      json: { error: { message: expect.stringContaining("no longer available") } },
    });
    expect(await create({ model: "gemini-omni-9" })).toMatchObject({ status: 404, json: { error: { code: "not_found" } } });
  });

  test("images by steps, with uri or data, are fine", async () => {
    const input = [
      { type: "user_input", content: [image, { type: "image", uri: "https://example.com/a.png", mime_type: "image/png" }, text] },
    ];
    expect((await create({ ...task("image_to_video"), input })).status).toBe(200);
  });
});
