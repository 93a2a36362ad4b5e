// Tests of the simulated Files API over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "../simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ fileMs: 0 });
});

// biome-ignore lint/suspicious/noExplicitAny: replies are asserted field by field
type Json = any;
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

const keyed = (key: string) => ({ "x-goog-api-key": key });
const call = async (path: string, init: RequestInit = {}, key = "p.1"): Promise<{ status: number; json: Json }> => {
  const response = await fetch(`${simulator.geminiBaseUrl}/v1beta/${path}`, {
    ...init,
    headers: { ...keyed(key), ...(init.headers as object) },
  });
  return { status: response.status, json: JSON.parse((await response.text()) || "null") };
};

function start(headers: object = {}, body: string | null = JSON.stringify({ file: { display_name: "one" } })): Promise<Response> {
  return fetch(`${simulator.geminiBaseUrl}/upload/v1beta/files`, {
    method: "POST",
    headers: {
      ...keyed("p.1"),
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": String(PNG.length),
      "x-goog-upload-header-content-type": "image/png",
      ...headers,
    },
    ...(body === null ? {} : { body }),
  });
}

const send = (url: string, bytes: Uint8Array, command = "upload, finalize", offset = 0) =>
  fetch(url, {
    method: "POST",
    headers: { "x-goog-upload-command": command, "x-goog-upload-offset": String(offset) },
    body: new Uint8Array(bytes),
  });

async function upload(): Promise<Json> {
  const url = (await start()).headers.get("x-goog-upload-url")!;
  return ((await (await send(url, PNG)).json()) as Json).file;
}

describe("an upload", () => {
  test("is opened, then sent without a key, and is a file", async () => {
    const opened = await start({}, null);
    expect(opened.headers.get("x-goog-upload-status")).toBe("active");
    expect(await opened.text()).toBe("");
    const sent = await send(opened.headers.get("x-goog-upload-url")!, PNG);
    expect(sent.headers.get("x-goog-upload-status")).toBe("final");
    const { file } = (await sent.json()) as Json;
    expect(file).toMatchObject({
      name: expect.stringMatching(/^files\/[a-z0-9]+$/),
      mimeType: "image/png",
      sizeBytes: String(PNG.length),
      state: "ACTIVE",
      source: "UPLOADED",
    });
    expect(Date.parse(file.expirationTime) - Date.parse(file.createTime)).toBe(48 * 3600 * 1000);
  });

  test("works in pieces, and only once", async () => {
    const url = (await start()).headers.get("x-goog-upload-url")!;
    expect((await send(url, PNG.subarray(0, 10), "upload")).headers.get("x-goog-upload-status")).toBe("active");
    expect((await send(url, PNG.subarray(5), "upload, finalize", 5)).status).toBe(400);
    expect((await send(url, PNG.subarray(10), "upload, finalize", 10)).status).toBe(200);
    expect((await send(url, PNG)).status).toBe(404);
  });

  test("needs the protocol and a key to open, and the announced size to end", async () => {
    expect((await start({ "x-goog-upload-protocol": "multipart" })).status).toBe(400);
    expect((await start({ "x-goog-api-key": "bad" })).status).toBe(400);
    const url = (await start({ "x-goog-upload-header-content-length": "5" })).headers.get("x-goog-upload-url")!;
    expect((await send(url, PNG)).status).toBe(400);
  });

  test("is PROCESSING for a while, and FAILED when its bytes are not what they claim", async () => {
    simulator.setOptions({ fileMs: 10 });
    const { name, state } = await upload();
    expect(state).toBe("PROCESSING");
    while ((await call(name)).json.state === "PROCESSING") await Bun.sleep(2);
    expect((await call(name)).json.state).toBe("ACTIVE");
    simulator.setOptions({ fileMs: 0 });
    const url = (await start()).headers.get("x-goog-upload-url")!;
    expect(((await (await send(url, new Uint8Array(PNG.length))).json()) as Json).file.state).toBe("FAILED");
  });
});

describe("files", () => {
  test("belong to a project: listed by page, read and deleted by its keys alone", async () => {
    const names = [(await upload()).name, (await upload()).name, (await upload()).name];
    const first = await call("files?pageSize=2", {}, "p.2");
    const second = await call(`files?pageSize=2&pageToken=${first.json.nextPageToken}`);
    expect([...first.json.files, ...second.json.files].map((file: Json) => file.name)).toEqual(names);
    expect((await call("files", {}, "q.1")).json).toEqual({});
    expect((await call(names[0], {}, "q.1")).status).toBe(403);
    expect((await call(names[0], { method: "DELETE" })).status).toBe(200);
    expect((await call(names[0])).status).toBe(403);
  });

  test("that were uploaded cannot be downloaded", async () => {
    const { name } = await upload();
    expect((await call(`${name}:download?alt=media`)).status).toBe(400);
  });

  test("are read by generateContent of the same project", async () => {
    const { uri } = await upload();
    const body = JSON.stringify({ contents: [{ parts: [{ text: "x" }, { fileData: { fileUri: uri, mimeType: "image/png" } }] }] });
    const generate = (key: string) => call("models/gemini-2.5-flash-image:generateContent", { method: "POST", body }, key);
    const { json } = await generate("p.2");
    expect(json.usageMetadata.promptTokensDetails[1]).toEqual({ modality: "IMAGE", tokenCount: 258 });
    expect((await generate("q.1")).status).toBe(403);
  });
});
