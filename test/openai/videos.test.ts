// /v1/videos end to end: a real server, a real upstream over HTTP, raw bodies as clients send them. Numbers are those of the acceptance checks.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { newKey } from "../../src/ids.ts";
import { FLOW, GEMINI, GEMINI_TWO, hurriedClock, type Rig, startRig } from "../rig.ts";

const OMNI = "gemini-omni-1.2-flash";
const DATA_URL = `data:image/png;base64,${PIXEL_PNG.toBase64()}`;

type Video = {
  id: string;
  status: string;
  model: string;
  progress: number;
  error: { code: string; message: string } | null;
  url?: string;
  size: string | null;
  seconds: string;
  remixed_from_video_id: string | null;
} & Record<string, unknown>;
type Failure = { error: { code: string; message: string; param: string | null } };
type Sent = {
  input: { content: { type: string; text?: string }[] }[];
  response_format: Record<string, unknown>;
  generation_config: { video_config: { task: string } };
  previous_interaction_id?: string;
};

let rig: Rig;
let done: Video;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO, FLOW], clock: hurriedClock() });
  done = await ended(rig, (await make()).id);
});
afterAll(() => rig[Symbol.asyncDispose]());

const post = (path: string, json: object, init: RequestInit = {}, on = rig) => on.call(path, { ...init, json });
const form = (path: string, fields: Record<string, string | Blob>) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return rig.call(path, { method: "POST", body });
};
const videoOf = async (response: Response) => {
  const video = (await response.json()) as Video;
  if (response.status !== 200) throw new Error(`${response.status}: ${JSON.stringify(video)}`);
  return video;
};
const failureOf = async (response: Response) => ((await response.json()) as Failure).error;
const make = async (body: object = {}, on = rig) => videoOf(await post("/v1/videos", { prompt: "a fox", model: OMNI, ...body }, {}, on));
const look = async (on: Rig, id: string) => videoOf(await on.call(`/v1/videos/${id}`));

async function ended(on: Rig, id: string): Promise<Video> {
  for (;;) {
    const video = await look(on, id);
    if (video.status === "completed" || video.status === "failed") return video;
    await Bun.sleep(15);
  }
}

const callsOf = (operation: string) => rig.simulator.calls().filter((call) => call.operation === operation);
/** What the upstream was sent for the prompt, once it was. */
async function sentFor(prompt: string): Promise<Sent & { secret: string | null }> {
  for (;;) {
    const call = callsOf("gemini.interaction").find(({ body }) => JSON.stringify(body).includes(prompt));
    if (call) return { ...(call.body as Sent), secret: call.secret };
    await Bun.sleep(10);
  }
}
let prompts = 0;
/** A prompt like no other. */
const newPrompt = () => `prompt ${++prompts} of a fox.`;
/** How images reach the upstream when the body or the form holds this. */
async function picturesSent(send: (prompt: string) => Promise<Response>) {
  const prompt = newPrompt();
  await videoOf(await send(prompt));
  const { input, generation_config } = await sentFor(prompt);
  return { task: generation_config.video_config.task, pictures: input[0]!.content.filter(({ type }) => type === "image").length };
}
const jsonWith = (fields: object) => (prompt: string) => post("/v1/videos", { prompt, model: OMNI, ...fields });
const formWith = (fields: Record<string, string | Blob>) => (prompt: string) => form("/v1/videos", { prompt, model: OMNI, ...fields });

describe("making", () => {
  test("23: the object goes from queued to completed with every field of its type", async () => {
    const prompt = newPrompt();
    const first = await make({ prompt, seconds: "4", size: "720x1280" });
    expect(first).toMatchObject({
      object: "video",
      status: "queued",
      progress: 0,
      seconds: "4",
      size: "720x1280",
      model: OMNI,
      error: null,
    });
    const last = await ended(rig, first.id);
    expect(last).toMatchObject({ status: "completed", progress: 100, seconds: "4", error: null, completed_at: expect.any(Number) });
    expect(last.url).toMatch(/^http:\/\/[^?&]+\.mp4$/);
    expect((await sentFor(prompt)).response_format).toMatchObject({ aspect_ratio: "9:16", resolution: "720p", duration: "4s" });
  });

  test("23: progress never falls", async () => {
    await using own = await startRig({ clock: hurriedClock(), simulator: { videoMs: 1500 } });
    const { id } = await make({}, own);
    const seen = [0];
    for (let video = await look(own, id); video.status !== "completed"; video = await look(own, id)) {
      seen.push(video.progress);
      await Bun.sleep(20);
    }
    expect([seen.every(Number.isInteger), seen.toSorted((a, b) => a - b)]).toEqual([true, seen]);
    expect(seen.at(-1)).toBeGreaterThan(0);
  });

  test("without a model the default one makes it, and numbers are taken for text", async () =>
    expect(await videoOf(await post("/v1/videos", { prompt: "a fox", seconds: 5 }))).toMatchObject({ model: OMNI, seconds: "5" }));

  test("names of retired models are served by their successor, which a header names", async () => {
    const response = await post("/v1/videos", { prompt: "a fox", model: "sora-2" });
    expect([response.headers.get("x-flow2api-successor"), ((await response.json()) as Video).model]).toEqual([
      expect.stringContaining("sora-2"),
      "sora-2",
    ]);
  });

  test("names of python-flow2api are served by Flow", async () => {
    const { id } = await make({ model: "veo_3_1_t2v_fast_portrait" });
    expect(await ended(rig, id)).toMatchObject({ status: "completed", aspect_ratio: "9:16" });
  });

  test("a negative prompt is sent to the model", async () => {
    const prompt = newPrompt();
    await make({ prompt, negative_prompt: "rain" });
    expect((await sentFor(prompt)).input[0]!.content.at(-1)?.text).toContain("Avoid: rain");
  });

  test.each<[string, object, string, string]>([
    ["no prompt", { model: OMNI }, "missing_required_parameter", "prompt"],
    ["a strange size", { prompt: "a", size: "big" }, "invalid_value", "size"],
    ["a model of pictures", { prompt: "a", model: "gemini-3-pro-image" }, "model_not_found", "model"],
    ["no such model", { prompt: "a", model: "nothing" }, "model_not_found", "model"],
    [
      "pictures that the id does not take",
      { prompt: "a", model: "veo_3_1_t2v_fast", input_reference: DATA_URL },
      "invalid_value",
      "images",
    ],
    ["a picture that is none", { prompt: "a", input_reference: "data:image/png;base64,AAAA" }, "invalid_value", "input_reference"],
  ])("%s is refused before an upstream is called", async (_, body, code, param) => {
    const before = rig.simulator.calls().length;
    expect(await failureOf(await post("/v1/videos", body))).toMatchObject({ code, param });
    expect(rig.simulator.calls().length).toBe(before);
  });
});

describe("22: an image to begin with", () => {
  const file = () => new File([PIXEL_PNG], "blob", { type: "application/octet-stream" });
  test.each<[string, (prompt: string) => Promise<Response>]>([
    ["as a file", formWith({ seconds: "4", input_reference: file() })],
    ["as input_reference[image_url]", formWith({ "input_reference[image_url]": DATA_URL })],
    ["as a text field", formWith({ input_reference: DATA_URL })],
    ["as LobeHub sends it", jsonWith({ seconds: "8", input_reference: { image_url: DATA_URL } })],
    ["as Cherry Studio sends it", jsonWith({ input_reference: DATA_URL })],
    ["as first_frame", jsonWith({ first_frame: DATA_URL })],
  ])("%s is the first frame", async (_, send) => expect(await picturesSent(send)).toEqual({ task: "image_to_video", pictures: 1 }));

  test("as file_id is the key's uploaded file", async () => {
    const body = new FormData();
    body.append("file", file());
    const { id } = (await (await rig.call("/v1/files", { method: "POST", body })).json()) as { id: string };
    expect(await picturesSent(jsonWith({ input_reference: { file_id: id } }))).toEqual({ task: "image_to_video", pictures: 1 });
  });

  test("with a last one is two frames, several are references", async () => {
    const frames = { first_frame: DATA_URL, last_frame: DATA_URL };
    expect(await picturesSent(jsonWith(frames))).toEqual({ task: "image_to_video", pictures: 2 });
    const references = { input_references: [{ image_url: { url: DATA_URL } }, { image_url: { url: DATA_URL } }] };
    expect(await picturesSent(jsonWith(references))).toEqual({ task: "reference_to_video", pictures: 2 });
  });
});

describe("content", () => {
  const content = (id: string, init: RequestInit = {}, query = "") => rig.call(`/v1/videos/${id}/content${query}`, init);

  test("22: is a playable file, whole and by ranges", async () => {
    const whole = await content(done.id);
    const bytes = await whole.bytes();
    expect([whole.status, whole.headers.get("content-type"), Buffer.from(bytes.subarray(4, 8)).toString()]).toEqual([
      200,
      "video/mp4",
      "ftyp",
    ]);
    const part = await content(done.id, { headers: { range: "bytes=0-99" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 0-99/${bytes.length}`]);
    expect(await part.bytes()).toEqual(bytes.subarray(0, 100));
  });

  test("28: is a 409 that is not retried until the video is completed", async () => {
    await using own = await startRig({ simulator: { videoMs: 60_000 } });
    const { id } = await make({}, own);
    const response = await own.call(`/v1/videos/${id}/content`);
    expect([response.status, response.headers.get("x-should-retry"), (await failureOf(response)).code]).toEqual([
      409,
      "false",
      "video_not_ready",
    ]);
  });

  test("has a thumbnail where the video begins with a given image, else an honest 404", async () => {
    const { id } = await ended(rig, (await make({ input_reference: DATA_URL })).id);
    const still = await content(id, {}, "?variant=thumbnail");
    expect([still.status, still.headers.get("content-type"), await still.bytes()]).toEqual([200, "image/png", PIXEL_PNG]);
    for (const query of ["?variant=thumbnail", "?variant=spritesheet"]) {
      const none = await content(done.id, {}, query);
      expect([none.status, (await failureOf(none)).code]).toEqual([404, "not_found"]);
    }
    expect((await content(done.id, {}, "?variant=poster")).status).toBe(400);
  });

  test("24: is gone with the video, and so is the link", async () => {
    const video = await ended(rig, (await make()).id);
    const deleted = await rig.call(`/v1/videos/${video.id}`, { method: "DELETE" });
    expect(await deleted.json()).toEqual({ id: video.id, object: "video.deleted", deleted: true });
    const after = await Promise.all([content(video.id), rig.call(`/v1/videos/${video.id}`), fetch(video.url!)]);
    expect(after.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(after[0]!.headers.get("content-type")).toContain("application/json");
  });
});

describe("videos from videos", () => {
  test("27: a remix goes on from the interaction on the same token", async () => {
    const [first, second] = [newPrompt(), newPrompt()];
    const source = await ended(rig, (await make({ prompt: first, seconds: 4, size: "720x1280" })).id);
    const remix = await videoOf(await post(`/v1/videos/${source.id}/remix`, { prompt: second }));
    expect(remix).toMatchObject({ remixed_from_video_id: source.id, model: OMNI, seconds: "4", size: "720x1280" });
    expect((await ended(rig, remix.id)).status).toBe("completed");
    const { secret, previous_interaction_id, generation_config } = await sentFor(second);
    expect([secret, generation_config.video_config.task]).toEqual([(await sentFor(first)).secret, "edit"]);
    expect(callsOf("gemini.interaction-get").map(({ path }) => path.split("/").at(-1))).toContain(previous_interaction_id!);
  });

  test("a remix of what the model cannot change is made by one that can", async () => {
    const source = await ended(rig, (await make({ model: "veo_3_1_t2v_fast_landscape" })).id);
    const remix = await videoOf(await post(`/v1/videos/${source.id}/remix`, { prompt: "make it blue" }));
    expect([remix.model, (await ended(rig, remix.id)).status]).toEqual([OMNI, "completed"]);
  });

  test("an edit takes a video of ours by id, an uploaded one, and our own link", async () => {
    const clip = await (await rig.call(`/v1/videos/${done.id}/content`)).blob();
    const sent = [
      await form("/v1/videos/edits", { prompt: "at night", "video[id]": done.id }),
      await form("/v1/videos/edits", { prompt: "at night", video: new File([clip], "a.mp4", { type: "video/mp4" }) }),
      await post("/v1/videos/edits", { prompt: "at night", video: { url: done.url } }),
    ];
    const made = await Promise.all(sent.map(videoOf));
    expect(made.map((video) => video.remixed_from_video_id)).toEqual([done.id, null, done.id]);
    const ends = await Promise.all(made.map(({ id }) => ended(rig, id)));
    expect(ends.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
  });

  test("an extension goes on from it, on Flow as well", async () => {
    const prompt = newPrompt();
    const body = { prompt, seconds: "4", "video[id]": done.id };
    expect((await ended(rig, (await videoOf(await form("/v1/videos/extensions", body))).id)).status).toBe("completed");
    expect((await sentFor(prompt)).generation_config.video_config.task).toBe("extend");
    const veo = await ended(rig, (await make({ model: "veo_3_1_t2v_fast_landscape" })).id);
    const longer = await videoOf(await post("/v1/videos/extensions", { prompt: "it runs away", video: { id: veo.id } }));
    expect([longer.model, (await ended(rig, longer.id)).status]).toEqual(["veo_3_1_t2v_fast_landscape", "completed"]);
  });

  test("the other dialect knows by our link which video is meant, too", async () => {
    const prompt = newPrompt();
    const body = { instances: [{ prompt, video: { uri: done.url } }] };
    await post("/v1beta/models/veo-3.1-generate-preview:predictLongRunning", body);
    expect(await sentFor(prompt)).toMatchObject({ previous_interaction_id: expect.any(String) });
  });

  test.each<[string, string, object, number, string]>([
    ["an edit without a video", "/v1/videos/edits", { prompt: "a" }, 400, "missing_required_parameter"],
    ["an edit of no video of ours", "/v1/videos/edits", { prompt: "a", video: { id: "video_none" } }, 404, "not_found"],
    ["a remix of nothing", "/v1/videos/video_none/remix", { prompt: "a" }, 404, "not_found"],
    ["a character", "/v1/videos/characters", { name: "a" }, 404, "unknown_url"],
  ])("%s is refused", async (_, path, body, status, code) => {
    const response = await post(path, body);
    expect([response.status, (await failureOf(response)).code]).toEqual([status, code]);
  });
});

describe("24: whose it is", () => {
  test("another key sees nothing of it, and no upstream is called", async () => {
    const { key } = await otherKey();
    const headers = { authorization: `Bearer ${key}` };
    const before = rig.simulator.calls().length;
    const responses = await Promise.all([
      rig.call(`/v1/videos/${done.id}`, { headers }),
      rig.call(`/v1/videos/${done.id}/content`, { headers }),
      rig.call(`/v1/videos/${done.id}`, { method: "DELETE", headers }),
      post(`/v1/videos/${done.id}/remix`, { prompt: "mine" }, { headers }),
      post("/v1/videos/edits", { prompt: "mine", video: { id: done.id } }, { headers }),
      post("/v1/videos/extensions", { prompt: "mine", video: { id: done.id } }, { headers }),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
    expect(await (await rig.call("/v1/videos", { headers })).json()).toEqual({
      object: "list",
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
    expect(rig.simulator.calls().length).toBe(before);
    expect((await look(rig, done.id)).status).toBe("completed");
  });

  test("pages of one show every video once, in both orders", async () => {
    await using own = await startRig();
    const ids: string[] = [];
    for (const prompt of ["one", "two", "three"]) ids.push((await make({ prompt }, own)).id);
    const pages = async (order: string) => {
      const seen: string[] = [];
      for (let after = "", more = true; more; ) {
        const response = await own.call(`/v1/videos?limit=1&order=${order}&after=${after}`);
        const page = (await response.json()) as { data: Video[]; last_id: string; has_more: boolean };
        seen.push(...page.data.map(({ id }) => id));
        [after, more] = [page.last_id, page.has_more];
      }
      return seen;
    };
    expect([await pages("asc"), await pages("desc")]).toEqual([ids, ids.toReversed()]);
    expect((await own.call("/v1/videos?limit=none")).status).toBe(400);
  });
});

describe("failures", () => {
  test.each([
    ["gemini.interaction=text", "moderation_blocked"],
    ["gemini.interaction=fail", expect.any(String)],
  ])("25: %s is reported in the object, and nowhere else", async (faults, code) => {
    await using own = await startRig({ clock: hurriedClock(), simulator: { faults } });
    const video = await ended(own, (await make({}, own)).id);
    expect(video).toMatchObject({ status: "failed", error: { code, message: expect.any(String) } });
    expect("url" in video).toBe(false);
    expect(own.context.pool.gauges().tokens).toMatchObject({ healthy: 1 });
    expect((await own.call(`/v1/videos/${video.id}/content`)).status).toBe(404);
  });

  test("a lost response is not repeated: the job fails as unknown, for the operator to decide", async () => {
    await using own = await startRig({ clock: hurriedClock(), simulator: { faults: "gemini.interaction=lost" } });
    const { error } = await ended(own, (await make({}, own)).id);
    expect(error).toMatchObject({ code: "unknown", message: expect.stringContaining("operator") });
    expect(own.simulator.counts().total.accepted).toBe(1);
  });
});

test("the same Idempotency-Key gives the same job, with another body a conflict", async () => {
  const headers = { "idempotency-key": "fox-1" };
  const send = (prompt: string) => post("/v1/videos", { prompt, model: OMNI, input_reference: DATA_URL }, { headers });
  const [first, again] = [await videoOf(await send("a fox")), await videoOf(await send("a fox"))];
  const other = await send("a cat");
  expect([again.id, other.status]).toEqual([first.id, 409]);
});

test("clients that poll get an interval", async () =>
  expect((await rig.call(`/v1/videos/${done.id}`)).headers.get("openai-poll-after-ms")).toBe("3000"));

test("models of videos are listed, and aliases by themselves", async () => {
  type List = { data: { id: string; is_alias?: boolean; architecture: { output_modalities: string[] } }[] };
  const { data } = (await (await rig.call("/v1/models?all=true")).json()) as List;
  const videos = data.filter(({ architecture }) => architecture.output_modalities.includes("video")).map(({ id }) => id);
  expect(videos).toEqual(expect.arrayContaining([OMNI, "veo-3.1", "sora-2", "veo_3_1_t2v_fast_landscape"]));
  const aliases = (await (await rig.call("/v1/models/aliases")).json()) as List;
  expect([aliases.data.every(({ is_alias }) => is_alias), aliases.data.some(({ id }) => id === OMNI)]).toEqual([true, false]);
});

test("every video is counted by its result", async () =>
  expect(await (await fetch(`${rig.url}/metrics`)).text()).toMatch(
    /flow2api_generation_requests_total\{generation_type="video",provider="gemini",model="[a-z0-9.-]+",result="ok"\} [1-9]/,
  ));

/** A second key of the same gateway, known to the running server. */
async function otherKey() {
  const { context } = rig;
  const { key, prefix } = newKey();
  await context.store.insertKey({ name: "other", hash: hashKey(key), prefix }, Date.now());
  context.keys.load(await context.store.listKeys(), await context.store.listKeyHashes());
  return { key };
}
