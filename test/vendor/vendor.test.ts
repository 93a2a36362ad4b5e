// Recorded answers of the vendor, replayed by a stand-in: what the client reads in both dialects, what the token suffers, what it costs.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { effectOf, FLOW, GEMINI, startGateway } from "./gateway.ts";
import { readRecorded } from "./stand-in.ts";

setDefaultTimeout(30_000);

const RECORDED = readRecorded();

test("there are recordings of every finish reason, block reason and interaction status, each with source and date", () => {
  const names = RECORDED.map(([name]) => name);
  expect(names.length).toBeGreaterThanOrEqual(60);
  const found = (prefix: string, words: string[]) =>
    words.filter((word) => !names.some((name) => name.startsWith(`${prefix}-${word.toLowerCase().replaceAll("_", "-")}`)));
  expect(found("finish", FINISH_REASONS)).toEqual([]);
  expect(found("block", BLOCK_REASONS)).toEqual([]);
  expect(found("interaction", STATUSES)).toEqual([]);
  for (const [, { source, date }] of RECORDED) {
    expect(source.length).toBeGreaterThan(10);
    expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
  }
});

const FINISH_REASONS =
  "FINISH_REASON_UNSPECIFIED STOP MAX_TOKENS SAFETY RECITATION LANGUAGE OTHER BLOCKLIST PROHIBITED_CONTENT SPII MALFORMED_FUNCTION_CALL MALFORMED_RESPONSE UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT NO_IMAGE IMAGE_RECITATION IMAGE_OTHER CONTINUATION MISSING_THOUGHT_SIGNATURE ESCALATION PUP_LIMITED_DISABLED MODEL_ARMOR".split(
    " ",
  );
const BLOCK_REASONS = "BLOCKED_REASON_UNSPECIFIED SAFETY OTHER BLOCKLIST PROHIBITED_CONTENT IMAGE_SAFETY MODEL_ARMOR JAILBREAK".split(" ");
const STATUSES =
  "queued idle requires_action completed failed cancelled incomplete budget_exceeded requires_continuation unknown fresh create_retired".split(
    " ",
  );

describe("each recorded answer", () => {
  test.each(RECORDED)("%s", async (_, recorded) => {
    await using gateway = await startGateway([recorded.at.startsWith("flow") ? FLOW : GEMINI]);
    const { says, ...expected } = recorded.expect;
    const { text, ...effect } = await effectOf(gateway, recorded);
    expect(effect).toEqual(expected);
    if (says) expect(text).toContain(says);
    for (const secret of [GEMINI.secret, FLOW.secret, "ya29"]) {
      expect(text).not.toContain(secret);
      expect(gateway.lines.join("\n")).not.toContain(secret);
    }
  });
});

test("what is new is logged once for each kind, with its shape and without content", async () => {
  await using gateway = await startGateway([GEMINI]);
  const recorded = RECORDED.find(([name]) => name === "ok-unknown-part")![1];
  for (let times = 0; times < 3; times++) await effectOf(gateway, recorded);
  const told = gateway.lines.filter((line) => line.includes("New at the vendor")).map((line) => JSON.parse(line));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ provider: "gemini", what: "part", word: "hologram", shape: "{hologram:{layers:number}}" });
});
