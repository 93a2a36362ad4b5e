// What a conversation with a video model asks for.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../../errors.ts";
import { parseModel } from "../../../gateway/models/testing.ts";
import type { ChatBody } from "../schema.ts";
import { decodeChat } from "./decode.ts";
import { decodeChatVideo } from "./decode-video.ts";

const OMNI = "gemini-omni-1.2-flash";
const ONE = "data:image/png;base64,AAAA";
const TWO = "data:image/png;base64,BBBB";
const image = (url: string) => ({ type: "image_url", image_url: { url } });
const text = (said: string) => ({ type: "text", text: said });
const OWN = `https://gateway.example/media/${"a".repeat(26)}.mp4`;

function decode(messages: ChatBody["messages"], model = OMNI, more: Partial<ChatBody> = {}) {
  const body = { model, messages, ...more };
  return decodeChatVideo(body, decodeChat(body), parseModel(model)!);
}
const urlsOf = (decoded: ReturnType<typeof decode>) => decoded.images.map(({ url }) => url);
const user = (...content: unknown[]) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });

test("the prompt is the last turn's text alone: instructions and earlier turns are not filmed", () =>
  expect(
    decode([
      { role: "system", content: "Be brief." },
      user(text("a cat")),
      assistant("Here it is."),
      user(text("now a fox"), text("at dawn")),
    ]).prompt,
  ).toBe("now a fox\nat dawn"));

describe("images", () => {
  test("of the last turn go first", () =>
    expect(urlsOf(decode([user(text("a"), image(ONE)), assistant("ok"), user(text("b"), image(TWO))]))).toEqual([TWO]));
  test("else those of the latest turn that has some", () =>
    expect(urlsOf(decode([user(text("a"), image(ONE)), assistant(`![image](${TWO})`), user(text("let it move"))]))).toEqual([TWO]));
  test("of earlier turns are not for ids that take none", () =>
    expect(urlsOf(decode([user(text("a"), image(ONE)), assistant("ok"), user(text("b"))], "veo_3_1_t2v_fast_landscape"))).toEqual([]));
});

describe("a video", () => {
  const link = `[▶ video (mp4)](${OWN})`;
  test("that the last message holds is what it starts from", () =>
    expect(decode([user(text("make it night"), { type: "video_url", video_url: { url: OWN } })]).source).toMatchObject({ url: OWN }));
  test("that was linked before is not changed by the next request", () =>
    expect(decode([user(text("a fox")), assistant(link), user(text("another fox"))]).source).toBeNull());
  test("that was linked last is gone on from when the id does nothing else", () =>
    expect(decode([user(text("a fox")), assistant(link), user(text("it runs away"))], "veo_3_1_extend_fast").source).toMatchObject({
      url: OWN,
    }));
});

test("shape and length come from the body, its extra_body and the hints for images", () => {
  expect(decode([user(text("a"))], OMNI, { size: "720x1280", seconds: "6" })).toMatchObject({
    shape: { aspect: "9:16", resolution: "720p", seconds: 6 },
    size: "720x1280",
  });
  expect(decode([user(text("a"))], OMNI, { extra_body: { duration: 5, resolution: "1080p" } }).shape).toMatchObject({
    resolution: "1080p",
    seconds: 5,
  });
  expect(decode([user(text("a"))], OMNI, { image_config: { aspect_ratio: "9:16" } }).shape.aspect).toBe("9:16");
});

test.each([
  ["two videos", () => decode([user(text("a"))], OMNI, { n: 2 }), "n"],
  ["an image without a word", () => decode([user(image(ONE))]), "messages"],
])("%s are refused by name", (_, act, param) => {
  let refused: unknown;
  try {
    act();
  } catch (error) {
    refused = error;
  }
  expect(refused instanceof AppError && [refused.kind, refused.param]).toEqual(["invalid_request", param]);
});
