// The adapter against the simulator: every fault of Flow with its kind, whether it is paid, and how often was submitted.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { ImageRequest } from "../../domain/generation.ts";
import { AppError, type ErrorKind } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import { builtInModels, collect } from "../testing.ts";
import { createFlow } from "./client.ts";
import { createCaller, TEST_IMAGE } from "./testing.ts";

const simulator = await startSimulator();
afterAll(() => simulator.stop());
beforeEach(() => simulator.reset());

const newFlow = () =>
  createFlow({
    models: builtInModels("flow"),
    labsBaseUrl: simulator.flowLabsBaseUrl,
    apiBaseUrl: simulator.flowApiBaseUrl,
    now: Date.now,
    random: Math.random,
    log: silentLog,
  });

const request = (change: Partial<ImageRequest> = {}): ImageRequest => ({
  family: "gemini-3.1-flash-image",
  turns: [{ role: "user", parts: [{ type: "text", text: "a lighthouse" }] }],
  ...change,
});

const withPicture = request({
  turns: [
    {
      role: "user",
      parts: [
        { type: "text", text: "in blue" },
        { type: "image", image: { mime: "image/png", data: new Blob([TEST_IMAGE]) } },
      ],
    },
  ],
});

test("a check learns the plan that the session's account has", async () => {
  const facts = await newFlow().check(createCaller({ secret: "flow-pro-1" }).token, createCaller().call);
  expect(facts).toMatchObject({ tier: 1, credits: 1000, identity: "flow-pro-1@flow.example" });
});

test("a rotated session goes on working", async () => {
  simulator.setFaults("flow.session=rotate");
  const { token, call } = createCaller({ secret: "flow-1" });
  const flow = newFlow();
  await flow.check(token, call);
  expect(token.secret).toMatch(/^flow-1~/);
  expect((await collect(flow, [request(), token, call])).error).toBeUndefined();
});

const LEAST_WIDTH = { "1K": 1000, "2K": 2000, "4K": 4000 };
for (const size of ["1K", "2K", "4K"] as const) {
  test(`an image of ${size} arrives whole`, async () => {
    const { token, call, drafts } = createCaller({ secret: "flow-ultra-1" });
    const { events, error } = await collect(newFlow(), [request({ size }), token, call]);
    expect(error).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "finish", finish: "stop" });
    const { width } = await new Bun.Image(drafts.at(-1)!.bytes).metadata();
    expect(width).toBeGreaterThan(LEAST_WIDTH[size]);
    expect(drafts.map((tempFile) => tempFile.end)).toEqual(["closed"]);
  });
}

test("a reference changes the image", async () => {
  const { token, call, drafts } = createCaller({ secret: "flow-1" });
  const { error } = await collect(newFlow(), [{ ...withPicture, seed: 1 }, token, call]);
  expect(error).toBeUndefined();
  const plain = { ...withPicture, turns: [{ role: "user" as const, parts: withPicture.turns[0]!.parts.slice(0, 1) }] };
  await collect(newFlow(), [{ ...plain, seed: 1 }, token, call]);
  expect(Bun.hash(drafts[0]!.bytes)).not.toBe(Bun.hash(drafts[1]!.bytes));
});

test("a project of another account is left for one of one's own", async () => {
  const first = createCaller({ secret: "flow-1" });
  await collect(newFlow(), [request(), first.token, first.call]);
  const { project } = first.token.state as { project: { id: string } };
  const second = createCaller({ secret: "flow-2", state: { project: { id: project.id } } });
  const { error } = await collect(newFlow(), [withPicture, second.token, second.call]);
  expect(error).toBeUndefined();
  expect(second.token.state.project).not.toMatchObject({ id: project.id });
});

type Case = { faults: string; kind: ErrorKind; charged: boolean; submissions: number; size?: "2K" | "4K" };
const cases: Case[] = [
  { faults: "flow.session=dead", kind: "upstream_unauthorized", charged: false, submissions: 0 },
  { faults: "flow.session=503", kind: "upstream_unavailable", charged: false, submissions: 0 },
  { faults: "flow.session=lost", kind: "network", charged: false, submissions: 0 },
  { faults: "flow.session=cut", kind: "network", charged: false, submissions: 0 },
  { faults: "flow.session=malformed", kind: "upstream_unavailable", charged: false, submissions: 0 },
  { faults: "flow.project=lost", kind: "network", charged: false, submissions: 0 },
  { faults: "flow.project=html", kind: "upstream_unavailable", charged: false, submissions: 0 },
  { faults: "flow.upload=minor", kind: "content_policy", charged: false, submissions: 0 },
  { faults: "flow.upload=lost", kind: "network", charged: false, submissions: 0 },
  { faults: "flow.upload=invalid", kind: "upstream_invalid", charged: false, submissions: 0 },
  { faults: "flow.image=verification", kind: "upstream_verification", charged: false, submissions: 1 },
  { faults: "flow.image=verification-traffic", kind: "upstream_verification", charged: false, submissions: 1 },
  { faults: "flow.image=verification-wrong", kind: "upstream_verification", charged: false, submissions: 1 },
  { faults: "flow.image=verification-nodetails", kind: "upstream_verification", charged: false, submissions: 1 },
  { faults: "flow.image=model-denied", kind: "upstream_model_denied", charged: false, submissions: 1 },
  { faults: "flow.image=quota", kind: "upstream_quota", charged: false, submissions: 1 },
  { faults: "flow.image=429-nodetails", kind: "upstream_quota", charged: false, submissions: 1 },
  { faults: "flow.image=throttled", kind: "upstream_rate_limited", charged: false, submissions: 1 },
  { faults: "flow.image=high-traffic", kind: "upstream_unavailable", charged: false, submissions: 1 },
  { faults: "flow.image=array-error", kind: "upstream_unavailable", charged: false, submissions: 1 },
  { faults: "flow.image=500", kind: "upstream_unavailable", charged: false, submissions: 1 },
  { faults: "flow.image=502", kind: "upstream_unknown_outcome", charged: true, submissions: 1 },
  { faults: "flow.image=504", kind: "upstream_timeout", charged: true, submissions: 1 },
  { faults: "flow.image=html", kind: "upstream_unknown_outcome", charged: true, submissions: 1 },
  { faults: "flow.image=invalid", kind: "upstream_invalid", charged: false, submissions: 1 },
  { faults: "flow.image=unsafe", kind: "content_policy", charged: false, submissions: 1 },
  { faults: "flow.image=sexual", kind: "content_policy", charged: false, submissions: 1 },
  { faults: "flow.image=violence", kind: "content_policy", charged: false, submissions: 1 },
  { faults: "flow.image=prominent-people", kind: "content_policy", charged: false, submissions: 1 },
  { faults: "flow.image=ip-input", kind: "content_policy", charged: false, submissions: 1 },
  { faults: "flow.image=unauthorized", kind: "upstream_unauthorized", charged: false, submissions: 2 },
  { faults: "flow.image=not-found", kind: "upstream_model_denied", charged: false, submissions: 2 },
  { faults: "flow.image=lost", kind: "upstream_unknown_outcome", charged: true, submissions: 1 },
  { faults: "flow.image=cut", kind: "upstream_unknown_outcome", charged: true, submissions: 1 },
  { faults: "flow.image=malformed", kind: "upstream_unknown_outcome", charged: true, submissions: 1 },
  { faults: "flow.download=500, flow.media=500, flow.redirect=500", kind: "upstream_unknown_outcome", charged: true, submissions: 1 },
  { faults: "flow.upscale=verification", kind: "upstream_verification", charged: true, submissions: 1, size: "2K" },
  { faults: "flow.upscale=unsafe", kind: "content_policy", charged: true, submissions: 1, size: "2K" },
  { faults: "flow.upscale=503", kind: "upstream_unavailable", charged: true, submissions: 1, size: "2K" },
  { faults: "flow.upscale=cut", kind: "upstream_unknown_outcome", charged: true, submissions: 1, size: "2K" },
  { faults: "", kind: "upstream_model_denied", charged: true, submissions: 1, size: "4K" },
];

describe("faults", () => {
  for (const { faults, kind, charged, submissions, size } of cases) {
    test(`${faults || "4K on the middle plan"}: ${kind}, ${charged ? "" : "not "}charged`, async () => {
      simulator.setFaults(faults);
      const { token, call, drafts } = createCaller({ secret: "flow-pro-1" });
      const { error } = await collect(newFlow(), [{ ...withPicture, size }, token, call]);
      expect(error).toBeInstanceOf(AppError);
      expect([(error as AppError).kind, (error as AppError).charged]).toEqual([kind, charged]);
      expect(simulator.counts().operations["flow.image"]?.requests ?? 0).toBe(submissions);
      expect(drafts.filter((tempFile) => tempFile.end !== "discarded")).toEqual([]);
    });
  }

  const survived: [string, string][] = [
    ["flow.download=cut:once", "1K"],
    ["flow.download=500", "1K"],
    ["flow.download=html:2, flow.media=lost", "1K"],
    ["flow.media=slow(1), flow.download=not-found", "1K"],
    ["flow.image=unauthorized:once", "1K"],
    ["flow.image=not-found:once", "1K"],
    ["flow.upscale=503:once", "2K"],
    ["flow.upscale=unauthorized:once", "2K"],
    ["flow.upscale=slow(1)", "2K"],
    ["flow.upscale=escape-slash", "2K"],
    ["flow.upscale=escape-padding", "2K"],
  ];
  for (const [faults, size] of survived) {
    test(`${faults}: the image arrives and is paid once`, async () => {
      simulator.setFaults(faults);
      const { token, call, drafts } = createCaller({ secret: "flow-pro-1" });
      const { events, error } = await collect(newFlow(), [{ ...withPicture, size: size as "1K" }, token, call]);
      expect(error).toBeUndefined();
      expect(events.at(-1)).toMatchObject({ finish: "stop" });
      expect(simulator.counts().operations["flow.image"]?.charged).toBe(1);
      expect(drafts.filter((tempFile) => tempFile.end === "closed")).toHaveLength(1);
    });
  }

  test("nothing made is a finish", async () => {
    simulator.setFaults("flow.image=empty");
    const { token, call } = createCaller({ secret: "flow-1" });
    const { events } = await collect(newFlow(), [request(), token, call]);
    expect(events.at(-1)).toMatchObject({ type: "finish", finish: "no_image" });
  });

  test("a client that leaves while Flow hangs is let go at once", async () => {
    simulator.setFaults("flow.image=hang");
    const { token, call, abort } = createCaller({ secret: "flow-1" });
    const reason = new AppError("cancelled", "The client left.");
    const events: string[] = [];
    const { error } = await collect(newFlow(), [request(), token, call], ({ type }) => {
      events.push(type);
      if (type === "submitted") queueMicrotask(() => abort.abort(reason));
    });
    expect(error).toBe(reason);
    expect(events.at(-1)).toBe("submitted");
  });
});
