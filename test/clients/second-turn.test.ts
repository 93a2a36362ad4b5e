// The second turn of each chat client as it sends it, after streaming the first in the form that docs/clients.md recommends: an edit.
// Clients' sources: open-webui utils/middleware.py, lobehub packages/model-runtime, cherry-studio messageConverter, nextchat app/client/platforms/openai.ts,
// sillytavern public/scripts/openai.js, librechat agents' formatMessages, dify openai_api_compatible, n8n agent memory (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { lastSent, type Rig } from "../rig.ts";
import { type Delta, deltasOf, startReplay } from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.simulator.reset());

type Messages = { role: string; content: unknown }[];
type Client = {
  name: string;
  form: "markdown_url" | "markdown_data" | "images";
  stream: boolean;
  /** What is sent of the first response. */
  history(content: string, images: string[]): Messages;
};

const said = (content: unknown): Messages => [{ role: "assistant", content }];
const DATA_IMAGE = /!\[[^\]]*\]\(data:image\/[^)]*\)/g;

const CLIENTS: Client[] = [
  { name: "Open WebUI, links", form: "markdown_url", stream: true, history: (content) => said(content) },
  { name: "Open WebUI, files", form: "images", stream: true, history: (content) => said(content) },
  { name: "LobeHub", form: "markdown_url", stream: true, history: (content) => said(content) },
  // Takes base64 out of the text into a list of its own, which stays on its side.
  { name: "LobeHub, base64", form: "markdown_data", stream: true, history: (content) => said(content.replace(DATA_IMAGE, "").trim()) },
  { name: "Cherry Studio, links", form: "markdown_url", stream: true, history: (content) => said(content.trim()) },
  { name: "Cherry Studio, images", form: "images", stream: true, history: (content) => said(content.trim()) },
  { name: "NextChat", form: "markdown_url", stream: true, history: (content) => said(content) },
  {
    name: "SillyTavern",
    form: "markdown_data",
    stream: true,
    history: (content) => [{ role: "system", content: "[Start a new Chat]" }, ...said(content)],
  },
  { name: "LibreChat", form: "markdown_url", stream: true, history: (content) => said([{ type: "text", text: content }]) },
  { name: "Dify", form: "markdown_url", stream: true, history: (content) => said(content) },
  { name: "n8n", form: "markdown_url", stream: false, history: (content) => said(content) },
  {
    name: "OpenRouter's clients",
    form: "images",
    stream: false,
    history: (content, images) => [
      { ...said(content)[0]!, images: images.map((url) => ({ type: "image_url", image_url: { url } })) } as Messages[number],
    ],
  },
];

type Whole = { choices: { message: { content: string; images?: { image_url: { url: string } }[] } }[] };

async function firstTurn({ form, stream }: Client): Promise<{ content: string; images: string[] }> {
  const response = await rig.chat({ stream, messages: [{ role: "user", content: "a fox" }] }, { headers: { "x-image-output": form } });
  if (!stream) {
    const { content, images = [] } = ((await response.json()) as Whole).choices[0]!.message;
    return { content, images: images.map(({ image_url }) => image_url.url) };
  }
  const deltas: Delta[] = await deltasOf(response);
  return {
    content: deltas.map(({ content = "" }) => content).join(""),
    images: deltas.flatMap(({ images = [] }) => images.map(({ image_url }) => image_url.url)),
  };
}

describe.each(CLIENTS)("$name", (client) => {
  test("edits what was made, and makes one image", async () => {
    const { content, images } = await firstTurn(client);
    const messages = [{ role: "user", content: "a fox" }, ...client.history(content, images), { role: "user", content: "make it red" }];
    const response = await rig.chat({ messages, stream: client.stream }, { headers: { "x-image-output": client.form } });
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
    const sent = lastSent(rig) as { contents: { role: string; parts: { inlineData?: object }[] }[] };
    const shown = sent.contents.map(({ role, parts }) => [role, parts.filter(({ inlineData }) => inlineData).length]);
    expect(shown).toEqual([
      ["user", 0],
      ["model", 1],
      ["user", 0],
    ]);
    expect(JSON.stringify(sent)).not.toContain("[image-1]");
  });
});
