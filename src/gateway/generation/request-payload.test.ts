// What is stored of a request's content: its text, cut, and its parameters; no image, no link.
import { expect, test } from "bun:test";
import type { Turn } from "../../domain/generation.ts";
import { imagePayload, videoPayload } from "./request-payload.ts";

const turns = [
  { role: "user", parts: [{ type: "text", text: "first" }] },
  {
    role: "user",
    parts: [
      { type: "image", image: { mediaId: "secret-picture" } },
      { type: "text", text: "a fox" },
      { type: "text", text: "in snow" },
    ],
  },
] as unknown as Turn[];

test("of an image request the last turn's text and the parameters that were given", () => {
  const payload = imagePayload({ turns, n: 2, options: { aspect: "16:9", seed: 7, system: "you draw" } });
  expect(payload).toEqual({
    prompt: "a fox\nin snow",
    parameters: { aspect: "16:9", n: 2, seed: 7, turns: 2, pictures: 1, system_characters: 8 },
  });
  expect(JSON.stringify(payload)).not.toContain("secret-picture");
});

test("a prompt is cut to 2,000 characters", () => {
  const job = { prompt: "x".repeat(3000), mode: "text", aspect: "16:9", resolution: null, seconds: 8, sourceJobId: null } as const;
  const { prompt, parameters } = videoPayload(job);
  expect(prompt).toHaveLength(2000);
  expect(parameters).toEqual({ mode: "text", aspect: "16:9", seconds: 8 });
});
