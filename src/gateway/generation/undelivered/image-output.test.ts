// What is stored of an answer with images, and what a crash makes of it.
import { describe, expect, test } from "bun:test";
import { never, openWorld } from "../../../../test/jobs/jobs-world.ts";
import { type GenerateEvent, type Media, NO_USAGE } from "../../../domain/generation.ts";
import { PIXEL_PNG } from "../../media/media.fixtures.ts";
import { createOutputRecorder, mediaOfJob, partsOf } from "./image-output.ts";

const picture = (id: string): GenerateEvent => ({ type: "image", media: { id } as Media });
const interim = (id: string): GenerateEvent => ({ type: "draft", media: { id } as Media });
const token = (attempt: number): GenerateEvent => ({ type: "token", label: "one", provider: "gemini", attempt });
const text = (words: string, signature?: string): GenerateEvent => ({ type: "text", text: words, signature });
const thought = (words: string): GenerateEvent => ({ type: "thought", text: words });
const DONE: GenerateEvent = { type: "done", finish: "stop", upstreamReason: "STOP", usage: NO_USAGE, provider: "gemini" };

function heard(events: GenerateEvent[], calls = 1) {
  const notes = createOutputRecorder(calls);
  for (const event of events) notes.hear(event);
  const parts = notes.answer().parts.map((part) => ("text" in part ? `${part.type} ${part.text}` : `${part.type} ${part.mediaId}`));
  return { notes, parts };
}

describe("a response that was taken down", () => {
  test.each<[string, GenerateEvent[], string[]]>([
    ["pieces of one text are one part", [text("a"), text("b"), picture("x"), text("c")], ["text ab", "image x", "text c"]],
    ["words and thoughts are apart, drafts in their place", [thought("a"), interim("d"), text("b")], ["thought a", "draft d", "text b"]],
    ["what was said before another token was tried is none of it", [token(1), text("a"), interim("d"), token(2), text("b")], ["text b"]],
    ["a picture that came is paid for, and stays", [token(1), picture("x"), token(2), picture("y")], ["image x", "image y"]],
    ["steps on the way are not kept", [token(1), { type: "generating" }, { type: "storing" }, picture("x"), DONE], ["image x"]],
  ])("%s", (_, events, parts) => expect(heard(events).parts).toEqual(parts));

  test("of several calls retains what all of them said", () => {
    expect(heard([token(1), text("a"), token(1), text("b")], 2).parts).toEqual(["text ab"]);
  });

  test("retains the upstream's marks where they stood, up to a length", () => {
    const { notes } = heard([text("a", "mark"), text("b"), text("c", "m".repeat(100_000))]);
    expect(notes.answer().parts).toEqual([
      { type: "text", text: "a", signature: "mark" },
      { type: "text", text: "bc" },
    ]);
  });

  test("has an end when it came to one, and says what was said", () => {
    const { notes } = heard([thought("hm"), text("a"), picture("x"), text("b")]);
    expect([notes.answer().end, notes.said()]).toEqual([null, "ab"]);
    notes.hear(DONE);
    expect(notes.answer().end).toEqual({ finish: "stop", upstreamReason: "STOP" });
  });
});

test("results that are not in the response follow it, each once; interim images are no results", () => {
  const answer = heard([thought("a"), interim("d"), picture("x")]).notes.answer();
  const job = { answer, mediaIds: ["x", "y"] };
  expect(partsOf(job).slice(2)).toEqual([
    { type: "image", mediaId: "x" },
    { type: "image", mediaId: "y" },
  ]);
  expect(mediaOfJob(job)).toEqual(["d", "x", "y"]);
  expect(partsOf({ mediaIds: ["z"] })).toEqual([{ type: "image", mediaId: "z" }]);
});

describe("a crash while an image is made", () => {
  const stored = async (options: { includeThoughts?: boolean }) => {
    const world = await openWorld();
    world.script.image = never;
    const { id, requestId } = await world.ctx.jobs.createImages(world.images({ options }));
    await world.until(id, "submitting");
    await world.ctx.media.storeBytes(PIXEL_PNG, { origin: "result", keyId: world.keyId, requestId });
    await world.crash();
    return { world, job: await world.until(id, "completed", "unknown"), [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
  };

  test("makes one that was stored already the result", async () => {
    await using found = await stored({});
    expect([found.job.state, found.job.mediaIds.length]).toEqual(["completed", 1]);
  });

  test("does not take an interim image for the result: what became of it is unknown", async () => {
    await using found = await stored({ includeThoughts: true });
    expect([found.job.state, found.job.mediaIds]).toEqual(["unknown", []]);
    expect(found.world.seen.images).toBe(1);
  });
});
