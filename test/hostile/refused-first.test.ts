// What a key may not make is refused before its body has come, and before anything that the body names is fetched.

import { expect, test } from "bun:test";
import { type KeyChange, type KeyLimits, NO_LIMITS } from "../../src/domain/key.ts";
import { KEY, type Rig, startRig } from "../rig.ts";

const NOTHING_LEFT: KeyChange = {
  limits: { ...NO_LIMITS, images: { ...NO_LIMITS.images, total: 0 }, videoSeconds: { ...NO_LIMITS.videoSeconds, day: 0 } },
};

const limits = (change: Partial<KeyLimits>): KeyChange => ({ limits: { ...NO_LIMITS, ...change } });

async function setKey({ context }: Rig, change: KeyChange): Promise<void> {
  const { store, keys } = context;
  await store.updateKey((await store.listKeys())[0]!.id, change);
  keys.load(await store.listKeys(), await store.listKeyHashes());
}

/** The status of a response to a head whose body never comes; "none" when it is waited for. */
async function statusOfHead(rig: Rig, path: string, { type = "application/json", length = 90_000_000, more = "" } = {}): Promise<string> {
  const { hostname, port } = new URL(rig.url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (open) =>
        void open.write(
          `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n${more}\r\n{`,
        ),
      data: (_, data) => resolve(data.toString().slice(9, 12)),
    },
  });
  const waited = (async () => {
    for (let turn = 0; turn < 30; turn++) await Bun.sleep(10);
    return "none";
  })();
  const status = await Promise.race([promise, waited]);
  socket.end();
  return status;
}

const FORM = { type: "multipart/form-data; boundary=x" };
const GENERATE = "/v1beta/models/gemini-3.1-flash-image:generateContent";

test.each<[string, KeyChange, string, object, string]>([
  ["images of a key for videos", { kinds: ["video"] }, "/v1/images/generations", {}, "403"],
  ["a small body, too", { kinds: ["video"] }, "/v1/images/generations", { length: 100 }, "403"],
  ["an edit, as a form", { kinds: ["video"] }, "/v1/images/edits", FORM, "403"],
  ["a video of a key for images", { kinds: ["image"] }, "/v1/videos", FORM, "403"],
  ["a response of a key for videos", { kinds: ["video"] }, "/v1/responses", {}, "403"],
  ["a kind of which no model is allowed", { models: ["veo-3.1-generate-preview"] }, "/v1/images/generations", {}, "403"],
  ["a model that is not allowed", { models: ["gemini-3.1-flash-lite-image"] }, GENERATE, {}, "403"],
  ["a video model's method", { kinds: ["image"] }, "/v1beta/models/veo-3.1-generate-preview:predictLongRunning", {}, "403"],
  ["a chat of a key that may make nothing", NOTHING_LEFT, "/v1/chat/completions", {}, "429"],
  ["an interaction of a key that may make nothing", NOTHING_LEFT, "/v1beta/interactions", { length: 100 }, "429"],
  ["a key without a place", limits({ concurrency: 0 }), "/v1/images/generations", { length: 100 }, "429"],
])("%s", async (_, change, path, head, expected) => {
  await using rig = await startRig();
  await setKey(rig, change);
  expect(await statusOfHead(rig, path, head)).toBe(expected);
});

test("a large body is not waited for when the minute is used up; a repetition's is", async () => {
  await using rig = await startRig();
  await setKey(rig, limits({ rpm: 1 }));
  expect(await statusOfHead(rig, "/v1/chat/completions")).toBe("none");
  expect((await rig.chat()).status).toBe(200);
  expect(await statusOfHead(rig, "/v1/chat/completions")).toBe("429");
  expect(await statusOfHead(rig, GENERATE)).toBe("429");
  expect(await statusOfHead(rig, "/v1/images/edits", FORM)).toBe("429");
  expect(await statusOfHead(rig, "/v1/chat/completions", { more: "idempotency-key: one\r\n" })).toBe("none");
});

test("a side call is answered although nothing is left", async () => {
  await using rig = await startRig();
  await setKey(rig, limits({ rpm: 1 }));
  expect((await rig.chat()).status).toBe(200);
  const hi = { messages: [{ role: "user", content: "hi" }] };
  expect((await rig.chat(hi)).status).toBe(200);
});

test("what a refused request names is not fetched", async () => {
  let fetched = 0;
  await using elsewhere = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      fetched += 1;
      return new Response("no image");
    },
  });
  await using rig = await startRig({ settings: { "media.allow_private_hosts": ["127.0.0.1"] } });
  const url = `http://127.0.0.1:${elsewhere.port}/a.png`;
  const send = () => [
    rig.chat({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "a fox" },
            { type: "image_url", image_url: { url } },
          ],
        },
      ],
    }),
    rig.call("/v1/images/edits", { json: { prompt: "a fox", image: url } }),
    rig.call("/v1/videos", { json: { prompt: "a fox", input_reference: url } }),
    rig.call(GENERATE, { json: { contents: [{ parts: [{ text: "a fox" }, { fileData: { fileUri: url } }] }] } }),
  ];
  await Promise.all(send());
  expect(fetched).toBeGreaterThan(3);
  fetched = 0;
  await setKey(rig, limits({ rpm: 0 }));
  expect((await Promise.all(send())).map(({ status }) => status)).toEqual([429, 429, 429, 429]);
  expect(fetched).toBe(0);
});
