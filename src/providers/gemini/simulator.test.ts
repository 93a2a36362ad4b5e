// The Gemini provider against the simulator: every misbehaviour that it knows of images, in both forms of the call.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { ImageRequest } from "../../domain/generation.ts";
import type { AppError } from "../../errors.ts";
import { CATALOGUE } from "../../gateway/models/testing.ts";
import { silentLog } from "../../log.ts";
import { startSimulator } from "../../simulator/simulator.ts";
import type { ProviderToken } from "../provider.ts";
import { builtInModels, collect, memoryCall } from "../testing.ts";
import { createGemini } from "./client.ts";

const familiesOf = (kind: "image" | "video") =>
  CATALOGUE.families(kind)
    .filter(({ providers }) => providers.gemini)
    .map(({ id }) => id);
const IMAGE_FAMILIES = familiesOf("image");

const simulator = await startSimulator();
const gemini = createGemini({ models: builtInModels("gemini"), baseUrl: simulator.geminiBaseUrl, now: () => 0, log: silentLog });
const token: ProviderToken = { id: 1, secret: "demo-key", proxy: null, state: {} };
const request: ImageRequest = { family: "gemini-nano-banana-2.1", turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }] };

afterAll(() => simulator.stop());
beforeEach(() => simulator.reset());

async function run(change: Partial<ImageRequest> = {}, secret = token.secret) {
  const { call, drafts } = memoryCall();
  const { events, error: thrown } = await collect(gemini, [{ ...request, ...change }, { ...token, secret }, call]);
  const error = (thrown ?? null) as AppError | null;
  const images = events.flatMap((event) => (event.type === "image" ? [event] : []));
  const text = events.flatMap((event) => (event.type === "text" && !event.thought ? [event.text] : [])).join("");
  const finals = images.filter((image) => !image.thought).map((image) => drafts.files[Number(image.draft.path)]!.bytes);
  return { images, finals, text, finish: events.find((event) => event.type === "finish"), error, drafts };
}

const sizeOf = async (bytes: Buffer) => {
  const { width, height } = await new Bun.Image(bytes).metadata();
  return [width, height];
};

test.each(IMAGE_FAMILIES)("%s generates one image of the promised size", async (family) => {
  const { finals, images, finish, error } = await run({ family, aspect: "16:9" });
  expect(error).toBeNull();
  expect([images.length, finals.length]).toEqual([1, 1]);
  const [width, height] = await sizeOf(finals[0]!);
  expect(width! / height!).toBeCloseTo(16 / 9, 1);
  expect(finish).toMatchObject({ finish: "stop", upstreamReason: "STOP", modelVersion: family });
  expect(finish!.usage!.outputImage).toBeGreaterThan(0);
  expect(simulator.counts().total).toMatchObject({ requests: 1, charged: 1 });
});

test("inputs and signatures of a conversation arrive as they were", async () => {
  const first = await run();
  const signature = first.images[0]!.signature!;
  const data = new Blob([new Uint8Array(first.finals[0]!)]);
  const { error } = await run({
    turns: [
      ...request.turns,
      { role: "model", parts: [{ type: "image", image: { mime: first.images[0]!.draft.mime, data, signature } }] },
      { role: "user", parts: [{ type: "text", text: "at night" }] },
    ],
  });
  expect(error).toBeNull();
  const body = simulator.calls().at(-1)!.body as { contents: { role: string; parts: { thoughtSignature?: string }[] }[] };
  expect(body.contents.map((content) => content.role)).toEqual(["user", "model", "user"]);
  expect(body.contents[1]!.parts[0]!.thoughtSignature).toBe(signature);
});

test("the models of a key are learned, without those it lost", async () => {
  const { call } = memoryCall();
  expect((await gemini.check(token, call)).families).toEqual(expect.arrayContaining(IMAGE_FAMILIES));
  simulator.setFaults("gemini.generate=retired(gemini-3.1-flash-image)");
  expect((await gemini.check(token, call)).families).not.toContain("gemini-3.1-flash-image");
  await expect(gemini.check({ ...token, secret: "bad-key" }, call)).rejects.toMatchObject({ kind: "upstream_unauthorized" });
});

/** Fault; what the call comes to: error kind and reason, or finish word and upstream's reason. */
const REFUSALS: [fault: string, kind: string, reason?: string, charged?: boolean][] = [
  ["bad-key", "upstream_unauthorized", "key_invalid"],
  ["expired-key", "upstream_unauthorized", "key_invalid"],
  ["leaked", "upstream_unauthorized", "key_leaked"],
  ["suspended", "upstream_unauthorized", "key_forbidden"],
  ["service-blocked", "upstream_unauthorized", "key_forbidden"],
  ["service-disabled", "upstream_unauthorized", "key_forbidden"],
  ["billing", "upstream_unauthorized", "billing"],
  ["location", "upstream_unauthorized", "location"],
  ["retired", "upstream_model_denied", "model_missing"],
  ["unsupported", "upstream_model_denied", "model_missing"],
  ["429-minute(47)", "upstream_rate_limited", "per_minute"],
  ["429-day", "upstream_quota", "per_day"],
  ["429-limit-zero", "upstream_model_denied", "limit_zero"],
  ["429-tokens", "upstream_rate_limited", "per_minute"],
  ["429-nodetails", "upstream_rate_limited", "no_details"],
  ["500", "upstream_unavailable", "internal"],
  ["503", "upstream_unavailable", "overloaded"],
  ["array-error", "upstream_unavailable", "overloaded"],
  ["504", "upstream_timeout", "internal", true],
  ["invalid", "upstream_invalid"],
  ["502", "upstream_unknown_outcome", "internal", true],
  ["html", "upstream_unknown_outcome", "internal", true],
  ["lost", "upstream_unknown_outcome", undefined, true],
  ["cut", "upstream_unknown_outcome", "cut_off", true],
  ["malformed", "upstream_unknown_outcome", "malformed", true],
];

const FINISHES: [fault: string, finish: string, reason: string][] = [
  ["text", "stop", "STOP"],
  ["empty", "no_image", ""],
  ["draft-only", "no_image", "STOP"],
  ["blocked", "policy_input", "PROHIBITED_CONTENT"],
  ["blocked-safety", "policy_input", "SAFETY"],
  ["blocked-blocklist", "policy_input", "BLOCKLIST"],
  ["blocked-image", "policy_input", "IMAGE_SAFETY"],
  ["blocked-other", "policy_input", "OTHER"],
  ["image-safety", "policy_output", "IMAGE_SAFETY"],
  ["image-prohibited", "policy_output", "IMAGE_PROHIBITED_CONTENT"],
  ["image-recitation", "policy_output", "IMAGE_RECITATION"],
  ["prohibited", "policy_output", "PROHIBITED_CONTENT"],
  ["safety", "policy_output", "SAFETY"],
  ["recitation", "policy_output", "RECITATION"],
  ["blocklist", "policy_output", "BLOCKLIST"],
  ["spii", "policy_output", "SPII"],
  ["image-other", "no_image", "IMAGE_OTHER"],
  ["no-image", "no_image", "NO_IMAGE"],
  ["language", "no_image", "LANGUAGE"],
  ["other", "no_image", "OTHER"],
  ["max-tokens", "length", "MAX_TOKENS"],
  ["malformed-response", "malformed", "MALFORMED_RESPONSE"],
];

for (const includeThoughts of [false, true]) {
  describe(includeThoughts ? "streamed" : "whole", () => {
    const refusals = REFUSALS.map(([fault, kind, reason = null, charged = false]) => [fault, kind, reason, charged] as const);
    test.each(refusals)("%s is %s, reason %s, charged %s", async (fault, kind, reason, charged) => {
      simulator.setFaults(`gemini.generate=${fault}`);
      const { error, finals, drafts } = await run({ includeThoughts });
      expect(error).toMatchObject({ kind, charged, ...(reason ? { detail: { reason } } : {}) });
      expect(finals).toEqual([]);
      expect(drafts.states()).not.toContain("open");
      expect(simulator.counts().total.requests).toBe(1);
    });

    test.each(FINISHES)("%s finishes as %s %s without a final image", async (fault, finish, upstreamReason) => {
      simulator.setFaults(`gemini.generate=${fault}`);
      const outcome = await run({ includeThoughts });
      expect(outcome.error).toBeNull();
      expect(outcome.finish).toMatchObject({ finish, upstreamReason });
      expect(outcome.finals).toEqual([]);
      if (fault === "text") expect(outcome.text).toContain("in words");
    });

    test.each([
      ["draft", 2],
      ["draft-late", 2],
      ["two-images", includeThoughts ? 3 : 2],
      ["escape-padding", includeThoughts ? 2 : 1],
      ["escape-slash", includeThoughts ? 2 : 1],
      ["slow(1)", includeThoughts ? 2 : 1],
      ["png", includeThoughts ? 2 : 1],
      ["jpeg", includeThoughts ? 2 : 1],
    ])("%s still gives one final image that can be opened", async (fault, images) => {
      simulator.setFaults(`gemini.generate=${fault}`);
      const outcome = await run({ includeThoughts, aspect: "1:1" });
      expect(outcome.error).toBeNull();
      expect(outcome.images).toHaveLength(images);
      expect(outcome.finals).toHaveLength(1);
      expect(await sizeOf(outcome.finals[0]!)).toEqual([1024, 1024]);
      expect(outcome.drafts.states()).toEqual(outcome.images.map(() => "closed"));
    });
  });
}
