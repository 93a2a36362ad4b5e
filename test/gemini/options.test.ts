// What a request of the Gemini dialect asks beyond shape and size: carried to the models that take it, refused, or reported as ignored.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { isImage, PIXEL } from "../clients/replay.ts";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
const PRO = "gemini-3-pro-image";
let rig: Rig;
let flow: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI], simulator: { videoMs: 0, fileMs: 0 } });
  flow = await startRig({ tokens: [FLOW] });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await flow[Symbol.asyncDispose]();
});
beforeEach(() => rig.simulator.reset());

type Parts = { text?: string; thought?: boolean; inlineData?: { mimeType: string; data: string } }[];
type Answer = {
  candidates?: { content?: { parts?: Parts }; finishReason?: string; groundingMetadata?: { webSearchQueries: string[] } }[];
  promptFeedback?: object;
  error?: { code: number; status: string; message: string };
};
type Sent = { safetySettings?: object[]; tools?: object[]; generationConfig: Record<string, unknown>; contents: { parts: object[] }[] };

async function ask(body: object, { model = MODEL, of = rig, method = "generateContent" } = {}) {
  const before = of.simulator.calls().length;
  const response = await fetch(`${of.url}/v1beta/models/${model}:${method}`, {
    method: "POST",
    headers: { "x-goog-api-key": of.key, "content-type": "application/json" },
    body: JSON.stringify({ contents: [{ parts: [{ text: "a fox" }] }], ...body }),
  });
  const text = await response.text();
  const answer = (text.startsWith("data:") ? {} : JSON.parse(text)) as Answer;
  const calls = of.simulator.calls().slice(before);
  const ignored = response.headers.get("x-flow2api-ignored")?.split(", ") ?? [];
  const parts = answer.candidates?.[0]?.content?.parts ?? [];
  const images = parts.filter(({ inlineData, thought }) => !thought && isImage(inlineData?.data));
  return { status: response.status, answer, text, ignored, images, calls, sent: calls[0]?.body as Sent };
}

const category = (name: string, threshold = "OFF") => ({ category: `HARM_CATEGORY_${name}`, threshold });
const STANDARD = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT"].map((name) => category(name));
const IMAGE_CATEGORIES = ["IMAGE_HATE", "IMAGE_DANGEROUS_CONTENT", "IMAGE_HARASSMENT", "IMAGE_SEXUALLY_EXPLICIT"];

describe("carried", () => {
  test("safety settings that the model takes, the others reported", async () => {
    const safetySettings = [...STANDARD, category("CIVIC_INTEGRITY"), ...IMAGE_CATEGORIES.map((name) => category(name))];
    const { status, sent, ignored } = await ask({ safetySettings });
    expect([status, sent.safetySettings]).toEqual([200, [...STANDARD, category("CIVIC_INTEGRITY")]]);
    expect(ignored).toEqual(IMAGE_CATEGORIES.map((name) => `safetySettings.HARM_CATEGORY_${name}`));
  });

  test("enums by their number, as google-generativeai sends them", async () => {
    const { sent, images } = await ask({ safetySettings: [{ category: 7, threshold: 4 }], generationConfig: { responseModalities: [2] } });
    expect([sent.safetySettings, images.length]).toEqual([[category("HARASSMENT", "BLOCK_NONE")], 1]);
    expect((await ask({ generationConfig: { responseModalities: [1] } })).calls).toHaveLength(0);
  });

  test("a search, and its sources back, whole and streamed", async () => {
    const tools = [{ google_search: {} }];
    const whole = await ask({ tools });
    expect(whole.sent.tools).toEqual([{ googleSearch: {} }]);
    expect(whole.answer.candidates?.[0]?.groundingMetadata?.webSearchQueries).toEqual(["fox in snow"]);
    expect([whole.images.length, whole.ignored]).toEqual([1, []]);
    const streamed = await ask({ tools }, { method: "streamGenerateContent" });
    expect((JSON.parse(streamed.text) as Answer[]).at(-1)!.candidates![0]!.groundingMetadata).toBeDefined();
  });

  test("what a search looks for, as far as the model can", async () => {
    const tools = [{ googleSearch: { searchTypes: { webSearch: {}, imageSearch: {} } } }];
    const both = await ask({ tools });
    expect([both.sent.tools, both.ignored]).toEqual([tools, []]);
    const web = await ask({ tools }, { model: PRO });
    expect(web.sent.tools).toEqual([{ googleSearch: { searchTypes: { webSearch: {} } } }]);
    expect(web.ignored).toEqual(["tools.googleSearch.searchTypes.imageSearch"]);
  });

  test.each([
    [MODEL, { temperature: 0.5, topP: 0.9 }, []],
    ["gemini-nano-banana-2.1", {}, ["generationConfig.temperature", "generationConfig.topP"]],
  ])("temperature and topP of %s", async (model, carried, told) => {
    const { status, sent, ignored } = await ask({ generationConfig: { temperature: 0.5, topP: "0.9" } }, { model });
    const { temperature, topP } = sent.generationConfig;
    expect([status, JSON.parse(JSON.stringify({ temperature, topP })), ignored]).toEqual([200, carried, told]);
  });

  test("thoughts of a model that lets no level be chosen", async () => {
    const { sent, answer } = await ask({ generationConfig: { thinkingConfig: { includeThoughts: true } } }, { model: PRO });
    expect(sent.generationConfig.thinkingConfig).toEqual({ includeThoughts: true });
    expect(answer.candidates![0]!.content!.parts!.some(({ thought }) => thought)).toBe(true);
  });

  test.each([
    ["XHIGH", "HIGH"],
    ["xhigh", "HIGH"],
    ["MINIMAL", "MINIMAL"],
  ])("thinking level %s is %s", async (thinkingLevel, sentLevel) => {
    const { sent } = await ask({ generationConfig: { thinkingConfig: { thinkingLevel } } });
    expect(sent.generationConfig.thinkingConfig).toEqual({ thinkingLevel: sentLevel });
  });

  test("the encoding of images, made here", async () => {
    const imageConfig = { outputMimeType: "image/webp", outputCompressionQuality: 60 };
    const { answer, ignored, sent } = await ask({ generationConfig: { imageConfig } });
    const [image] = answer.candidates![0]!.content!.parts!.flatMap(({ inlineData }) => inlineData ?? []);
    expect([image!.mimeType, Buffer.from(image!.data, "base64").subarray(8, 12).toString(), ignored]).toEqual(["image/webp", "WEBP", []]);
    expect(sent.generationConfig.imageConfig).toEqual({ aspectRatio: "1:1" });
  });

  test("an encoding that is not made here is reported, wherever it is named", async () => {
    const asked = async (imageConfig: object) => (await ask({ generationConfig: { imageConfig } })).ignored;
    expect(await asked({ outputMimeType: "image/tiff" })).toEqual(["generationConfig.imageConfig.outputMimeType"]);
    expect(await asked({ imageOutputOptions: { mimeType: "image/bmp" } })).toEqual(["generationConfig.imageConfig.mimeType"]);
  });

  test("Imagen's one setting is a threshold for each standard category", async () => {
    const body = { contents: undefined, instances: [{ prompt: "a fox" }] };
    const { sent, ignored } = await ask(
      { ...body, parameters: { safetySetting: "block_low_and_above", personGeneration: "allow_adult", language: "auto" } },
      { method: "predict" },
    );
    expect(sent.safetySettings).toEqual(STANDARD.map((one) => ({ ...one, threshold: "BLOCK_LOW_AND_ABOVE" })));
    expect(ignored).toEqual(["parameters.personGeneration", "parameters.language"]);
  });

  test("feedback about a prompt, ratings and all", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=blocked-safety" } });
    const { status, answer } = await ask({}, { of: own });
    expect([status, answer.promptFeedback]).toMatchObject([200, { blockReason: "SAFETY", safetyRatings: expect.any(Array) }]);
  });
});

describe("words", () => {
  test.each([[["TEXT"]], [["text"]]])("responseModalities %j make no image and cost nothing", async (responseModalities) => {
    const { status, answer, images, calls } = await ask({ generationConfig: { responseModalities } });
    expect([status, images.length, calls.length, answer.candidates![0]!.finishReason]).toEqual([200, 0, 0, "STOP"]);
    expect(answer.candidates![0]!.content!.parts![0]!.text).toMatch(/\w/);
  });

  test.each([[["TEXT", "IMAGE"]], [["IMAGE"]], [[]], [undefined]])("responseModalities %j make one", async (responseModalities) => {
    expect((await ask({ generationConfig: { responseModalities } })).images).toHaveLength(1);
  });
});

describe("reported", () => {
  test("every field that changes nothing, by its name", async () => {
    const { status, ignored } = await ask({
      toolConfig: { functionCallingConfig: { mode: "AUTO" } },
      tools: [{ functionDeclarations: [{ name: "x" }] }],
      labels: { a: "b" },
      contents: [{ parts: [{ text: "a fox", mediaResolution: { level: "HIGH" } }] }],
      generationConfig: {
        maxOutputTokens: 8192,
        stopSequences: ["x"],
        presencePenalty: 1,
        imageConfig: { personGeneration: "ALLOW_ALL", prominentPeople: "ALLOW" },
        thinkingConfig: { thinkingBudget: 100 },
        aNewOne: 1,
      },
    });
    expect([status, ignored.toSorted()]).toEqual([
      200,
      [
        "contents.parts.mediaResolution",
        "generationConfig.aNewOne",
        "generationConfig.imageConfig.personGeneration",
        "generationConfig.imageConfig.prominentPeople",
        "generationConfig.maxOutputTokens",
        "generationConfig.presencePenalty",
        "generationConfig.stopSequences",
        "generationConfig.thinkingConfig.thinkingBudget",
        "labels",
        "toolConfig",
        "tools.functionDeclarations",
      ],
    ]);
  });

  test.each<[string, object, string[]]>([
    [
      "a configuration that is no object",
      { generationConfig: { imageConfig: "16:9", thinkingConfig: "high" } },
      ["generationConfig.imageConfig", "generationConfig.thinkingConfig"],
    ],
    ["a tool by its name alone", { tools: ["googleSearch"] }, ["tools"]],
    ["tools as a word", { tools: "googleSearch" }, ["tools"]],
    ["words in another form", { generationConfig: { responseMimeType: "text/x.enum" } }, ["generationConfig.responseMimeType"]],
    [
      "an image's type where words have theirs",
      { generationConfig: { responseMimeType: "image/png" } },
      ["generationConfig.responseMimeType"],
    ],
    [
      "settings in the wrong place",
      { temperature: 1, generationConfig: { safetySettings: STANDARD } },
      ["temperature", "generationConfig.safetySettings"],
    ],
    ["another method of judging", { safetySettings: [{ ...category("HARASSMENT"), method: "SEVERITY" }] }, ["safetySettings.method"]],
    ["a category of nobody", { safetySettings: [category("BAD_TASTE")] }, ["safetySettings.HARM_CATEGORY_BAD_TASTE"]],
    ["the limits of a search", { tools: [{ googleSearch: { excludeDomains: ["x.example"] } }] }, ["tools.googleSearch.excludeDomains"]],
  ])("%s", async (_, body, names) => {
    const { status, images, ignored } = await ask(body);
    expect([status, images.length, ignored]).toEqual([200, 1, names]);
  });

  test("nothing, where everything is carried or empty", async () => {
    const { ignored } = await ask({ tools: [], safetySettings: [], generationConfig: { candidateCount: 1, stopSequences: [] } });
    expect(ignored).toEqual([]);
  });

  test("a size that the model does not have, and a level where there is none", async () => {
    const generationConfig = { imageConfig: { imageSize: "4K" }, thinkingConfig: { thinkingLevel: "HIGH" } };
    expect((await ask({ generationConfig }, { model: "gemini-3.1-flash-lite-image" })).ignored).toEqual([
      "generationConfig.imageConfig.imageSize",
    ]);
    expect((await ask({ generationConfig }, { model: PRO })).ignored).toEqual(["generationConfig.thinkingConfig.thinkingLevel"]);
  });

  test("what Flow cannot carry", async () => {
    const { status, images, ignored } = await ask(
      { safetySettings: [category("HARASSMENT")], generationConfig: { temperature: 1 } },
      { model: PRO, of: flow },
    );
    expect([status, images.length, ignored.toSorted()]).toEqual([
      200,
      1,
      ["generationConfig.temperature", "safetySettings.HARM_CATEGORY_HARASSMENT"],
    ]);
  });
});

describe("refused, with the field, and nothing is charged", () => {
  const config = (generationConfig: object) => ({ generationConfig });
  const search = { tools: [{ googleSearch: {} }] };
  test.each<[string, object, string, string?]>([
    ["a ratio of nobody", config({ imageConfig: { aspectRatio: "7:77" } }), "aspectRatio"],
    ["a ratio near one", config({ imageConfig: { aspectRatio: "16:10" } }), "aspectRatio"],
    ["a ratio that the model lacks", config({ imageConfig: { aspectRatio: "1:8" } }), "aspectRatio", PRO],
    ["a ratio of no video", config({ imageConfig: { aspectRatio: "4:3" } }), "aspectRatio", "gemini-omni-1.2-flash"],
    ["a level that is none", config({ thinkingConfig: { thinkingLevel: "ENORMOUS" } }), "thinkingLevel"],
    ["two candidates", config({ candidateCount: 2 }), "candidateCount"],
    ["a temperature of 3", config({ temperature: 3 }), "temperature"],
    ["a video of an image model", config({ responseModalities: ["TEXT", "VIDEO"] }), "responseModalities"],
    ["a modality that is none", config({ responseModalities: ["PICTURE"] }), "responseModalities"],
    ["a level by a number", config({ thinkingConfig: { thinkingLevel: 3 } }), "thinkingLevel"],
    ["settings as a map", { safetySettings: { HARM_CATEGORY_HARASSMENT: "OFF" } }, "safetySettings[0].category"],
    ["a threshold that is missing", { safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT" }] }, "safetySettings[0].threshold"],
    ["sound", config({ responseModalities: ["AUDIO"] }), "responseModalities"],
    ["JSON", config({ responseMimeType: "application/json" }), "responseMimeType"],
    ["a threshold that is none", { safetySettings: [category("HARASSMENT", "SOMETIMES")] }, "safetySettings[0].threshold"],
    ["cached content", { cachedContent: "cachedContents/x" }, "cachedContent"],
    ["a search of a model without", search, "googleSearch", "gemini-3.1-flash-lite-image"],
  ])("%s", async (_, body, field, model = MODEL) => {
    const { status, answer, calls } = await ask(body, { model });
    expect([status, answer.error?.status, calls.length]).toEqual([400, "INVALID_ARGUMENT", 0]);
    expect(answer.error?.message).toContain(field);
  });

  test("a search where only Flow serves", async () => {
    const { status, answer, calls } = await ask(search, { model: PRO, of: flow });
    expect([status, answer.error?.message, calls.length]).toEqual([400, expect.stringContaining("googleSearch"), 0]);
  });
});

test("a search goes to the tokens that can, whichever is free", async () => {
  await using both = await startRig({ tokens: [FLOW, GEMINI] });
  for (let turn = 0; turn < 3; turn++) {
    const { status, calls } = await ask({ tools: [{ googleSearch: {} }] }, { model: PRO, of: both });
    expect([status, calls.every(({ path }) => path.startsWith("/gemini/"))]).toEqual([200, true]);
  }
});

describe("a video as input of an image model", () => {
  const clip = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypisom"), Buffer.alloc(12)]).toString("base64");
  const inline = { inlineData: { mimeType: "video/mp4", data: clip } };
  const youtube = { fileData: { fileUri: "https://www.youtube.com/watch?v=abcdefghijk", mimeType: "video/mp4" } };

  test("goes to the model that takes it", async () => {
    const { status, images, sent } = await ask({ contents: [{ parts: [inline, { text: "a still of it" }] }] });
    expect([status, images.length, sent.contents[0]!.parts]).toMatchObject([200, 1, [inline, { text: "a still of it" }]]);
  });

  test("an address of YouTube goes on as it is", async () => {
    const { status, sent } = await ask({ contents: [{ parts: [youtube, { text: "a still of it" }] }] });
    expect([status, sent.contents[0]!.parts]).toEqual([200, [youtube, { text: "a still of it" }]]);
  });

  test.each([
    [PRO, inline],
    [PRO, youtube],
    ["gemini-nano-banana-2.1", inline],
  ])("%s takes none", async (model, part) => {
    const { status, answer, calls } = await ask({ contents: [{ parts: [part, { text: "a still" }] }] }, { model });
    expect([status, answer.error?.message, calls.length]).toEqual([400, expect.stringContaining("no video"), 0]);
  });

  test("images beside it are counted apart", async () => {
    const image = { inlineData: { mimeType: "image/png", data: PIXEL } };
    const parts = [inline, ...Array.from({ length: 14 }, () => image), { text: "a still" }];
    expect((await ask({ contents: [{ parts }] })).status).toBe(200);
  });
});

describe("interactions", () => {
  async function interact(body: object) {
    const before = rig.simulator.calls().length;
    const headers = { "x-goog-api-key": rig.key, "content-type": "application/json" };
    const response = await fetch(`${rig.url}/v1beta/interactions`, { method: "POST", headers, body: JSON.stringify(body) });
    const answer = (await response.json()) as { status?: string; error?: { message: string } };
    // Videos of other tests are polled meanwhile.
    const calls = rig.simulator
      .calls()
      .slice(before)
      .filter(({ method }) => method === "POST");
    const ignored = response.headers.get("x-flow2api-ignored")?.split(", ") ?? [];
    return { status: response.status, answer, calls, sent: calls[0]?.body as Sent, ignored };
  }

  test("carry a search, a temperature and safety settings to an image model, and report the rest", async () => {
    const { status, answer, sent, ignored } = await interact({
      model: PRO,
      input: "a fox",
      tools: [{ type: "google_search" }, { type: "code_execution" }],
      safety_settings: STANDARD,
      generation_config: { temperature: 0.5, max_output_tokens: 100 },
      agent_config: { a: 1 },
    });
    expect([status, answer.status, sent.tools, sent.safetySettings]).toEqual([200, "completed", [{ googleSearch: {} }], STANDARD]);
    expect([sent.generationConfig.temperature, ignored.toSorted()]).toEqual([
      0.5,
      ["agentConfig", "generationConfig.maxOutputTokens", "tools.code_execution"],
    ]);
  });

  test("make the encoding that an image is asked in, again when it is read again", async () => {
    const response_format = { type: "image", mime_type: "image/webp" };
    const { answer, ignored } = await interact({ model: PRO, input: "a fox", response_format });
    const { id } = answer as { id: string };
    const again = await fetch(`${rig.url}/v1beta/interactions/${id}`, { headers: { "x-goog-api-key": rig.key } });
    for (const one of [answer, await again.json()]) {
      const { steps } = one as { steps: { content: { type: string; mime_type?: string; data?: string }[] }[] };
      const image = steps[0]!.content.find(({ type }) => type === "image")!;
      expect([image.mime_type, Buffer.from(image.data!, "base64").subarray(8, 12).toString()]).toEqual(["image/webp", "WEBP"]);
    }
    expect(ignored).toEqual([]);
  });

  test.each<[string, object, string[]]>([
    ["an encoding that is not made", { response_format: { type: "image", mime_type: "image/tiff" } }, ["responseFormat.mimeType"]],
    [
      "the encoding of a file",
      { response_format: { type: "image", mime_type: "image/webp", delivery: "uri" } },
      ["responseFormat.mimeType"],
    ],
    ["a format in a word", { response_format: "image" }, ["responseFormat"]],
    ["a field of a format", { response_format: { type: "image", fps: 24 } }, ["responseFormat.fps"]],
    [
      "sound as input",
      {
        input: [
          { type: "text", text: "a fox" },
          { type: "audio", data: "AAAA" },
        ],
      },
      ["input.audio"],
    ],
    [
      "a document in a step",
      {
        input: [
          {
            type: "user_input",
            content: [
              { type: "text", text: "a fox" },
              { type: "document", data: "AA" },
            ],
          },
        ],
      },
      ["input.document"],
    ],
    ["an agent and labels", { agent: "x", labels: { a: "b" } }, ["agent", "labels"]],
  ])("report %s", async (_, body, names) => {
    const { status, ignored } = await interact({ model: PRO, input: "a fox", ...body });
    expect([status, ignored]).toEqual([200, names]);
  });

  test("of a video model report what it does not take", async () => {
    const { status, ignored } = await interact({
      model: "gemini-omni-1.2-flash",
      input: "a fox in snow",
      safety_settings: STANDARD,
      generation_config: { temperature: 1 },
    });
    expect([status, ignored.toSorted()]).toEqual([200, ["generationConfig.temperature", "safetySettings"]]);
  });

  test("give a video to an image model that takes one", async () => {
    const data = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypisom"), Buffer.alloc(12)]).toString("base64");
    const input = [
      { type: "video", data, mime_type: "video/mp4" },
      { type: "text", text: "a still of it" },
    ];
    const taken = await interact({ model: MODEL, input });
    expect([taken.status, taken.sent.contents[0]!.parts]).toMatchObject([
      200,
      [{ inlineData: { mimeType: "video/mp4" } }, { text: "a still of it" }],
    ]);
    expect(await interact({ model: PRO, input })).toMatchObject({ status: 400, calls: [] });
  });

  test.each<[string, object]>([
    ["a ratio of nobody", { model: PRO, response_format: { type: "image", aspect_ratio: "7:77" } }],
    ["a ratio that the model lacks", { model: PRO, response_format: { type: "image", aspect_ratio: "1:8" } }],
    ["a ratio of no video", { model: "gemini-omni-1.2-flash", response_format: { type: "video", aspect_ratio: "1:1" } }],
    ["words alone", { model: PRO, response_format: { type: "text" } }],
    ["sound beside an image", { model: PRO, response_modalities: ["image", "audio"] }],
    ["a level by a number", { model: PRO, generation_config: { thinking_level: 3 } }],
    ["words by modality", { model: PRO, response_modalities: ["text"] }],
    ["a level that is none", { model: PRO, generation_config: { thinking_level: "enormous" } }],
  ])("refuse %s, and nothing is charged", async (_, body) => {
    expect(await interact({ input: "a fox", ...body })).toMatchObject({ status: 400, calls: [] });
  });
});
