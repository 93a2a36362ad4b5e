// Uploads in two parts, the legacy SDKs' way, and files under the names that their clients ask for.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PIXEL } from "../clients/replay.ts";
import { addKey } from "../keys.ts";
import { type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

async function google(path: string, json?: unknown) {
  const headers = { "x-goog-api-key": rig.key, "content-type": "application/json" };
  const response = await fetch(`${rig.url}${path}`, { headers, ...(json ? { method: "POST", body: JSON.stringify(json) } : {}) });
  return { status: response.status, answer: (await response.json()) as object };
}

describe("files by two parts and by name", () => {
  const upload = (name: string | null, key = rig.key) => {
    const description = JSON.stringify({ file: { displayName: "pixel", ...(name ? { name } : {}) } });
    const body = Buffer.concat([
      Buffer.from(`--B\r\nContent-Type: application/json\r\n\r\n${description}\r\n--B\r\nContent-Type: image/png\r\n\r\n`),
      Buffer.from(PIXEL, "base64"),
      Buffer.from("\r\n--B--"),
    ]);
    const headers = { "x-goog-api-key": key, "x-goog-upload-protocol": "multipart", "content-type": "multipart/related; boundary=B" };
    return fetch(`${rig.url}/upload/v1beta/files`, { method: "POST", headers, body });
  };
  const message = async (response: Response) => [response.status, ((await response.json()) as { error: { status: string } }).error.status];

  test("a name that was asked for is the file's, once for each key", async () => {
    const first = await upload("files/fox-1");
    const { file } = (await first.json()) as { file: { name: string; uri: string; state: string } };
    expect([first.status, file]).toMatchObject([
      200,
      { name: "files/fox-1", state: "ACTIVE", displayName: "pixel", mimeType: "image/png" },
    ]);
    expect(await message(await upload("fox-1"))).toEqual([409, "ALREADY_EXISTS"]);
    expect((await upload("fox-1", await addKey(rig))).status).toBe(200);
    const listed = (await google("/v1beta/files")).answer as { files: { name: string }[] };
    expect(listed.files.map(({ name }) => name)).toContain("files/fox-1");
    for (const fileUri of [file.name, file.uri, "https://generativelanguage.googleapis.com/v1beta/files/fox-1"]) {
      const contents = [{ parts: [{ fileData: { fileUri } }, { text: "blue" }] }];
      expect((await google(`/v1beta/models/${MODEL}:generateContent`, { contents })).status).toBe(200);
    }
    const removed = await fetch(file.uri, { method: "DELETE", headers: { "x-goog-api-key": rig.key } });
    expect([removed.status, (await upload("fox-1")).status]).toEqual([200, 200]);
  });

  test.each([["-fox"], ["Fox"], ["a/b"], ["x".repeat(41)]])("%j is no name of a file", async (name) => {
    expect(await message(await upload(name))).toEqual([400, "INVALID_ARGUMENT"]);
  });
});
