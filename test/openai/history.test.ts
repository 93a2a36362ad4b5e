// Conversations as clients send them back: an edit stays an edit, and what cannot be read of the past does not end it.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Chat, type Delta, deltasOf, PIXEL_URL, until } from "../clients/replay.ts";
import { GEMINI, lastSent, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI] });
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.simulator.reset());

type Sent = { contents: { role: string; parts: { text?: string; inlineData?: unknown }[] }[] };

/** The turns that the upstream was sent last: images as a mark. */
function sentTurns(): [role: string, ...parts: string[]][] {
  const { contents } = lastSent(rig) as Sent;
  return contents.map(({ role, parts }) => [role, ...parts.map(({ text, inlineData }) => (inlineData ? "<image>" : text!.trim()))]);
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const image = (url: unknown) => ({ type: "image_url", image_url: { url } });

describe.each(["markdown_url", "markdown_data", "images"])("in the form %s an edit stays an edit", (form) => {
  const headers = { "x-image-output": form };
  const first = (stream: boolean) => rig.chat({ stream }, { headers });

  test.each([false, true])("where the client stores the text alone (stream: %p)", async (stream) => {
    const deltas = stream ? await deltasOf(await first(true)) : [];
    const text = stream
      ? deltas.map(({ content = "" }: Delta) => content).join("")
      : ((await (await first(false)).json()) as Chat).choices[0]!.message.content;
    expect(text).toMatch(/^\[image-1\]: http:\/\/127\.0\.0\.1:\d+\/media\/[a-z2-7]{26}\.png \(image-1\)$/m);
    // Clients that store no base64 cut it out of what they store.
    const stored = text.replace(/!\[image\]\(data:[^)]*\)/, "");
    const messages = [user("a fox"), assistant(stored), user("make it red")];
    expect((await rig.chat({ messages })).status).toBe(200);
    expect(sentTurns()).toEqual([
      ["user", "a fox"],
      ["model", "Here is your image.", "<image>"],
      ["user", "make it red"],
    ]);
  });

  test("where the client sends everything back, the image goes once", async () => {
    const { message } = ((await (await first(false)).json()) as Chat).choices[0]!;
    await rig.chat({ messages: [user("a fox"), message, user("make it red")] });
    expect(sentTurns()[1]).toEqual(["model", "Here is your image.", "<image>"]);
  });

  test("where the client drops it from the first turn on, naming it is enough", async () => {
    const { message } = ((await (await first(false)).json()) as Chat).choices[0]!;
    const url = /^\[image-1\]: (\S+) \(image-1\)$/m.exec(message.content)![1]!;
    for (const content of [
      `把${url}，改成红色`,
      `make **${url}** red`,
      `make ${url} red`,
      `make [it](${url}) red`,
      `make ![it](${url}) red`,
    ]) {
      await rig.chat({ messages: [user(content)] });
      expect(sentTurns()[0]).toContain("<image>");
    }
    await rig.call("/v1/images/generations", { json: { prompt: `make ${url} red` } });
    expect(sentTurns()[0]).toContain("<image>");
    await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", input: `make ${url} red` } });
    expect(sentTurns()[0]).toContain("<image>");
  });
});

test("an image that a video's prompt names is what the video begins with", async () => {
  const { message } = ((await (await rig.chat()).json()) as Chat).choices[0]!;
  const url = /^\[image-1\]: (\S+) \(image-1\)$/m.exec(message.content)![1]!;
  await rig.call("/v1/videos", { json: { prompt: `let ${url} move` } });
  const sent = () => rig.simulator.calls().find(({ operation }) => operation === "gemini.interaction");
  await until(() => sent() !== undefined);
  expect(JSON.stringify(sent()!.body)).toMatch(/"type":"image".*let {1,2}move/);
});

const SVG = `data:image/svg+xml;base64,${btoa('<svg xmlns="http://www.w3.org/2000/svg"/>')}`;
const UNUSABLE: [string, string][] = [
  ["an empty URL", ""],
  ["blanks", "  "],
  ["an expired link of ours", "http://gateway.example/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png"],
  ["an SVG", SVG],
  ["base64 that was cut", PIXEL_URL.slice(0, 50)],
  ["a private host", "http://10.0.0.1/a.png"],
  ["a host that is not there", "http://nowhere.invalid/a.png"],
  ["no URL", "nonsense"],
];

describe.each(UNUSABLE)("%s", (_name, url) => {
  test("in an earlier turn is left out and reported", async () => {
    const response = await rig.chat({
      messages: [user([{ type: "text", text: "edit" }, image(url)]), assistant("failed"), user("draw a fox")],
      stream: true,
    });
    const deltas = await deltasOf(response);
    expect([response.status, response.headers.get("x-flow2api-left-out")]).toEqual([200, "messages[0].content[1].image_url"]);
    expect(deltas.map(({ reasoning_content = "" }) => reasoning_content).join("")).toContain("messages[0].content[1].image_url");
    expect(sentTurns().flat()).not.toContain("<image>");
  });

  test("in the responses API as well", async () => {
    const input = [user([{ type: "input_image", image_url: url }]), assistant("failed"), user("draw a fox")];
    const response = await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", input } });
    expect([response.status, response.headers.get("x-flow2api-left-out")]).toEqual([200, "input[0].content[0].image_url"]);
  });

  test("in what the assistant said is left out", async () => {
    const messages = [user("a"), { ...assistant(`![i](${url})`), images: [image(url)] }, user("draw a fox")];
    expect((await rig.chat({ messages })).status).toBe(200);
    expect(sentTurns().flat()).not.toContain("<image>");
  });

  test("attached to the last turn is refused by its name", async () => {
    const response = await rig.chat({ messages: [user("a"), assistant("b"), user([{ type: "text", text: "edit" }, image(url)])] });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("messages[2].content[1]");
    expect(rig.simulator.counts().total.charged).toBe(0);
  });
});

test("Markdown in the last turn that does not decode is text", async () => {
  for (const text of ["![logo](data:image/png;base64,AAAA)", "```\n![logo](data:image/png;base64,AAAA)\n```"]) {
    expect((await rig.chat({ messages: [user(text)] })).status).toBe(200);
    expect(sentTurns()).toEqual([["user", text]]);
  }
});

test("words after a turn whose failure the client left out are a turn of their own", async () => {
  const failed = user([{ type: "text", text: "edit" }, image("")]);
  expect((await rig.chat({ messages: [failed, user("draw a fox")] })).status).toBe(200);
  const input = [
    user([
      { type: "input_text", text: "edit" },
      { type: "input_image", image_url: "" },
    ]),
    user("draw a fox"),
  ];
  expect((await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", input } })).status).toBe(200);
});

test("an image in a message of its own beside the words about it is of the last turn", async () => {
  for (const messages of [
    [user([image("")]), user("make it red")],
    [user("make it red"), user([image("")])],
  ])
    expect((await rig.chat({ messages })).status).toBe(400);
});

const GIF = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
test("a GIF reaches the upstream as its first frame, wherever it stands", async () => {
  for (const messages of [
    [user([{ type: "text", text: "edit" }, image(GIF)])],
    [user([{ type: "text", text: "edit" }, image(GIF)]), assistant("failed"), user("make it red")],
  ]) {
    expect((await rig.chat({ messages })).status).toBe(200);
    expect(JSON.stringify(lastSent(rig))).toContain('"mimeType":"image/png"');
  }
  const broken = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
  const last = await rig.chat({ messages: [user([{ type: "text", text: "edit" }, image(broken)])] });
  expect([last.status, await last.text()]).toEqual([400, expect.stringContaining("messages[0].content[1]")]);
  const messages = [user([{ type: "text", text: "edit" }, image(broken)]), assistant("failed"), user("draw a fox")];
  expect((await rig.chat({ messages })).status).toBe(200);
});

describe("a conversation that does not end with the user", () => {
  test.each([
    ["the assistant", [user("a fox"), assistant("Sure, ")], 1],
    ["a system message", [user("a fox"), assistant("b"), { role: "system", content: "in red" }], 1],
    ["nothing but a system message", [{ role: "system", content: "in red" }], 0],
    ["nothing but a greeting", [assistant("What shall I draw?")], 0],
  ])("but with %s is served", async (_name, messages, charged) => {
    const responses = [
      await rig.chat({ messages }),
      await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", input: messages } }),
      await rig.chat({ messages, stream: true }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const response of responses) expect(await response.text()).not.toContain('"error":{');
    expect(rig.simulator.counts().total.charged).toBe(charged * 3);
  });
});

test("an image is edited by the id of its call, before or after the words about it", async () => {
  type Answer = { output: { id: string; type: string }[] };
  const made = (await (await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", input: "a fox" } })).json()) as Answer;
  const call = { type: "image_generation_call", id: made.output.find(({ type }) => type === "image_generation_call")!.id };
  for (const input of [
    [user("make it red"), call],
    [call, user("make it red")],
    [user("a fox"), call, assistant("Here."), user("make it red")],
  ]) {
    expect((await rig.call("/v1/responses", { json: { model: "gemini-3-pro-image", input } })).status).toBe(200);
    expect(
      sentTurns()
        .flat()
        .filter((part) => part === "<image>"),
    ).toHaveLength(1);
    expect(sentTurns().at(-1)).toEqual(["user", "make it red"]);
  }
});

describe("the Gemini dialect", () => {
  const ask = (contents: object[]) =>
    rig.call("/v1beta/models/gemini-3-pro-image:generateContent", { json: { contents }, headers: { "x-goog-api-key": rig.key } });
  const turn = (role: string, ...parts: object[]) => ({ role, parts });
  const UNREADABLE: [string, object][] = [
    ["no bytes", { inlineData: { mimeType: "image/png", data: "" } }],
    ["bytes that were cut", { inlineData: { mimeType: "image/png", data: PIXEL_URL.slice(30, 50) } }],
    ["an SVG", { inlineData: { mimeType: "image/svg+xml", data: btoa("<svg/>") } }],
    ["an unknown file", { fileData: { fileUri: "files/aaaaaaaaaaaaaaaaaaaaaaaaaa" } }],
    ["nonsense", { fileData: { fileUri: "nonsense" } }],
  ];

  test.each(UNREADABLE)("%s in an earlier turn is left out and reported", async (_name, part) => {
    const response = await ask([turn("user", { text: "edit" }, part), turn("model", { text: "failed" }), turn("user", { text: "a fox" })]);
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
    expect([...response.headers].some(([, value]) => value.includes("contents[0].parts[1]"))).toBe(true);
    expect(sentTurns().flat()).not.toContain("<image>");
  });

  test.each(UNREADABLE)("%s in the last turn is refused", async (_name, part) => {
    const response = await ask([turn("user", { text: "a" }), turn("model", { text: "b" }), turn("user", { text: "edit" }, part)]);
    expect([400, 403]).toContain(response.status);
  });

  test("a conversation may end with the model", async () => {
    expect((await ask([turn("user", { text: "a fox" }), turn("model", { text: "Sure" })])).status).toBe(200);
    expect(sentTurns()).toEqual([["user", "a fox"]]);
  });
});
