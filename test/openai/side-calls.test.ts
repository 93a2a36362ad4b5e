// Side calls through the whole server: what is charged is what the upstream was asked for.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CLIENT_CALLS } from "../../src/gateway/side-calls/clients.fixtures.ts";
import { GENUINE } from "../../src/gateway/side-calls/genuine.fixtures.ts";
import { framesOf, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

let rig: Rig;
let before = 0;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => {
  before = rig.simulator.counts().total.requests;
});
const charged = () => rig.simulator.counts().total.requests - before;

type Completion = {
  choices: {
    message: { content: string | null; tool_calls?: { function: { name: string; arguments: string } }[] };
    finish_reason: string;
  }[];
  error?: { param: string; code: string; message: string };
};
const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
  const response = await rig.call(path, {
    method: "POST",
    body: JSON.stringify({ model: "gemini-3-pro-image", ...body }),
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: response.status, body: (await response.json()) as Completion & { output?: { content: { text: string }[] }[] } };
};
const ask = (text: string, more: object = {}) => post("/v1/chat/completions", { messages: [{ role: "user", content: text }], ...more });
const said = ({ body }: { body: Completion }) => body.choices[0]!.message.content ?? "";

describe("chat", () => {
  test.each(CLIENT_CALLS.map(({ from, call, isDirective }) => [from, call, isDirective] as const))(
    "%s costs nothing",
    async (_, call, isDirective) => {
      const earlier = (call.earlier ?? []).flatMap((content) => [
        { role: "user", content },
        { role: "assistant", content: "![image](https://elsewhere.example/1.png)" },
      ]);
      const messages = [
        ...(call.system ? [{ role: "system", content: call.system }] : []),
        ...earlier,
        ...(call.text ? [{ role: isDirective ? "system" : "user", content: call.text }] : []),
      ];
      const more = call.maxTokens ? { max_tokens: call.maxTokens } : {};
      const { status } = await post("/v1/chat/completions", { messages, ...more });
      expect([status, charged()]).toEqual([200, 0]);
      expect((await post("/v1/chat/completions", { model: "gemini-omni-1.2-flash", messages, ...more })).status).toBe(200);
      expect(charged()).toBe(0);
    },
  );

  test("a task whose text is parts, quotes our own image and streams costs nothing", async () => {
    const text = `Generate a short title for this conversation.\n<chat_history>\nUSER: draw a fox\nASSISTANT: ![image](${rig.url}/media/${"a".repeat(26)}.png)\n</chat_history>`;
    const response = await ask("", { messages: [{ role: "user", content: [{ type: "text", text }] }] });
    expect([response.status, said(response), charged()]).toEqual([200, "Fox", 0]);
  });

  test.each(GENUINE.slice(0, 6))("%j makes an image even with max_tokens 5", async (text) => {
    const response = await ask(text, { max_tokens: 5 });
    expect([said(response).includes("/media/"), charged()]).toEqual([true, 1]);
  });

  test("a function that must be called is called with arguments that fit, streamed or not", async () => {
    const parameters = { type: "object", properties: { title: { type: "string" } }, required: ["title"] };
    const more = {
      tools: [{ type: "function", function: { name: "set_title", parameters } }],
      tool_choice: { type: "function", function: { name: "set_title" } },
    };
    const { body } = await ask("Generate a title for this conversation.\nUser: draw a fox", more);
    expect(body.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ function: { name: "set_title", arguments: '{"title":"Fox"}' } }] },
    });
    expect((await ask("a cat", more)).body.error).toMatchObject({ param: "tool_choice" });
    const several = { tools: [...more.tools, { type: "function", function: { name: "search" } }], tool_choice: "required" };
    expect((await ask("a cat", several)).body.error).toMatchObject({ param: "tool_choice" });
    expect(charged()).toBe(0);
    expect(said(await ask("a cat", { ...several, tool_choice: "auto" }))).toContain("/media/");
  });

  test("a mark of the client decides together with what the text asks", async () => {
    const marked = { metadata: { task: "title_generation" } };
    expect(said(await ask("Suggest a name for this: draw a fox", marked))).toBe("Fox");
    expect(charged()).toBe(0);
    expect(said(await ask("a cat", marked))).toContain("/media/");
  });

  test.each([
    ["json_object", { type: "json_object" }],
    ["json_schema", { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } }],
  ])("%s for an image is 400 and never sent", async (_, response_format) => {
    const { status, body } = await ask("a cat", { response_format });
    expect([status, body.error?.param, charged()]).toEqual([400, "response_format", 0]);
  });
});

describe("JSON is demanded in any place", () => {
  const json_object = { type: "json_object" };
  test.each([
    ["as a word", { response_format: "json_object" }, "response_format"],
    ["below extra_body", { extra_body: { response_format: json_object } }, "extra_body.response_format"],
    ["as the other route names it", { text: { format: json_object } }, "text.format"],
    ["as Gemini names it", { generationConfig: { responseMimeType: "application/json" } }, "generationConfig.responseMimeType"],
  ])("%s", async (_, more, param) => {
    expect((await ask("a cat", more)).body.error?.param).toBe(param);
    expect((await post("/v1/responses", { input: "a cat", ...more })).body.error?.param).toBe(param);
    expect(charged()).toBe(0);
  });
  test("b64_json is an image", async () => {
    expect((await ask("a cat", { response_format: "b64_json" })).status).toBe(200);
    expect(charged()).toBe(1);
  });
});

describe("continue, prefill and impersonate never fail", () => {
  const user = (content: string) => ({ role: "user", content });
  const assistant = (content: string) => ({ role: "assistant", content });
  const system = (content: string) => ({ role: "system", content });
  test.each([
    ["only instructions", [system("You are an artist.")], 0],
    ["only an assistant", [assistant("Hello!")], 0],
    ["a greeting and its answer", [user("hi"), assistant("Hello! I make images.")], 0],
    [
      "a request and its answer, to be continued",
      [user("draw a fox"), assistant("Here it is: ![image](https://elsewhere.example/1.png)")],
      1,
    ],
    ["a prefill", [user("draw a fox"), assistant("Sure, here is")], 1],
    ["an empty prefill", [user("draw a fox"), assistant("")], 1],
    ["a note at the end", [user("draw a fox"), system("Keep it short.")], 1],
    [
      "a continue nudge",
      [user("draw a fox"), assistant("Here"), system("[Continue your last message without repeating its original content.]")],
      0,
    ],
  ] as const)("%s", async (_, messages, cost) => {
    const { status } = await post("/v1/chat/completions", { messages });
    expect([status, charged()]).toEqual([200, cost]);
    const streamed = await rig.call("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "gemini-3-pro-image", stream: true, messages }),
    });
    expect([streamed.status, (await streamed.text()).includes('"error"')]).toEqual([200, false]);
  });
});

describe("responses", () => {
  const respond = (input: unknown, more: object = {}) => post("/v1/responses", { input, ...more });
  const streamed = async (body: object) => {
    const response = await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", stream: true, ...body } });
    return framesOf(await response.text()).map((data) => JSON.parse(data) as { type: string; response?: { output: object[] } });
  };
  test("side calls are answered, by instructions, item and few tokens", async () => {
    const title = { instructions: "You are a chat title generator. Generate a concise title for the conversation.", input: "draw a fox" };
    expect((await post("/v1/responses", title)).body.output![0]!.content[0]!.text).toBe("Fox");
    expect((await respond([{ role: "user", content: [{ type: "input_text", text: "hi" }] }])).status).toBe(200);
    expect((await respond("What is the capital of France?", { max_output_tokens: 16 })).status).toBe(200);
    expect(charged()).toBe(0);
  });
  describe("a function that must be called is called with arguments that fit", () => {
    const parameters = { type: "object", properties: { title: { type: "string" } }, required: ["title"] };
    const set_title = { type: "function", name: "set_title", parameters };
    const other = { type: "function", name: "search", parameters: { type: "object" } };
    const input = "Generate a title for this conversation.\nUser: draw a fox";
    const one = { type: "function", name: "set_title" };
    test.each([
      ["by its name", { tools: [other, set_title], tool_choice: one }],
      [
        "by its name as chat nests it",
        { tools: [{ type: "function", function: set_title }], tool_choice: { type: "function", function: one } },
      ],
      ["as the only one", { tools: [set_title], tool_choice: "required" }],
      [
        "as the only one that is allowed",
        { tools: [other, set_title], tool_choice: { type: "allowed_tools", mode: "required", tools: [one] } },
      ],
    ])("%s, streamed or not, and for an image it is 400", async (_, more) => {
      const { body } = await respond(input, more);
      const call = { type: "function_call", status: "completed", name: "set_title", arguments: '{"title":"Fox"}' };
      expect(body.output).toEqual([{ ...call, id: expect.stringMatching(/^fc_/), call_id: expect.stringMatching(/^call_/) } as never]);

      const events = await streamed({ input, ...more });
      expect(events.map(({ type }) => type)).toEqual([
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
      ]);
      expect(events.at(-1)!.response!.output).toEqual([expect.objectContaining(call)]);
      expect((await respond("a cat", more)).body.error).toMatchObject({ param: "tool_choice" });
      expect(charged()).toBe(0);
    });

    test("its result, sent back, costs nothing, and another turn after it makes an image", async () => {
      const first = await respond(input, { tools: [set_title], tool_choice: "required" });
      const { id, output } = first.body as unknown as { id: string; output: { call_id: string }[] };
      const result = { type: "function_call_output", call_id: output[0]!.call_id, output: "done" };
      expect((await respond([result], { previous_response_id: id })).status).toBe(200);
      expect(charged()).toBe(0);
      expect((await respond([result, { role: "user", content: "a cat" }], { previous_response_id: id, tools: [set_title] })).status).toBe(
        200,
      );
      expect(charged()).toBe(1);
    });

    test("where an image tool stands beside it, what is required is the image", async () => {
      const tools = [{ type: "image_generation" }, set_title];
      expect((await respond("a cat", { tools, tool_choice: "required" })).status).toBe(200);
      expect(charged()).toBe(1);
    });
  });
  test("text.format that demands JSON is answered or 400", async () => {
    const schema = { type: "object", properties: { title: { type: "string" } }, required: ["title"], additionalProperties: false };
    const text = { format: { type: "json_schema", name: "t", schema } };
    const { body } = await respond("Generate a title for this conversation.\nUser: draw a fox", { text });
    expect(JSON.parse(body.output![0]!.content[0]!.text)).toEqual({ title: "Fox" });
    expect((await respond("a cat", { text })).body.error).toMatchObject({ param: "text.format" });
    expect(charged()).toBe(0);
  });
});

describe("a key", () => {
  test("that refuses side calls, one that generates all, one of the images routes", async () => {
    const set = (change: object) =>
      rig.context.store
        .updateKey(1, change)
        .then(() => rig.context.store.listKeys())
        .then(async (rows) => rig.context.keys.load(rows, await rig.context.store.listKeyHashes()));
    try {
      await set({ sideCalls: "refuse" });
      expect((await ask("hi")).body.error).toMatchObject({ code: "side_call_refused" });
      await set({ sideCalls: "generate" });
      expect(said(await ask("hi"))).toContain("/media/");
      await set({ sideCalls: null, imagesRoutesOnly: true });
      before = rig.simulator.counts().total.requests;
      expect((await ask("a cat")).status).toBe(403);
      expect(said(await ask("hi"))).toStartWith("Hello");
      expect(charged()).toBe(0);
      expect((await post("/v1/images/generations", { prompt: "a cat" })).status).toBe(200);
    } finally {
      await set({ sideCalls: null, imagesRoutesOnly: false });
    }
  });
});
