// Forms as clients really send them: files that were not chosen, masks by any name, text beside a file, Python's booleans.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { pixel } from "../clients/replay.ts";
import { GEMINI, lastSent, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI], simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.simulator.reset());

type Part = { name: string; value: string | Uint8Array; filename?: string; type?: string };

/** A form as it stands on the wire: `FormData` does not write what some clients do. */
function post(path: string, parts: Part[]): Promise<Response> {
  const boundary = "----form";
  const pieces = parts.flatMap(({ name, value, filename, type }) => [
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? "" : `; filename="${filename}"`}\r\n${
        type ? `content-type: ${type}\r\n` : ""
      }\r\n`,
    ),
    Buffer.from(value),
    Buffer.from("\r\n"),
  ]);
  const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  return rig.call(path, { method: "POST", body, headers: { "content-type": `multipart/form-data; boundary=${boundary}` } });
}

const imageOf = async (name = "image"): Promise<Part> => ({ name, value: await pixel().bytes(), filename: "a.png", type: "image/png" });
const prompt = { name: "prompt", value: "blue" };
const sentImages = () => JSON.stringify(lastSent(rig)).split('"inlineData"').length - 1;

describe("a file part of zero bytes without a name is absent", () => {
  test.each([
    [{ name: "mask", value: "", filename: "", type: "application/octet-stream" }],
    [{ name: "mask", value: "", filename: "", type: "image/png" }],
    [{ name: "mask", value: "", filename: "" }],
    [{ name: "mask[]", value: "", filename: "", type: "application/octet-stream" }],
    [{ name: "image", value: "", filename: "", type: "application/octet-stream" }],
    [{ name: "mask", value: "" }],
  ])("%o", async (part) => {
    const response = await post("/v1/images/edits", [await imageOf(), part, prompt]);
    expect([response.status, sentImages()]).toEqual([200, 1]);
  });

  test("so an edit without any other image is one without an image", async () => {
    const response = await post("/v1/images/edits", [{ name: "image", value: "", filename: "", type: "application/octet-stream" }, prompt]);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("Missing required parameter: 'image'")]);
  });

  test("of a video's image", async () => {
    const part = { name: "input_reference", value: "", filename: "", type: "application/octet-stream" };
    expect((await post("/v1/videos", [prompt, part])).status).toBe(200);
  });

  test("one with a name is an image that cannot be read", async () => {
    const part = { name: "image", value: "", filename: "a.png", type: "image/png" };
    expect((await post("/v1/images/edits", [prompt, part])).status).toBe(400);
  });
});

test.each(["mask", "mask[]", "mask[0]"])("%s is the mask", async (name) => {
  expect((await post("/v1/images/edits", [await imageOf(), await imageOf(name), prompt])).status).toBe(200);
  expect(sentImages()).toBe(2);
  expect(JSON.stringify(lastSent(rig))).toContain("mask for the first image");
});

test.each(["undefined", "null", "", "[object Object]", "a.png"])("the text %p beside a file of its name is ignored", async (value) => {
  expect((await post("/v1/images/edits", [{ name: "image", value }, await imageOf(), prompt])).status).toBe(200);
  expect(sentImages()).toBe(1);
  expect((await post("/v1/videos", [{ name: "input_reference", value }, await imageOf("input_reference"), prompt])).status).toBe(200);
});

test("a URL beside a file of its name counts", async () => {
  const url = `data:image/png;base64,${(await pixel().bytes()).toBase64()}`;
  expect((await post("/v1/images/edits", [{ name: "image", value: url }, await imageOf(), prompt])).status).toBe(200);
  expect(sentImages()).toBe(2);
});

test.each([
  ["True", "text/event-stream"],
  ["TRUE", "text/event-stream"],
  ["False", "application/json"],
  ["false", "application/json"],
])("stream=%s is read as Python writes it", async (value, type) => {
  const response = await post("/v1/images/edits", [await imageOf(), prompt, { name: "stream", value }]);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, expect.stringContaining(type)]);
  await response.text();
});

test("a number that is out of bounds is reported as in a body of JSON", async () => {
  const response = await post("/v1/images/edits", [await imageOf(), prompt, { name: "n", value: "11" }]);
  expect(await response.text()).toContain("n must be between 1 and 10, got 11.");
});

test.each(["undefined", "null", "None"])("%p is what is not set, but in words", async (word) => {
  const fields = ["mask", "n", "size", "seed", "quality", "stream"].map((name) => ({ name, value: word }));
  expect((await post("/v1/images/edits", [{ name: "prompt", value: word }, await imageOf(), ...fields])).status).toBe(200);
  expect([sentImages(), JSON.stringify(lastSent(rig))]).toEqual([1, expect.stringContaining(`"text":"${word}"`)]);
});
