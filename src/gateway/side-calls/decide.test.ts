// Which calls are side calls: real clients' words, genuine requests, signs together and alone.
import { describe, expect, test } from "bun:test";
import { CLIENT_CALLS } from "./clients.fixtures.ts";
import { type ChatCall, judgeSideCall } from "./decide.ts";
import { GENUINE, MORE_GENUINE, VIDEOS } from "./genuine.fixtures.ts";
import { MORE_CALLS } from "./more-clients.fixtures.ts";
import { GENUINE_LINES } from "./more-genuine.fixtures.ts";
import { decideSideCall } from "./reply.ts";
import { localAnswer } from "./reply-text.ts";
import { CALLS_WORLDWIDE } from "./task-languages.fixtures.ts";
import { ALONE, FEW_TOKENS, TASKS } from "./wordings.fixtures.ts";
import { GENUINE_WORLDWIDE, LONG_GENUINE } from "./worldwide.fixtures.ts";

const CALL: ChatCall = {
  kind: "image",
  system: "",
  text: "",
  earlier: [],
  messages: 1,
  hasAttachment: false,
  maxTokens: null,
  marker: null,
  hasImageOptions: false,
  model: "gemini-3-pro-image",
};
const callOf = (change: Partial<ChatCall>): ChatCall => ({ ...CALL, ...change });
const isSide = (change: Partial<ChatCall>) => judgeSideCall(callOf(change)).isSide;
const reply = (change: Partial<ChatCall>, more: object = {}) =>
  decideSideCall({ call: callOf(change), demand: null, mode: "answer", isListed: () => false, imagesRoutesOnly: false, ...more }).reply;

describe("what clients send on the side is answered here", () => {
  test.each(CLIENT_CALLS.map(({ from, call, answer }) => [from, call, answer] as const))("%s", (_, call, response) => {
    for (const kind of ["image", "video"] as const) {
      const local = reply({ ...call, kind });
      if (typeof response === "string") expect(local?.text).toBe(response);
      else expect(local?.text).toMatch(response);
    }
  });
});

describe("other words for the same are side calls", () => {
  test.each(TASKS)("%s", (text) => expect(isSide({ text, messages: 3, earlier: ["draw a fox in the snow"] })).toBe(true));
  test.each(ALONE)("%s", (text) => expect(isSide({ text })).toBe(true));
  test.each(FEW_TOKENS)("%s", (text, maxTokens) => expect(isSide({ text, maxTokens })).toBe(true));
});

test.each([...MORE_CALLS, ...CALLS_WORLDWIDE])("%s costs nothing, of images and videos", (_, call) => {
  for (const kind of ["image", "video"] as const) expect(isSide({ ...call, kind })).toBe(true);
});

describe("a check of one word is recognised by its words, its tokens and its position together", () => {
  const CHECKS = ["status", "Quota", "health", "health check", "api status", "x", "noop", "keepalive", "verify", "额度", "测活"];
  test.each(CHECKS)("%s", (text) => {
    for (const maxTokens of [1, 5, 16]) expect(isSide({ text, maxTokens })).toBe(true);
  });
  test.each(["status", "quota", "x", "额度"])("%s with room for an image, after another turn or with a shape makes one", (text) => {
    expect(isSide({ text })).toBe(false);
    expect(isSide({ text, maxTokens: 1, messages: 3, earlier: ["a fox"] })).toBe(false);
    expect(isSide({ text, maxTokens: 1, hasImageOptions: true })).toBe(false);
    expect(isSide({ text, maxTokens: 1, hasAttachment: true })).toBe(false);
  });
  const ALL = [...GENUINE, ...MORE_GENUINE, ...GENUINE_LINES, ...GENUINE_WORLDWIDE];
  test("no genuine request is one, whatever it allows", () => {
    const others = ["a cat", "猫", "logo, flat, red", "health potion", "a status symbol", "server", "key", "bar", "heartbeat", "balance"];
    expect([...ALL, ...others].filter((text) => isSide({ text, maxTokens: 16 }) !== isSide({ text, maxTokens: 1 }))).toEqual([]);
    for (const text of [...GENUINE, ...others]) expect([text, isSide({ text, maxTokens: 1 })]).toEqual([text, false]);
  });
});

const ROLEPLAY =
  "Write Luna's next reply in a fictional chat between Luna and User. Write 1 reply only, in internet RP style, and avoid quotation marks.";
test("requests in the words of tasks make an image", () => {
  for (const text of [...GENUINE_LINES, ...GENUINE_WORLDWIDE, ...LONG_GENUINE]) {
    for (const change of [{}, { messages: 3, earlier: ["a fox"] }, { system: PERSONA }, { system: ROLEPLAY }])
      expect([text, isSide({ text, ...change })]).toEqual([text, false]);
  }
});

test("edits and descriptions make one also where a client allows every reply 300 tokens", () => {
  const edits = [...GENUINE_LINES, ...GENUINE_WORLDWIDE].filter((line) =>
    /^(?:make|remove|change|add|delete|fix|replace|move|can|could|what about|how about|把|能|\{)/i.test(line),
  );
  expect(edits.length).toBeGreaterThan(40);
  expect(edits.filter((text) => isSide({ text, maxTokens: 300 }))).toEqual([
    "Make an emoji of my face",
    "Make 3 suggestions for a living room",
  ]);
});

const PERSONA =
  "You are a helpful assistant. Answer in the user's language. Keep your answers under 100 words, summarize where needed, reply in markdown.";
const ARTIST = "You are an artist. Generate images from the user's descriptions. Output only the image, no explanation.";

describe("a request for an image makes one", () => {
  test.each(GENUINE)("%s", (text) => {
    for (const change of [{}, { maxTokens: 5 }, { messages: 3, earlier: ["a fox"] }, { system: PERSONA }, { system: ARTIST }]) {
      expect([change, isSide({ text, ...change })]).toEqual([change, false]);
    }
  });

  test.each(MORE_GENUINE)("%s", (text) => {
    for (const change of [{}, { maxTokens: 5 }, { maxTokens: 300 }, { messages: 3, earlier: ["a fox"] }])
      expect([change, isSide({ text, ...change })]).toEqual([change, false]);
  });

  test("a long scene that holds every word of a task does", () => {
    const scene = `A wide oil painting of a library at dusk. ${"A clerk writes the title of a summary, counts words, and says only nothing to the user. ".repeat(120)}`;
    expect(isSide({ text: scene, maxTokens: 100 })).toBe(false);
  });

  test("so does one with an image, a size or an edit", () => {
    expect(isSide({ text: "hi", hasAttachment: true })).toBe(false);
    expect(isSide({ text: "What is this?", hasAttachment: true })).toBe(false);
    expect(isSide({ text: "hello", hasImageOptions: true })).toBe(false);
  });
});

test("a task that comes with image options, as clients send them with every call, is one", () => {
  const text =
    "Please generate a four to five word title summarizing our conversation without any lead-in, punctuation or additional text.";
  expect(isSide({ text, messages: 3, earlier: ["a fox"], hasImageOptions: true })).toBe(true);
  expect(isSide({ text: "Suggest a title for this poster", hasImageOptions: true })).toBe(false);
});

describe("no sign alone decides", () => {
  test.each([
    ["few tokens", { maxTokens: 5, text: "a cat" }],
    ["a mark", { marker: "title_generation", text: "a cat" }],
    ["a text that is demanded", { text: "Suggest a name for a bakery" }],
    ["a question", { text: "Who is the king of the foxes?" }],
    ["bounds", { text: "a sign with the words only one" }],
    ["a conversation", { text: "the conversation" }],
  ] as [string, Partial<ChatCall>][])("%s", (_, change) => expect(isSide(change)).toBe(false));

  test.each([
    ["few tokens with a question", { maxTokens: 16, text: "What is the capital of France?" }],
    ["few tokens with a demand", { maxTokens: 100, text: "Tell me a joke" }],
    ["a mark with a demand", { marker: "title_generation", text: "Suggest a name for this" }],
    ["a demand with bounds", { text: "Suggest a name for a bakery. Answer with the name only." }],
  ] as [string, Partial<ChatCall>][])("%s do", (_, change) => expect(isSide(change)).toBe(true));
});

describe("a video model makes a video of what asks for one only", () => {
  test.each([
    "a cat runs through the snow",
    "a fox",
    "waves at dusk, slow pan",
    "make the fox jump",
    "猫在跑",
    "two people talking in a car, 8 seconds",
  ])("%s does", (text) => expect(isSide({ kind: "video", text })).toBe(false));
  test.each(VIDEOS)("%s does", (text) => {
    for (const change of [{}, { maxTokens: 300 }, { messages: 3, earlier: ["a fox"] }])
      expect([change, isSide({ kind: "video", text, ...change })]).toEqual([change, false]);
  });
  test.each(["thanks!", "why?", "Suggest a title", "Summarize our chat", "What can you do?", "hello"])("%s does not", (text) =>
    expect(isSide({ kind: "video", text, messages: 3, earlier: ["a fox"] })).toBe(true),
  );
});

describe("per key", () => {
  const refused = (change: Partial<ChatCall>, more: object) => {
    try {
      reply(change, more);
    } catch (error) {
      return error as { kind: string; param: string; reason: string };
    }
    return null;
  };
  test("side calls are refused", () => {
    expect(refused({ text: "hi" }, { mode: "refuse" })).toMatchObject({ kind: "invalid_request", reason: "side_call_refused" });
    expect(reply({ text: "a cat" }, { mode: "refuse" })).toBeNull();
  });
  test("side calls are always generated", () => expect(reply({ text: "hi" }, { mode: "generate" })).toBeNull());
  test("images come through the images routes only, and side calls are answered", () => {
    expect(refused({ text: "a cat" }, { imagesRoutesOnly: true })).toMatchObject({ kind: "forbidden", reason: "images_routes_only" });
    expect(reply({ text: "hi" }, { imagesRoutesOnly: true })?.text).toStartWith("Hello");
  });
  test("an operator's rule makes a side call of any text", () => {
    expect(reply({ text: "a cat" }, { isListed: () => true })?.text).toContain("describe");
  });
});

describe("JSON that is demanded", () => {
  const schema = {
    type: "object",
    properties: { language: { type: "string" }, title: { type: "string" } },
    required: ["language", "title"],
  };
  const demand = { field: "response_format", schema };
  test("is answered where it is a side call", () => {
    const text =
      "Analyze this conversation and provide:\n1. The detected language of the conversation\n2. A concise title in the detected language (5 words or less)\n\nUser: draw a fox\nAI: Here is your picture.";
    expect(reply({ text }, { demand })?.text).toBe('{"language":"English","title":"Fox"}');
  });
  test.each(["a cat", "draw a fox", "Write a story about a fox"])("of %j is refused, whatever the mode", (text) => {
    for (const mode of ["answer", "refuse", "generate"]) {
      expect(() => reply({ text }, { demand, mode })).toThrow(
        expect.objectContaining({ kind: "invalid_request", param: "response_format" }),
      );
    }
  });
  test("without a schema is what the text shows, else a field of its own", () => {
    expect(reply({ text: "hi" }, { demand: { field: "response_format" } })?.text).toStartWith('{"response":"Hello');
    const task = 'Generate a title for this conversation as JSON: {"title": "…"}\nUser: draw a fox';
    expect(reply({ text: task }, { demand: { field: "response_format" } })?.text).toBe('{"title":"Fox"}');
  });
});

describe("a reply is bounded by the text", () => {
  test.each([
    ["<a>".repeat(30_000)],
    ["User: x\n".repeat(20_000)],
    ['{"a":'.repeat(20_000)],
    ['"""'.repeat(20_000)],
    [`: "`.repeat(20_000)],
  ])("%#", (text) => {
    const verdict = judgeSideCall(callOf({ text, system: text }));
    expect(localAnswer(callOf({ text }), verdict).length).toBeLessThan(20_000);
  });
});
