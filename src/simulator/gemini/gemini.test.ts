// Tests of the simulated Gemini API over HTTP: shapes, checks, refusals, usage.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "../simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 3 });
});
afterAll(() => simulator.stop());
beforeEach(() => simulator.reset());

// biome-ignore lint/suspicious/noExplicitAny: replies are asserted field by field
type Json = any;

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function ask(
  path: string,
  body?: unknown,
  headers: Record<string, string> = { "x-goog-api-key": "demo.1" },
): Promise<{ status: number; json: Json; text: string }> {
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${simulator.geminiBaseUrl}${path}`, init);
  const text = await response.text();
  return { status: response.status, text, json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null };
}

const generate = (model: string, body: unknown, headers?: Record<string, string>) =>
  ask(`/v1beta/models/${model}:generateContent`, body, headers);
const prompt = (text: string, config: object = {}) => ({ contents: [{ role: "user", parts: [{ text }] }], generationConfig: config });

async function sizeOf(result: Json) {
  const part = result.candidates[0].content.parts.findLast((one: Json) => one.inlineData && !one.thought);
  return new Bun.Image(Buffer.from(part.inlineData.data, "base64")).metadata();
}

describe("models", () => {
  test("are listed page by page", async () => {
    const ids: string[] = [];
    let token = "";
    do {
      const { json } = await ask(`/v1beta/models?pageSize=3${token ? `&pageToken=${token}` : ""}`);
      ids.push(...json.models.map((model: Json) => model.name));
      token = json.nextPageToken ?? "";
    } while (token);
    expect(ids).toContain("models/gemini-nano-banana-2.1");
    expect(ids).toContain("models/gemini-omni-1.2-flash");
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("are found one by one, in v1 too, with the key in the query", async () => {
    const { status, json } = await ask("/v1/models/gemini-3-pro-image?key=demo", undefined, {});
    expect(status).toBe(200);
    expect(json).toMatchObject({
      name: "models/gemini-3-pro-image",
      supportedGenerationMethods: expect.arrayContaining(["generateContent"]),
    });
  });

  test.each(["imagen-4.0-generate-001", "veo-3.1-generate-preview", "gemini-3-pro-image-preview"])(
    "%s is no longer available",
    async (id) => {
      const { status, json } = await generate(id, prompt("x"));
      expect(status).toBe(404);
      expect(json.error).toMatchObject({ code: 404, status: "NOT_FOUND", message: expect.stringContaining("is no longer available") });
    },
  );

  test("a retired model leaves the list and answers 404, the others stay", async () => {
    simulator.setFaults("gemini.*=retired(gemini-2.5-flash-image)");
    const { json } = await ask("/v1beta/models");
    expect(json.models.map((model: Json) => model.name)).not.toContain("models/gemini-2.5-flash-image");
    expect((await generate("gemini-2.5-flash-image", prompt("x"))).status).toBe(404);
    expect((await generate("gemini-3.1-flash-lite-image", prompt("x"))).status).toBe(200);
  });
});

describe("credentials", () => {
  test.each([
    ["none", {}, 403, "PERMISSION_DENIED"],
    ["both", { "x-goog-api-key": "a", authorization: "Bearer b" }, 400, "INVALID_ARGUMENT"],
    ["bad", { "x-goog-api-key": "bad-1" }, 400, "INVALID_ARGUMENT"],
    ["leaked", { "x-goog-api-key": "leaked-1" }, 403, "PERMISSION_DENIED"],
    ["suspended", { "x-goog-api-key": "suspended-1" }, 403, "PERMISSION_DENIED"],
    ["without billing", { "x-goog-api-key": "nobilling-1" }, 400, "FAILED_PRECONDITION"],
    ["from a wrong place", { "x-goog-api-key": "location-1" }, 400, "FAILED_PRECONDITION"],
  ])("%s: refused", async (_, headers, status, word) => {
    const response = await generate("gemini-3-pro-image", prompt("x"), headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(response.json.error.status).toBe(word);
    expect(simulator.counts().total.accepted).toBe(0);
  });

  test("a bad key carries its reason, and a key without billing still lists models", async () => {
    const { json } = await generate("gemini-3-pro-image", prompt("x"), { "x-goog-api-key": "bad" });
    expect(json.error.details[0]).toMatchObject({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" });
    expect((await ask("/v1beta/models", undefined, { "x-goog-api-key": "nobilling" })).status).toBe(200);
  });
});

describe("generateContent", () => {
  test.each([
    ["gemini-nano-banana-2.1", "4:1", "2K", 4096, 1024],
    ["gemini-3-pro-image", "16:9", "1K", 1376, 768],
    ["gemini-3.1-flash-image", "3:4", "512", 448, 600],
    ["gemini-3.1-flash-lite-image", "1:1", undefined, 1024, 1024],
    ["gemini-2.5-flash-image", "9:16", undefined, 768, 1376],
  ])("%s %s %s gives %d by %d", async (model, aspectRatio, imageSize, width, height) => {
    const { json } = await generate(model, prompt("a lake", { imageConfig: { aspectRatio, ...(imageSize ? { imageSize } : {}) } }));
    expect(await sizeOf(json)).toMatchObject({ width, height });
    expect(json.candidates[0]).toMatchObject({ finishReason: "STOP", index: 0 });
    expect(json.modelVersion).toBe(model);
    expect(json.responseId).toMatch(/^\w{22}$/);
    expect(json.candidates[0].content.parts.at(-1).thoughtSignature).toMatch(/^[A-Za-z0-9+/]+=*$/);
  });

  test("counts tokens as the price list does", async () => {
    const pro = await generate("gemini-3-pro-image", {
      contents: [{ parts: [{ text: "12345678" }, { inlineData: { mimeType: "image/png", data: PNG } }] }],
    });
    expect(pro.json.usageMetadata).toMatchObject({
      promptTokenCount: 562,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 2 },
        { modality: "IMAGE", tokenCount: 560 },
      ],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1120 }],
    });
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = pro.json.usageMetadata;
    expect(totalTokenCount).toBe(promptTokenCount + candidatesTokenCount + thoughtsTokenCount);
    const old = await generate("gemini-2.5-flash-image", prompt("x"));
    expect(old.json.usageMetadata.candidatesTokensDetails[0].tokenCount).toBe(1290);
    const large = await generate("gemini-3-pro-image", prompt("x", { imageConfig: { imageSize: "4K" } }));
    expect(large.json.usageMetadata.candidatesTokensDetails[0].tokenCount).toBe(2000);
  });

  test("takes snake_case, missing roles, nulls and a single message for a list", async () => {
    const { status } = await generate("gemini-3-pro-image", {
      contents: { parts: [{ text: "x" }, { inline_data: { mime_type: "image/png", data: PNG } }] },
      system_instruction: { role: null, parts: [{ text: "be brief" }] },
      generation_config: { response_modalities: ["text", "image"], image_config: { aspect_ratio: "1:1", image_size: "1K" } },
    });
    expect(status).toBe(200);
  });

  test("gives the same image for a seed and different ones without", async () => {
    const data = async (config: object) =>
      (await generate("gemini-2.5-flash-image", prompt("same", config))).json.candidates[0].content.parts.at(-1).inlineData.data;
    expect(await data({ seed: 5 })).toBe(await data({ seed: 5 }));
    expect(await data({})).not.toBe(await data({}));
  });

  test("shows thoughts and an interim image only when asked for", async () => {
    const thoughts = async (config: object) =>
      (await generate("gemini-3-pro-image", prompt("x", config))).json.candidates[0].content.parts.filter((part: Json) => part.thought)
        .length;
    expect(await thoughts({})).toBe(0);
    expect(await thoughts({ thinkingConfig: { includeThoughts: true } })).toBe(2);
  });

  test("IMAGE alone comes without words", async () => {
    const { json } = await generate("gemini-3-pro-image", prompt("x", { responseModalities: ["IMAGE"] }));
    expect(json.candidates[0].content.parts.map((part: Json) => Object.keys(part)[0])).toEqual(["inlineData"]);
  });

  const config = (generationConfig: object, model = "gemini-3-pro-image") => ({ model, body: prompt("x", generationConfig) });
  const images = (count: number) => ({
    contents: [{ parts: [{ text: "x" }, ...Array.from({ length: count }, () => ({ inlineData: { mimeType: "image/png", data: PNG } }))] }],
  });
  test.each([
    ["an unknown generationConfig field", config({ quality: "hd" }), /Unknown name "quality"/],
    ["an unknown imageConfig field", config({ imageConfig: { personGeneration: "ALLOW_ALL" } }), /Unknown name "personGeneration"/],
    ["an unknown top-level field", { model: "gemini-3-pro-image", body: { ...prompt("x"), messages: [] } }, /Unknown name "messages"/],
    ["imageSize on 2.5", config({ imageConfig: { imageSize: "1K" } }, "gemini-2.5-flash-image"), /image_size/],
    ["512 on 2.1", config({ imageConfig: { imageSize: "512" } }, "gemini-nano-banana-2.1"), /image_size/],
    ["a lower-case size", config({ imageConfig: { imageSize: "2k" } }), /image_size/],
    ["4:1 on pro", config({ imageConfig: { aspectRatio: "4:1" } }), /aspect_ratio/],
    ["two candidates", config({ candidateCount: 2 }), /Multiple candidates/],
    ["temperature on 2.1", config({ temperature: 1 }, "gemini-nano-banana-2.1"), /temperature/],
    ["topP on 2.1", config({ topP: 0.9 }, "gemini-nano-banana-2.1"), /topP/],
    ["a thinking level on pro", config({ thinkingConfig: { thinkingLevel: "HIGH" } }), /Thinking level/],
    ["thinking on 2.5", config({ thinkingConfig: { includeThoughts: true } }, "gemini-2.5-flash-image"), /Thinking is not enabled/],
    ["four inputs on 2.5", { model: "gemini-2.5-flash-image", body: images(4) }, /Too many images/],
    ["fifteen inputs on 2.1", { model: "gemini-nano-banana-2.1", body: images(15) }, /Too many images/],
    ["no contents", { model: "gemini-3-pro-image", body: { contents: [] } }, /contents is not specified/],
    ["a wrong role", { model: "gemini-3-pro-image", body: { contents: [{ role: "assistant", parts: [{ text: "x" }] }] } }, /valid role/],
    [
      "broken base64",
      { model: "gemini-3-pro-image", body: { contents: [{ parts: [{ inlineData: { mimeType: "image/png", data: "a b" } }] }] } },
      /Base64/,
    ],
    [
      "bytes that are no picture",
      { model: "gemini-3-pro-image", body: { contents: [{ parts: [{ inlineData: { mimeType: "image/png", data: "aGVsbG8=" } }] }] } },
      /Unable to process/,
    ],
    [
      "a GIF",
      { model: "gemini-3-pro-image", body: { contents: [{ parts: [{ inlineData: { mimeType: "image/gif", data: PNG } }] }] } },
      /Unsupported MIME/,
    ],
    [
      "search on lite",
      { model: "gemini-3.1-flash-lite-image", body: { ...prompt("x"), tools: [{ googleSearch: {} }] } },
      /Search Grounding/,
    ],
    [
      "an unknown safety category",
      { model: "gemini-3-pro-image", body: { ...prompt("x"), safetySettings: [{ category: "RUDE", threshold: "OFF" }] } },
      /safety_settings/,
    ],
    ["an Omni model", { model: "gemini-omni-1.2-flash", body: prompt("x") }, /only supported in the Interactions API/],
  ])("%s is 400 and costs nothing", async (_, { model, body }, reason) => {
    const { status, json } = await generate(model, body);
    expect({ status, word: json.error.status }).toEqual({ status: 400, word: "INVALID_ARGUMENT" });
    expect(json.error.message).toMatch(reason);
    expect(simulator.counts().total).toMatchObject({ requests: 1, accepted: 0, charged: 0 });
  });
});

describe("streamGenerateContent", () => {
  test("sends one data line per event, the image whole in one, the ending last", async () => {
    const { text } = await ask(
      "/v1beta/models/gemini-3-pro-image:streamGenerateContent?alt=sse",
      prompt("x", { thinkingConfig: { includeThoughts: true } }),
    );
    const events = text
      .trim()
      .split("\r\n\r\n")
      .map((event) => JSON.parse(event.replace(/^data: /, "")));
    const parts = events.flatMap((event: Json) => event.candidates[0].content.parts);
    expect(parts.filter((part: Json) => part.inlineData)).toHaveLength(2);
    expect(events.at(-1).candidates[0].finishReason).toBe("STOP");
    expect(events.slice(0, -1).every((event: Json) => event.candidates[0].finishReason === undefined)).toBe(true);
    expect(text).not.toContain("[DONE]");
  });

  test("without alt=sse is one JSON array", async () => {
    const { json } = await ask("/v1beta/models/gemini-3-pro-image:streamGenerateContent", prompt("x"));
    expect(json.length).toBeGreaterThan(1);
    expect(json.at(-1).candidates[0].finishReason).toBe("STOP");
  });
});

describe("content faults", () => {
  test.each([
    ["blocked", "PROHIBITED_CONTENT"],
    ["blocked-safety", "SAFETY"],
    ["blocked-blocklist", "BLOCKLIST"],
    ["blocked-image", "IMAGE_SAFETY"],
    ["blocked-other", "OTHER"],
  ])("%s is promptFeedback %s without candidates, and free", async (fault, blockReason) => {
    simulator.setFaults(`gemini.generate=${fault}`);
    for (const method of ["generateContent", "streamGenerateContent"]) {
      const { status, json } = await ask(`/v1beta/models/gemini-3-pro-image:${method}`, prompt("x"));
      const response = method === "generateContent" ? json : json.at(-1);
      expect(status).toBe(200);
      expect(response.candidates).toBeUndefined();
      expect(response.promptFeedback.blockReason).toBe(blockReason);
    }
    expect(simulator.counts().total).toMatchObject({ accepted: 2, charged: 0 });
  });

  test.each([
    ["image-safety", "IMAGE_SAFETY"],
    ["image-prohibited", "IMAGE_PROHIBITED_CONTENT"],
    ["image-recitation", "IMAGE_RECITATION"],
    ["image-other", "IMAGE_OTHER"],
    ["no-image", "NO_IMAGE"],
    ["prohibited", "PROHIBITED_CONTENT"],
    ["safety", "SAFETY"],
    ["recitation", "RECITATION"],
    ["blocklist", "BLOCKLIST"],
    ["spii", "SPII"],
    ["language", "LANGUAGE"],
    ["other", "OTHER"],
    ["malformed-response", "MALFORMED_RESPONSE"],
    ["max-tokens", "MAX_TOKENS"],
    ["text", "STOP"],
  ])("%s ends with %s and no image", async (fault, finishReason) => {
    simulator.setFaults(`gemini.generate=${fault}`);
    const { status, json } = await generate("gemini-3-pro-image", prompt("x"));
    expect(status).toBe(200);
    expect(json.candidates[0].finishReason).toBe(finishReason);
    expect(JSON.stringify(json)).not.toContain("inlineData");
  });

  test.each([
    ["draft", [true, false], ["thought", "inlineData"]],
    ["draft-late", [true, false], ["inlineData", "thought"]],
    ["draft-only", [true], ["thought", "inlineData"]],
    ["two-images", [false, false], ["inlineData"]],
  ])("%s gives images with thought %p", async (fault, thoughts, keys) => {
    simulator.setFaults(`gemini.generate=${fault}`);
    const { json } = await generate("gemini-3-pro-image", prompt("x"));
    const images = json.candidates[0].content.parts.filter((part: Json) => part.inlineData);
    expect(images.map((part: Json) => part.thought === true)).toEqual(thoughts);
    expect(Object.keys(images[0])).toEqual(keys);
  });

  test.each(["png", "jpeg"])("%s fixes the type", async (type) => {
    simulator.setFaults(`gemini.generate=${type}`);
    const { json } = await generate("gemini-3-pro-image", prompt("x"));
    expect(json.candidates[0].content.parts.at(-1).inlineData.mimeType).toBe(`image/${type}`);
    expect(await sizeOf(json)).toMatchObject({ format: type });
  });
});

describe("refusals", () => {
  test.each([
    ["429-minute", "GenerateRequestsPerMinutePerProjectPerModel-PaidTier1", "47s", /limit: 10/],
    ["429-minute(3)", "GenerateRequestsPerMinutePerProjectPerModel-PaidTier1", "3s", /retry in 3s/],
    ["429-day", "GenerateRequestsPerDayPerProjectPerModel-PaidTier1", "18s", /limit: 250/],
    ["429-limit-zero", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "31s", /limit: 0/],
    ["429-tokens", "GenerateContentInputTokensPerModelPerMinute-PaidTier1", "3.299376739s", /token_count/],
  ])("%s names its quota and when to come back", async (fault, quotaId, retryDelay, message) => {
    simulator.setFaults(`gemini.generate=${fault}`);
    const { status, json } = await generate("gemini-3-pro-image", prompt("x"));
    expect({ status, word: json.error.status }).toEqual({ status: 429, word: "RESOURCE_EXHAUSTED" });
    expect(json.error.message).toMatch(message);
    expect(json.error.details[1].violations[0]).toMatchObject({ quotaId, quotaDimensions: { model: "gemini-3-pro-image" } });
    expect(json.error.details[2].retryDelay).toBe(retryDelay);
  });

  test.each([
    ["429-nodetails", 429, "RESOURCE_EXHAUSTED"],
    ["500", 500, "INTERNAL"],
    ["503", 503, "UNAVAILABLE"],
    ["invalid", 400, "INVALID_ARGUMENT"],
    ["bad-key", 400, "INVALID_ARGUMENT"],
    ["expired-key", 400, "INVALID_ARGUMENT"],
    ["leaked", 403, "PERMISSION_DENIED"],
    ["suspended", 403, "PERMISSION_DENIED"],
    ["service-blocked", 403, "PERMISSION_DENIED"],
    ["service-disabled", 403, "PERMISSION_DENIED"],
    ["billing", 400, "FAILED_PRECONDITION"],
    ["location", 400, "FAILED_PRECONDITION"],
    ["retired", 404, "NOT_FOUND"],
    ["unsupported", 404, "NOT_FOUND"],
    ["not-found", 404, "NOT_FOUND"],
  ])("%s is %d %s and nothing is charged", async (fault, code, word) => {
    simulator.setFaults(`gemini.generate=${fault}`);
    const { status, json } = await generate("gemini-3-pro-image", prompt("x"));
    expect({ status, code: json.error.code, word: json.error.status }).toEqual({ status: code, code, word });
    expect(simulator.counts()).toMatchObject({ total: { requests: 1, accepted: 0, charged: 0 }, faults: { [fault]: 1 } });
  });

  test("504 was accepted and charged, 502 has no body, array-error is a list", async () => {
    simulator.setFaults("gemini.generate=504:1,gemini.generate=502:1,gemini.generate=array-error:1");
    expect((await generate("gemini-3-pro-image", prompt("x"))).json.error.status).toBe("DEADLINE_EXCEEDED");
    expect(simulator.counts().total).toMatchObject({ accepted: 1, charged: 1 });
    expect(await generate("gemini-3-pro-image", prompt("x"))).toMatchObject({ status: 502, text: "" });
    expect((await generate("gemini-3-pro-image", prompt("x"))).json[0].error.status).toBe("UNAVAILABLE");
  });
});

test("countTokens counts without generating", async () => {
  const { json } = await ask("/v1beta/models/gemini-3-pro-image:countTokens", { contents: [{ parts: [{ text: "12345678" }] }] });
  expect(json.totalTokens).toBe(2);
  expect(simulator.counts().total.accepted).toBe(0);
});
