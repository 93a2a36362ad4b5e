// Metrics of a server that has served: what each counts, with which labels, and what Prometheus' own checker says of them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { hasPromtool, promtool } from "./promtool.ts";
import { FLOW, GEMINI, GEMINI_TWO, hurriedClock, type Rig, startRig } from "./rig.ts";

let rig: Rig;
let text: string;

const scrape = async () => (await fetch(`${rig.url}/metrics`)).text();

/** Labels and value of each sample of a metric. */
const samplesOf = (name: string) =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`, "gm"))].map(([, labels = "", value]) => ({
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label!, text!])),
    value: Number(value),
  }));

const sum = (name: string, labels: Record<string, string> = {}) =>
  samplesOf(name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, { value }) => total + value, 0);

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO, { ...FLOW, denyFamilies: ["gemini-3.1-flash-image"] }], clock: hurriedClock() });
  await (await rig.chat()).text();
  await (await rig.chat({ n: 2 })).text();
  rig.simulator.setFaults("gemini.generate=429-minute:once");
  await (await rig.chat()).text();
  rig.simulator.setFaults("gemini.generate=safety:once");
  await (await rig.chat()).text();
  rig.simulator.setFaults("");
  await (await rig.chat({ model: "no-such-model-of-a-client" })).text();
  const { id } = await (await rig.call("/v1/videos", { json: { model: "gemini-omni-1.2-flash", prompt: "a fox", seconds: "4" } })).json();
  for (let polls = 0; polls < 500; polls++) {
    const { status } = await (await rig.call(`/v1/videos/${id}`)).json();
    if (status === "completed" || status === "failed") break;
    await Bun.sleep(10);
  }
  text = await scrape();
});

afterAll(() => rig[Symbol.asyncDispose]());

const GEMINI_IMAGE = { provider: "gemini", model: "gemini-3.1-flash-image" };

test("generations are counted by kind, provider, model and result", () => {
  expect(sum("flow2api_generation_requests_total", { generation_type: "image", ...GEMINI_IMAGE, result: "ok" })).toBe(3);
  expect(sum("flow2api_generation_requests_total", { ...GEMINI_IMAGE, result: "content_policy" })).toBe(1);
  expect(sum("flow2api_generation_requests_total", { generation_type: "video", provider: "gemini", result: "ok" })).toBe(1);
});

test("their durations have the same labels", () => {
  expect(sum("flow2api_generation_duration_seconds_count", { generation_type: "image", ...GEMINI_IMAGE })).toBe(4);
  expect(sum("flow2api_generation_duration_seconds_count", { generation_type: "video", model: "gemini-omni-1.2-flash" })).toBe(1);
});

test("upstream calls are counted by provider, model and result, those that were tried again too", () => {
  expect(sum("flow2api_upstream_attempts_total", { ...GEMINI_IMAGE, result: "ok" })).toBeGreaterThanOrEqual(4);
  expect(sum("flow2api_upstream_attempts_total", { ...GEMINI_IMAGE, result: "upstream_rate_limited" })).toBe(1);
});

test("media made are counted by kind, provider and model, videos in seconds too", () => {
  expect(sum("flow2api_media_made_total", { kind: "image", ...GEMINI_IMAGE })).toBe(4);
  expect(sum("flow2api_media_made_total", { kind: "video", provider: "gemini", model: "gemini-omni-1.2-flash" })).toBe(1);
  expect(sum("flow2api_video_seconds_total", { provider: "gemini", model: "gemini-omni-1.2-flash" })).toBe(4);
});

test("the cost is that of the request log", async () => {
  const rows = await rig.context.requests.list({ limit: 50 });
  const logged = rows.reduce((total, { usd }) => total + usd, 0);
  expect(logged).toBeGreaterThan(0);
  expect(sum("flow2api_cost_usd_total")).toBeCloseTo(logged, 9);
  expect(sum("flow2api_cost_usd_total", { provider: "gemini", model: "gemini-omni-1.2-flash" })).toBeGreaterThan(0);
});

test("cooldowns are counted by reason", () => {
  expect(sum("flow2api_token_cooldowns_total", { provider: "gemini", reason: "per_minute" })).toBe(1);
});

test("tokens that cool down or are blocked now are shown by reason", async () => {
  rig.simulator.setFaults("flow.image=verification:once");
  await (await rig.chat({ model: "imagen-4.0-generate-preview-landscape" })).text();
  rig.simulator.setFaults("");
  text = await scrape();
  expect(sum("flow2api_tokens_cooling", { provider: "flow", reason: "verification" })).toBe(1);
  expect(sum("flow2api_tokens")).toBe(3);
});

test("nothing that a client wrote and nothing of a token is a label", () => {
  expect(text).not.toContain("no-such-model");
  for (const { label, secret } of [GEMINI, GEMINI_TWO, FLOW]) {
    expect(text).not.toContain(`"${label === "flow" ? "flow-session" : label}"`);
    expect(text).not.toContain(secret);
  }
});

test("only counters end in _total", () => {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!] as const);
  expect(types.length).toBeGreaterThan(15);
  expect(types.filter(([name, type]) => name.endsWith("_total") !== (type === "counter"))).toEqual([]);
});

test.skipIf(!hasPromtool)("promtool finds nothing in them", async () => {
  expect(await promtool(["check", "metrics"], text)).toEqual({ code: 0, output: "" });
});
