// Texts that wait: a request holds its text for as long as it waits, on disk too when it is a job. Both are bounded and counted.
import { expect, test } from "bun:test";
import { MAX_TEXT } from "../../src/gateway/generation/inputs/request-text.ts";
import { addKey, until } from "../keys.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
const GENERATE = `/v1beta/models/${MODEL}`;
const said = (...texts: string[]) => texts.map((content, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content }));

/** Bodies whose text is as long as it says, in one place or in several together. */
const ROUTES: [string, string, (length: number) => object][] = [
  ["chat", "/v1/chat/completions", (length) => ({ model: MODEL, messages: said("x".repeat(length)) })],
  [
    "a conversation, streamed",
    "/v1/chat/completions",
    (length) => ({ model: MODEL, stream: true, messages: said("x".repeat(length / 2), "x".repeat(length / 2 - 7), "a fox a") }),
  ],
  ["responses", "/v1/responses", (length) => ({ model: MODEL, input: "x".repeat(length - 10), instructions: "be gentle!" })],
  ["generateContent", `${GENERATE}:generateContent`, (length) => ({ contents: [{ parts: [{ text: "x".repeat(length) }] }] })],
  [
    "a system instruction",
    `${GENERATE}:streamGenerateContent?alt=sse`,
    (length) => ({ contents: [{ parts: [{ text: "a fox" }] }], systemInstruction: { parts: [{ text: "x".repeat(length - 5) }] } }),
  ],
  ["predict", "/v1beta/models/imagen-4.0-generate-001:predict", (length) => ({ instances: [{ prompt: "x".repeat(length) }] })],
  ["an interaction", "/v1beta/interactions", (length) => ({ model: MODEL, input: "x".repeat(length) })],
  ["an interaction in the background", "/v1beta/interactions", (length) => ({ model: MODEL, input: "x".repeat(length), background: true })],
  ["a video", "/v1beta/models/veo-3.1-generate-preview:predictLongRunning", (length) => ({ instances: [{ prompt: "x".repeat(length) }] })],
  [
    "a video over chat",
    "/v1/chat/completions",
    (length) => ({ model: "veo-3.1-generate-preview", stream: true, messages: said("x".repeat(length)) }),
  ],
];

test.each(ROUTES)("%s of more text than a model reads is 400, and leaves no job", async (_, path, body) => {
  await using rig = await startRig();
  const refused = await rig.call(path, { json: body(MAX_TEXT + 2) });
  expect([refused.status, JSON.stringify(await refused.json())]).toEqual([400, expect.stringContaining("1,000,000 characters")]);
  expect(await rig.context.store.listJobs({ keyId: null, limit: 9, order: "desc" })).toEqual([]);
  expect(rig.simulator.counts().total.requests).toBe(0);
});

test("as much text as a model reads is served", async () => {
  await using rig = await startRig();
  for (const [name, path, body] of ROUTES.slice(0, 6)) {
    const response = await rig.call(path, { json: body(MAX_TEXT) });
    await response.arrayBuffer();
    expect([name, response.status]).toEqual([name, 200]);
  }
  expect(heldOf(rig)).toBe(0);
});

const heldOf = (rig: Rig) => rig.context.bodyBudget.held;

test("the text of a request counts while it waits and while its call is made, for its key", async () => {
  const settings = { "server.body_limit_mb": 3, "server.bodies_in_flight_mb": 16, "server.bodies_per_key_percent": 1 };
  await using rig = await startRig({ tokens: [{ ...GEMINI, imageConcurrency: 1 }], settings });
  rig.simulator.setFaults("gemini.generate=hang");
  const left = new AbortController();
  const text = "x".repeat(900_000);
  const send = async (authorization = `Bearer ${rig.key}`) => {
    const response = await rig.chat({ stream: true, messages: said(text) }, { signal: left.signal, headers: { authorization } });
    const read = response.text().catch(() => "");
    return { status: response.status, read };
  };
  const first = await send();
  const second = await send();
  expect([first.status, second.status, heldOf(rig)]).toEqual([200, 200, 1_800_000]);
  const third = await send();
  expect([third.status, await third.read]).toEqual([429, expect.stringContaining("hold too many bytes")]);
  const others = await send(`Bearer ${await addKey(rig)}`);
  expect([others.status, heldOf(rig)]).toEqual([200, 2_700_000]);
  rig.context.settings.current().generation.on_disconnect = "abort";
  left.abort();
  await until(() => heldOf(rig) === 0);
});
