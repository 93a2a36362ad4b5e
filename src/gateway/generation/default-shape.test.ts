// Which shape an image has where nobody says one.
import { expect, test } from "bun:test";
import type { InputMedia, Part, Turn } from "../../domain/generation.ts";
import { withDefaultShape } from "./default-shape.ts";

const image = (width?: number, height?: number, mime = "image/png"): Part => {
  const pixels = width && height ? { width, height } : undefined;
  return { type: "image", image: { mime, data: new Blob(), pixels } satisfies InputMedia };
};
const text: Part = { type: "text", text: "a" };
const user = (...parts: Part[]): Turn => ({ role: "user", parts: [text, ...parts] });
const model = (...parts: Part[]): Turn => ({ role: "model", parts });

test.each<[string, Turn[], string | undefined]>([
  ["no image", [user()], "1:1"],
  ["a wide one", [user(image(1600, 900))], "16:9"],
  ["the first of several", [user(image(900, 1600), image(1600, 900))], "9:16"],
  ["one between two aspects", [user(image(1500, 1010))], "3:2"],
  ["a very narrow one", [user(image(100, 900))], "1:8"],
  ["the last turn's before earlier ones", [user(image(100, 100)), model(image(1600, 900)), user(image(300, 400))], "3:4"],
  ["the latest of the conversation", [user(image(100, 100)), model(image(1600, 900)), user()], "16:9"],
  ["one of unknown pixels", [user(image())], undefined],
  ["a video", [user(image(1600, 900, "video/mp4"))], "1:1"],
])("of %s", (_name, turns, aspect) => expect(withDefaultShape({}, turns).aspect).toBe(aspect as never));

test("what is asked for stays, and so does the size", () => {
  expect(withDefaultShape({ aspect: "21:9", size: "2K" }, [user(image(100, 100))])).toEqual({ aspect: "21:9", size: "2K" });
  expect(withDefaultShape({ size: "2K" }, [user()])).toEqual({ size: "2K", aspect: "1:1" });
});
