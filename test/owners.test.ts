// What one key made is not there for another: every route with an id, by every way to present a key, told apart from nothing and without an upstream call.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createApp } from "../src/app.ts";
import { createMetrics } from "../src/metrics.ts";
import { addKey, until } from "./keys.ts";
import { GEMINI, type Rig, startRig } from "./rig.ts";

setDefaultTimeout(30_000);

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Ids of what a key owns, of every kind that there is. */
type Owned = {
  imageJob: string;
  video: string;
  file: string;
  upload: string;
  made: string;
  operation: string;
  interaction: string;
  response: string;
  medium: string;
};
type Kind = keyof Owned;

/** Of the right shape, and nobody's. */
const NOBODYS: Owned = {
  imageJob: `img_${"a".repeat(26)}`,
  video: `video_${"a".repeat(26)}`,
  file: `file-${"a".repeat(26)}`,
  upload: "a".repeat(26),
  made: "b".repeat(26),
  operation: "a".repeat(26),
  interaction: `v1_img_${"a".repeat(26)}`,
  response: `resp_${"a".repeat(26)}`,
  medium: "a".repeat(26),
};

/** Routes by the first pattern that fits: what stands in the place of their parameter. Null: no key's own, for the reason beside it. */
const PLACES: readonly [route: RegExp, places: readonly string[] | null][] = [
  // Sessions, not keys, open the admin.
  [/^\w+ \/admin\//, null],
  // Names of models, not of anything that a key made; what bodies name is below.
  [/^POST .*\/models\/\*$/, null],
  [/^GET \/v1beta\/openai\/models\/\*$/, null],
  [/^GET .*\/models\/\*$/, ["veo-3.1-generate-preview/operations/<operation>"]],
  [/^POST .*\/(publishers|projects)\/\*$/, null],
  [/^GET .*\/publishers\/\*$/, ["google/models/veo-3.1-generate-preview/operations/<operation>"]],
  [/^GET .*\/projects\/\*$/, ["p/locations/global/publishers/google/models/veo-3.1-generate-preview/operations/<operation>"]],
  // The address of an upload is itself the credential.
  [/^(POST|PUT) \/upload\//, null],
  // There are none.
  [/\/videos\/characters\/:id$/, null],
  // Results are for whoever has their address, inputs for the key alone.
  [/^(GET|HEAD) \/media\/\*$/, ["<medium>.png"]],
  [/\/images\/generations\/:id/, ["<imageJob>"]],
  [/\/videos\/:id/, ["<video>"]],
  [/\/responses\/:id/, ["<response>"]],
  [/^\w+ \/v1\/files\/:id$/, ["<file>", "<upload>", "<made>", "<upload>:download", "<operation>:download"]],
  [/^\w+ \/v1\/files\/:id\/content$/, ["<file>"]],
  [/\/openai\/files\/:id/, ["<file>"]],
  [/^GET .*\/files\/(:id|\*)$/, ["<upload>", "<made>", "<operation>", "<upload>:download", "<operation>:download"]],
  [/^DELETE .*\/files\/(:id|\*)$/, ["<upload>", "<made>", "<operation>"]],
  [/\/operations\/\*$/, ["<operation>"]],
  [/\/interactions\/:id/, ["<interaction>"]],
];

const CARRIERS: readonly [name: string, (path: string, key: string) => [path: string, headers: Record<string, string>]][] = [
  ["Authorization", (path, key) => [path, { authorization: `Bearer ${key}` }]],
  ["x-goog-api-key", (path, key) => [path, { "x-goog-api-key": key }]],
  ["?key=", (path, key) => [`${path}?key=${key}`, {}]],
];

let rig: Rig;
let stranger: string;
let owned: Owned;
let routes: string[];

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI], simulator: { videoMs: 0, fileMs: 0 } });
  stranger = await addKey(rig);
  owned = await makeEverything();
  const app = await createApp(
    { ...rig.context, metrics: createMetrics() },
    { refresh: async () => {}, stopping: new AbortController().signal },
  );
  routes = app.routes.filter(({ path }) => /[:*]/.test(path)).map(({ method, path }) => `${method} ${path}`);
});
afterAll(() => rig[Symbol.asyncDispose]());

async function makeEverything(): Promise<Owned> {
  const json = async (path: string, body: object) => (await (await rig.call(path, { json: body })).json()) as { id: string };
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
  const { id: imageJob } = await json("/v1/images/generations", { model: "gemini-nano-banana-2.1", prompt: "a fox", background: true });
  const { id: video } = await json("/v1/videos", { model: "sora-2", prompt: "a fox", input_reference: picture });
  const { id: interaction } = await json("/v1beta/interactions", { model: "gemini-nano-banana-2.1", input: "a fox", background: true });
  const { id: response } = await json("/v1/responses", { model: "gemini-nano-banana-2.1", input: "a fox" });
  const form = new FormData();
  form.append("file", new Blob([Buffer.from(PIXEL, "base64")]), "pixel.png");
  form.append("purpose", "vision");
  const { id: file } = (await (await rig.call("/v1/files", { method: "POST", body: form })).json()) as { id: string };
  const done = await until(async () => {
    const job = await rig.context.jobs!.get(video, null);
    return job?.state === "completed" && job;
  });
  await until(async () => (await rig.context.jobs!.get(imageJob, null))?.state === "completed");
  const upload = file.slice("file-".length);
  return {
    imageJob,
    video,
    file,
    upload,
    made: done.mediaIds[0]!,
    operation: video.slice("video_".length),
    interaction,
    response,
    medium: upload,
  };
}

const fill = (text: string, ids: Owned) => text.replace(/<(\w+)>/g, (_, kind: Kind) => ids[kind]);
const placesOf = (route: string) => PLACES.find(([pattern]) => pattern.test(route))?.[1];
/** What two responses are compared by: everything but the ids that were asked for. */
const shapeOf = async (response: Response, ids: Owned) => {
  const longestFirst = Object.values(ids).toSorted((a, b) => b.length - a.length);
  return longestFirst.reduce((text, id) => text.replaceAll(id, "<id>"), `${response.status} ${await response.text()}`);
};

/** All requests of a route for the given ids: each place by each carrier of the key. */
function* requestsOf(route: string, ids: Owned, key: string) {
  const [method, pattern] = route.split(" ") as [string, string];
  for (const place of placesOf(route) ?? []) {
    for (const [carrier, carry] of CARRIERS) {
      const [path, headers] = carry(pattern.replace(/:id|\*/, fill(place, ids)), key);
      const body = method === "POST" ? JSON.stringify({ prompt: "bluer" }) : undefined;
      yield {
        name: `${method} ${pattern.replace(/:id|\*/, place)} by ${carrier}`,
        send: () => fetch(`${rig.url}${path}`, { method, headers: { "content-type": "application/json", ...headers }, body }),
      };
    }
  }
}

test("every route with a parameter is known here", () => {
  expect(routes.filter((route) => placesOf(route) === undefined)).toEqual([]);
  expect(routes.length).toBeGreaterThan(40);
});

test("another key finds nothing by any route and any carrier, and asks no upstream", async () => {
  const before = rig.simulator.counts().total.requests;
  const reported: string[] = [];
  for (const route of routes) {
    const phantoms = [...requestsOf(route, NOBODYS, stranger)];
    for (const [index, { name, send }] of [...requestsOf(route, owned, stranger)].entries()) {
      const response = await send();
      const shape = await shapeOf(response, owned);
      const isNothing =
        response.status === 404 || /^(400|403) .*(Invalid interaction name|or it may not exist)/.test(shape) || isNotACarrier(name, shape);
      if (!isNothing) reported.push(`${name}: ${shape.slice(0, 200)}`);
      const phantom = await shapeOf(await phantoms[index]!.send(), NOBODYS);
      if (shape !== phantom) reported.push(`${name}: ${shape.slice(0, 200)} instead of ${phantom.slice(0, 200)}`);
    }
  }
  expect(reported).toEqual([]);
  expect(rig.simulator.counts().total.requests).toBe(before);
});

/** OpenAI's paths take no key from the query: there the request has none. */
const isNotACarrier = (name: string, shape: string) => name.endsWith("?key=") && /^401 .*invalid_api_key/.test(shape);

test("nobody finds anything without a key", async () => {
  const reported: string[] = [];
  for (const route of routes) {
    for (const { name, send } of requestsOf(route, owned, "")) {
      const { status } = await send();
      if (![400, 401, 404].includes(status)) reported.push(`${name}: ${status}`);
    }
  }
  expect(reported).toEqual([]);
});

describe("what a body names", () => {
  const turn = (part: object) => ({ messages: [{ role: "user", content: [{ type: "text", text: "blue" }, part] }] });
  const contents = (part: object) => ({ contents: [{ role: "user", parts: [{ text: "blue" }, part] }] });
  const image = { model: "gemini-nano-banana-2.1", prompt: "blue" };
  const video = { model: "sora-2", prompt: "blue" };
  const omni = { model: "gemini-omni-1.2-flash", background: true };
  const fileUri = "https://generativelanguage.googleapis.com/v1beta/files/";

  const NAMED: [name: string, path: string, body: object][] = [
    ["a file in chat", "/v1/chat/completions", { model: image.model, ...turn({ type: "file", file: { file_id: "<file>" } }) }],
    [
      "a link to an input in chat",
      "/v1/chat/completions",
      { model: image.model, ...turn({ type: "image_url", image_url: { url: "/media/<medium>.png" } }) },
    ],
    ["a file in an edit", "/v1/images/edits", { ...image, images: [{ file_id: "<file>" }] }],
    [
      "a mask in an edit",
      "/v1/images/edits",
      { ...image, images: [{ image_url: `data:image/png;base64,${PIXEL}` }], mask: { file_id: "<file>" } },
    ],
    [
      "a file in a response",
      "/v1/responses",
      {
        model: image.model,
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text: "x" },
              { type: "input_image", file_id: "<file>" },
            ],
          },
        ],
      },
    ],
    ["a response before", "/v1/responses", { model: image.model, input: "blue", previous_response_id: "<response>" }],
    ["a file of a video", "/v1/videos", { ...video, input_reference: { file_id: "<file>" } }],
    ["a video to edit", "/v1/videos/edits", { ...video, video: { id: "<video>" } }],
    ["a video to go on from", "/v1/videos/extensions", { ...video, video: { id: "<video>" } }],
    [
      "a file of generateContent",
      `/v1beta/models/${image.model}:generateContent`,
      contents({ fileData: { fileUri: `${fileUri}<upload>`, mimeType: "image/png" } }),
    ],
    [
      "a video of Veo",
      "/v1beta/models/veo-3.1-generate-preview:predictLongRunning",
      { instances: [{ prompt: "x", video: { uri: `${fileUri}<operation>` } }] },
    ],
    [
      "a file of an interaction",
      "/v1beta/interactions",
      {
        ...omni,
        input: [
          { type: "image", uri: `${fileUri}<upload>`, mime_type: "image/png" },
          { type: "text", text: "x" },
        ],
      },
    ],
    [
      "a video of an interaction",
      "/v1beta/interactions",
      {
        ...omni,
        input: [
          { type: "video", uri: `${fileUri}<operation>`, mime_type: "video/mp4" },
          { type: "text", text: "x" },
        ],
      },
    ],
    ["an interaction before", "/v1beta/interactions", { ...omni, input: "x", previous_interaction_id: "<interaction>" }],
  ];
  const send = (path: string, body: object, ids: Owned, headers: Record<string, string>) =>
    fetch(`${rig.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: fill(JSON.stringify(body), ids),
    });

  test.each(NAMED)("%s is not there for another key", async (_name, path, body) => {
    const before = rig.simulator.counts().total.requests;
    for (const [carrier, carry] of CARRIERS) {
      const [address, headers] = carry(path, stranger);
      const shape = await shapeOf(await send(address, body, owned, headers), owned);
      expect(`${carrier}: ${shape}`).toMatch(/: 40[0134] /);
      expect(shape).toBe(await shapeOf(await send(address, body, NOBODYS, headers), NOBODYS));
    }
    expect(rig.simulator.counts().total.requests).toBe(before);
  });

  // Or the refusals above would prove nothing.
  test.each(NAMED)("%s serves its owner", async (_name, path, body) => {
    expect((await send(path, body, owned, { authorization: `Bearer ${rig.key}` })).status).toBe(200);
  });
});

test.each(["/v1/videos", "/v1/files", "/v1beta/openai/videos", "/v1beta/openai/files", "/v1beta/files", "/v1alpha/files"])(
  "%s lists nothing of another key",
  async (path) => {
    const listed = async (key: string) =>
      JSON.stringify(await (await fetch(`${rig.url}${path}`, { headers: { authorization: `Bearer ${key}` } })).json());
    expect(await listed(stranger)).not.toMatch(new RegExp(`${owned.operation}|${owned.upload}`));
    expect(await listed(rig.key)).toMatch(new RegExp(`${owned.operation}|${owned.upload}`));
  },
);

test("the owner finds all of it by the same routes", async () => {
  const found = new Set<string>();
  for (const route of routes.filter((one) => one.startsWith("GET "))) {
    for (const { name, send } of requestsOf(route, owned, rig.key)) {
      const response = await send();
      await response.body?.cancel();
      if (response.status === 200) found.add(name.replace(/ by .*/, ""));
    }
  }
  const asked = new Set(
    routes
      .filter((one) => one.startsWith("GET "))
      .flatMap((route) => [...requestsOf(route, owned, rig.key)].map(({ name }) => name.replace(/ by .*/, ""))),
  );
  expect([...asked].filter((name) => !found.has(name))).toEqual([]);
});
