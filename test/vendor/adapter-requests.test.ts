// Whatever a client may ask for, the adapters send nothing that a strict upstream refuses.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ImageRequest, VideoRequest } from "../../src/domain/generation.ts";
import { ASPECTS, IMAGE_SIZES, RESOLUTIONS, VIDEO_ASPECTS } from "../../src/domain/generation.ts";
import { CATALOGUE } from "../../src/gateway/models/testing.ts";
import { silentLog } from "../../src/log.ts";
import { createGemini } from "../../src/providers/gemini/client.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { builtInModels, collect, memoryCall } from "../../src/providers/testing.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";

const familiesOf = (kind: "image" | "video") =>
  CATALOGUE.families(kind)
    .filter(({ providers }) => providers.gemini)
    .map(({ id }) => id);
const IMAGE_FAMILIES = familiesOf("image");
const VIDEO_FAMILIES = familiesOf("video");

const TOKEN = { id: 1, secret: "strict-project.key", proxy: null, state: {} };
const PIXEL = new Blob([
  Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64"),
]);

let simulator: Simulator;
let gemini: Provider;
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, videoMs: 0, fileMs: 0 });
  gemini = createGemini({ models: builtInModels("gemini"), baseUrl: simulator.geminiBaseUrl, now: Date.now, log: silentLog });
});
afterAll(() => simulator.stop());

/** What comes back of one request: nothing, or the words of its refusal. */
async function refusalOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function imageOf(request: ImageRequest): Promise<void> {
  const { error } = await collect(gemini, [request, TOKEN, memoryCall().call]);
  if (error !== undefined) throw error;
}

/** Ratios that the catalogue gives to every family; the others are chosen by the gateway, not by the adapter. */
const COMMON = ASPECTS.slice(0, 10);
const THINKING = [undefined, "minimal", "low", "medium", "high"] as const;

test.each(IMAGE_FAMILIES)("images of %s", async (family) => {
  const image = { mime: "image/png", data: PIXEL };
  const changes: Partial<ImageRequest>[] = [
    ...COMMON.map((aspect) => ({ aspect })),
    ...IMAGE_SIZES.map((size) => ({ size })),
    ...THINKING.map((thinking) => ({ thinking })),
    ...THINKING.map((thinking) => ({ thinking, includeThoughts: true })),
    { seed: 2 ** 31 - 1 },
    { seed: -(2 ** 31) },
    { seed: 0 },
    { imageOnly: true },
    { system: "be brief" },
    { turns: [{ role: "user", parts: [{ type: "image", image }] }] },
    {
      turns: [
        {
          role: "user",
          parts: [
            { type: "text", text: "", signature: undefined },
            { type: "text", text: "a" },
            { type: "image", image },
          ],
        },
      ],
    },
    {
      turns: [
        { role: "user", parts: [{ type: "text", text: "a" }] },
        { role: "model", parts: [] },
        { role: "user", parts: [{ type: "text", text: "b" }] },
      ],
    },
  ];
  const refused: unknown[] = [];
  for (const change of changes) {
    const request: ImageRequest = { family, turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }], ...change };
    const refusal = await refusalOf(imageOf(request));
    if (refusal) refused.push([change, refusal]);
  }
  expect(refused).toEqual([]);
});

test.each(VIDEO_FAMILIES)("videos of %s", async (family) => {
  const image = { mime: "image/png", data: PIXEL };
  const base: VideoRequest = { family, mode: "text", prompt: "waves", images: [] };
  const requests: VideoRequest[] = [
    base,
    ...VIDEO_ASPECTS.map((aspect) => ({ ...base, aspect })),
    ...RESOLUTIONS.map((resolution) => ({ ...base, resolution })),
    { ...base, seconds: 3 },
    { ...base, seconds: 10 },
    { ...base, seed: 2 ** 31 - 1 },
    { ...base, mode: "first_frame", images: [image] },
    { ...base, mode: "frames", images: [image, image] },
    { ...base, mode: "references", images: [image, image, image] },
  ];
  const refused: unknown[] = [];
  for (const request of requests) {
    const refusal = await refusalOf(gemini.startVideo(request, TOKEN, memoryCall().call, async () => {}));
    if (refusal) refused.push([request.mode, refusal]);
  }
  expect(refused).toEqual([]);
});
