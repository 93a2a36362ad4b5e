// What `data:` URLs are understood as.
import { describe, expect, test } from "bun:test";
import { decodeDataUrl } from "./data-url.ts";
import { MP4_HEADER, PIXEL_PNG, pngHeader } from "./media.fixtures.ts";

const LIMITS = { maxBytes: 1024 * 1024, maxMegapixels: 1 };
const BASE64 = PIXEL_PNG.toBase64();
const PERCENT = [...PIXEL_PNG].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describe("one image, however it is written", () => {
  test.each([
    ["as it should be", `data:image/png;base64,${BASE64}`],
    ["with another type", `data:text/html;charset=utf-8;base64,${BASE64}`],
    ["without a type", `data:;base64,${BASE64}`],
    ["in capitals", `DATA:IMAGE/PNG;BASE64,${BASE64}`],
    ["with white space around", ` \n data:image/png ; base64 ,${BASE64} \r\n`],
    ["in lines of 20", `data:image/png;base64,${BASE64.replace(/.{20}/g, "$&\r\n")}`],
    ["without padding", `data:image/png;base64,${BASE64.replace(/=+$/, "")}`],
    ["url-safe", `data:image/png;base64,${BASE64.replaceAll("+", "-").replaceAll("/", "_")}`],
    ["with escaped signs", `data:image/png;base64,${encodeURIComponent(BASE64)}`],
    ["percent-encoded", `data:image/png,${PERCENT}`],
  ])("%s", (_name, url) => {
    const { bytes, mime } = decodeDataUrl(url, LIMITS, "image");
    expect(mime).toBe("image/png");
    expect(Buffer.from(bytes).equals(PIXEL_PNG)).toBe(true);
  });
});

describe("refused, naming the field", () => {
  test.each([
    ["no comma", "data:image/png;base64", "not valid"],
    ["a comma far behind", `data:${"x".repeat(2000)};base64,${BASE64}`, "not valid"],
    ["another scheme", `file:///etc/passwd,${BASE64}`, "not valid"],
    ["damaged base64", `data:image/png;base64,${BASE64.slice(0, 40)}*${BASE64.slice(41)}`, "base64"],
    ["broken escapes in base64", `data:image/png;base64,%zz${BASE64}`, "base64"],
    ["nothing", "data:image/png;base64,", "not a PNG"],
    ["a script that claims to be an image", `data:image/png;base64,${btoa("<svg onload=alert(1)>")}`, "not a PNG"],
    ["a video", `data:image/png;base64,${MP4_HEADER.toBase64()}`, "not a PNG"],
    ["too many pixels", `data:image/png;base64,${pngHeader(30_000, 30_000).toBase64()}`, "30000x30000"],
    ["too many bytes", `data:image/png;base64,${new Uint8Array(LIMITS.maxBytes + 1).toBase64()}`, "larger than 1 MiB"],
    ["far too many bytes", `data:image/png;base64,${"A".repeat(LIMITS.maxBytes * 2)}`, "larger than 1 MiB"],
  ])("%s", (_name, url, part) => {
    expect(() => decodeDataUrl(url, LIMITS, "messages[0].content[1].image_url.url")).toThrow(
      expect.objectContaining({
        kind: "invalid_request",
        param: "messages[0].content[1].image_url.url",
        message: expect.stringContaining(part),
      }),
    );
  });
});

test("a video is accepted where the caller wants one", () => {
  const url = `data:video/mp4;base64,${MP4_HEADER.toBase64()}`;
  expect(decodeDataUrl(url, { ...LIMITS, kinds: ["image", "video"] }, "video").mime).toBe("video/mp4");
});

test("30 MB in short lines are decoded whole", () => {
  const picture = new Uint8Array(30_000_000);
  picture.set(PIXEL_PNG);
  const lines = picture.toBase64().replace(/.{76}/g, "$&\r\n");
  const { bytes } = decodeDataUrl(`data:image/png;base64,${lines}`, { maxBytes: 30_000_000, maxMegapixels: 1 }, "image");
  expect(bytes.byteLength).toBe(30_000_000);
});
