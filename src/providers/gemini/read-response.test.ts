// What is read from answers with HTTP 200.
import { describe, expect, test } from "bun:test";
import cases from "./fixtures/answers.json";
import { ResponseReader, toUsage } from "./read-response.ts";

const readAll = (...responses: unknown[]) => {
  const result = new ResponseReader();
  const items = responses.flatMap((response) => result.read(response));
  const finish = result.finish();
  const { image } = result;
  return { items: image ? [...items, image] : items, finish };
};

describe("recorded responses", () => {
  test.each(cases.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
    const { items, finish } = readAll(entry.body);
    const shown = items.map((item) => {
      if (item.type === "text") return item;
      const { value, mime, ...rest } = item;
      expect([value, mime]).toEqual(["iVBORw0KGgo=", "image/png"]);
      return rest;
    });
    expect(shown as unknown[]).toEqual(entry.items as unknown[]);
    const { finish: word, upstreamReason, message } = finish;
    expect({ finish: word, upstreamReason, message } as object).toEqual(entry.finish);
  });
});

test("events of a stream add up: the last image is final, the last usage counts", () => {
  const part = (data: string, more = {}) => ({
    candidates: [{ content: { parts: [{ inlineData: { mimeType: "image/jpeg", data }, ...more }] } }],
  });
  const { items, finish } = readAll(
    { ...part("AAAA", { thought: true }), usageMetadata: { totalTokenCount: 1 } },
    part("BBBB"),
    { candidates: [{ content: { parts: [{ text: "a" }] } }] },
    part("CCCC"),
    { candidates: [{ finishReason: "STOP" }], usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4 }, modelVersion: "m" },
  );
  expect(items).toEqual([
    { type: "image", value: "AAAA", mime: "image/jpeg", thought: true },
    { type: "text", text: "a", thought: false },
    { type: "image", value: "BBBB", mime: "image/jpeg", thought: true },
    { type: "image", value: "CCCC", mime: "image/jpeg", thought: false },
  ]);
  expect(finish).toMatchObject({ finish: "stop", modelVersion: "m", usage: { total: 7, outputImage: 4 } });
});

test("thought may follow the bytes", () => {
  const interim = JSON.parse(
    '{"candidates":[{"content":{"parts":[{"inlineData":{"data":"AAAA"},"thought":true}]},"finishReason":"STOP"}]}',
  );
  expect(readAll(interim).items).toEqual([{ type: "image", value: "AAAA", mime: "application/octet-stream", thought: true }]);
});

test("a response that is no object is malformed", () => {
  for (const body of [null, 3, "x", []]) expect(() => new ResponseReader().read(body)).toThrow("not an object");
});

test.each([
  ["nothing", undefined, null],
  [
    "details per modality",
    {
      promptTokenCount: 570,
      candidatesTokenCount: 1300,
      thoughtsTokenCount: 200,
      totalTokenCount: 2070,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 10 },
        { modality: "IMAGE", tokenCount: 560 },
      ],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1120 }],
    },
    { inputText: 10, inputImage: 560, outputText: 180, outputImage: 1120, thoughts: 200, total: 2070 },
  ],
  [
    "no details",
    { promptTokenCount: "10", candidatesTokenCount: 1120 },
    { inputText: 10, inputImage: 0, outputText: 0, outputImage: 1120, thoughts: 0, total: 1130 },
  ],
  [
    "nonsense",
    { promptTokenCount: -1, candidatesTokenCount: "x" },
    { inputText: 0, inputImage: 0, outputText: 0, outputImage: 0, thoughts: 0, total: 0 },
  ],
])("usage: %s", (_, metadata, usage) => {
  expect(toUsage(metadata, true)).toEqual(usage);
});

test("grounding, citations, ratings and feedback pass on unread, the latest of each; others and endless ones do not", () => {
  const end = (fields: object, feedback?: object) => ({
    candidates: [{ finishReason: "STOP", ...fields }],
    ...(feedback ? { promptFeedback: feedback } : {}),
  });
  const { finish } = readAll(
    end({ groundingMetadata: { webSearchQueries: ["a"] }, avgLogprobs: 1 }),
    end({ groundingMetadata: { webSearchQueries: ["b"] }, safetyRatings: [] }, { safetyRatings: [1] }),
  );
  expect(finish).toMatchObject({ extras: { candidate: { groundingMetadata: { webSearchQueries: ["b"] }, safetyRatings: [] } } });
  expect(finish.extras).toEqual({
    candidate: { groundingMetadata: { webSearchQueries: ["b"] }, safetyRatings: [] },
    promptFeedback: { safetyRatings: [1] },
  });
  expect(readAll(end({ citationMetadata: { text: "x".repeat(300_000) } })).finish.extras).toBeUndefined();
});
