// One shape whichever token serves: square without a size, that of the input for an edit, over both providers alike.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { encodePng } from "../../src/simulator/media/png.ts";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(60_000);

const POOLS = { gemini: [GEMINI], flow: [FLOW], both: [GEMINI, FLOW] };
const png = (width: number, height: number) =>
  encodePng({ width, height, palette: [0xff0000], rows: new Uint8Array((width + 1) * height) });
const rigs = new Map<string, Rig>();
beforeAll(async () => {
  for (const [name, tokens] of Object.entries(POOLS)) rigs.set(name, await startRig({ tokens }));
});
afterAll(async () => {
  for (const rig of rigs.values()) await rig[Symbol.asyncDispose]();
});

type Made = { data: { b64_json: string }[] };
async function ratioOf(response: Response): Promise<number> {
  const { data } = (await response.json()) as Made;
  const { width, height } = await new Bun.Image(Buffer.from(data[0]!.b64_json, "base64")).metadata();
  return Math.round((width / height) * 10) / 10;
}
const generate = (pool: string, fields: object) =>
  rigs.get(pool)!.call("/v1/images/generations", { json: { model: "gemini-3-pro-image", prompt: "a fox", ...fields } });

describe.each(Object.keys(POOLS))("with tokens of %s", (pool) => {
  test("images without a size are square, one as the other", async () => {
    const ratios = await Promise.all(Array.from({ length: 10 }, async () => ratioOf(await generate(pool, {}))));
    expect(new Set(ratios)).toEqual(new Set([1]));
  });

  test.each([
    [1600, 900, 1.8],
    [900, 1600, 0.6],
    [400, 300, 1.3],
    [500, 500, 1],
  ])("an edit of %d x %d keeps its shape", async (width, height, ratio) => {
    const image = `data:image/png;base64,${(await png(width, height)).toBase64()}`;
    expect(await ratioOf(await generate(pool, { image: [image, `data:image/png;base64,${(await png(300, 300)).toBase64()}`] }))).toBe(
      ratio,
    );
  });

  test("so does a second turn", async () => {
    const rig = rigs.get(pool)!;
    const first = (await (await rig.chat({ model: "gemini-3-pro-image", size: "1600x900" })).json()) as Chat;
    const messages = [{ role: "user", content: "a fox" }, first.choices[0]!.message, { role: "user", content: "make it red" }];
    const second = (await (await rig.chat({ model: "gemini-3-pro-image", messages })).json()) as Chat;
    const url = /\((http[^)]+)\)/.exec(second.choices[0]!.message.content)![1]!;
    const { width, height } = await new Bun.Image(await (await fetch(url)).bytes()).metadata();
    expect(Math.round((width / height) * 10) / 10).toBe(1.8);
  });

  test("what is asked for is made", async () => {
    expect(await ratioOf(await generate(pool, { size: "1600x900" }))).toBe(1.8);
  });
});
type Chat = { choices: { message: { role: string; content: string } }[] };

test.each(["gemini", "flow", "both"])("imagen's names make squares with tokens of %s", async (pool) => {
  expect(await ratioOf(await generate(pool, { model: "imagen-4.0-generate-001" }))).toBe(1);
});
