// What clients of both dialects read when something fails: a customer's words, when to come again, what was charged.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Rig, startRig } from "./rig.ts";

setDefaultTimeout(30_000);

const INSIDE = /\btoken|project|\bpool\b|upstream|account|proxy|ECONN|ENOTFOUND|socket|alpha|AIza/i;

const FAULTS = [
  "429-minute",
  "429-day",
  "429-nodetails",
  "500",
  "502",
  "503",
  "bad-key",
  "lost",
  "location",
  "billing",
  "429-limit-zero",
  "leaked",
  "expired-key",
  "retired",
];

async function messages(rig: Rig): Promise<string[]> {
  const model = "gemini-3-pro-image";
  const chat = (await (await rig.chat({ model, messages: [{ role: "user", content: "a fox" }] })).json()) as {
    error?: { message: string };
  };
  const stream = await (await rig.chat({ model, stream: true, messages: [{ role: "user", content: "a fox" }] })).text();
  const google = (await (
    await rig.call(`/v1beta/models/${model}:generateContent`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-goog-api-key": rig.key },
      body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: "a fox" }] }] }),
    })
  ).json()) as { error?: { message: string } };
  const inBand = stream.split("\n").flatMap((line) => /"error":\{"message":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? []);
  const whole = stream.startsWith("{") ? [(JSON.parse(stream) as { error?: { message: string } }).error?.message ?? ""] : [];
  return [chat.error?.message ?? "", ...inBand, ...whole, google.error?.message ?? ""].filter(Boolean);
}

describe("a failure of the model's side", () => {
  test.each(FAULTS)("%s names nothing of the inside", async (fault) => {
    await using rig = await startRig({ settings: { "pool.wait_ms": 20 }, simulator: { faults: `gemini.generate=${fault}` } });
    const all = await messages(rig);
    expect(all.length).toBeGreaterThan(1);
    for (const message of all) expect([message, INSIDE.test(message)]).toEqual([message, false]);
  });

  test("a quota that comes back tomorrow says when, in hours and UTC, and that nothing was charged", async () => {
    await using rig = await startRig({ simulator: { faults: "gemini.generate=429-day" } });
    await messages(rig);
    const [message] = await messages(rig);
    expect(message).toMatch(/back in (\d+ h( \d+ min)?|\d+ min) \((\d{4}-\d\d-\d\d )?\d\d:\d\d UTC\)\. Nothing was charged\.$/);
  });

  test("a lost response says that it may have been charged and was not repeated", async () => {
    await using rig = await startRig({ simulator: { faults: "gemini.generate=lost" } });
    for (const message of await messages(rig)) expect(message).toContain("It may have been charged and was not repeated.");
  });

  test("an upstream that cannot be reached is not named by its address", async () => {
    await using rig = await startRig({ settings: { "gemini.base_url": "http://127.0.0.1:9" } });
    for (const message of await messages(rig))
      expect([message, INSIDE.test(message) || message.includes("127.0.0.1")]).toEqual([message, false]);
  });
});

test("a server without a token, or whose tokens need the operator, says whom to ask", async () => {
  await using empty = await startRig({ tokens: [] });
  for (const message of await messages(empty)) {
    expect(message).toMatch(/operator|not available|at present/);
    expect(INSIDE.test(message)).toBe(false);
  }
});
