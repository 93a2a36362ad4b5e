// Request log search: words, ids, kinds, times, hostile texts.

import { describe, expect, test } from "bun:test";
import type { RequestFilter, RequestRow } from "../../domain/request.ts";
import { temporaryFolder } from "../../testing.ts";
import type { RequestLog } from "../store.ts";
import { ENGINES } from "../testing.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;

const newRow = (id: string, change: Partial<RequestRow> = {}): RequestRow => ({
  id,
  at: NOW,
  ms: 1000,
  dialect: "openai",
  route: "POST /v1/chat/completions",
  keyId: 1,
  model: "gemini-3-pro-image",
  family: "gemini-3-pro-image",
  kind: "image",
  outcome: "ok",
  message: null,
  images: 1,
  videoSeconds: 0,
  inputTokens: 0,
  outputTokens: 0,
  usd: 0,
  stream: false,
  mediaIds: [],
  attempts: [],
  ...change,
});

/** Oldest first; each ends a minute after the one before. The video began first of all. */
const ROWS: RequestRow[] = [
  newRow("req_aaaaaa01", { at: NOW }),
  newRow("req_aaaaaa02", { at: NOW + MINUTE, outcome: "upstream_timeout", message: "There was no result within 300 seconds." }),
  newRow("req_bbbbbb03", { at: NOW - 60 * MINUTE, ms: 62 * MINUTE, kind: "video", model: "veo-3.1-generate", keyId: 2 }),
  newRow("req_bbbbbb04", { at: NOW + 3 * MINUTE, outcome: "content_policy", message: "The prompt was refused: IMAGE_SAFETY", keyId: 2 }),
  newRow("req_cccccc05", { at: NOW + 4 * MINUTE, model: "Gemini 图像 模型" }),
];

/** The last digits of what is found. */
const found = async (log: RequestLog, filter: Omit<RequestFilter, "limit">) =>
  (await log.list({ ...filter, limit: 10 })).map(({ id }) => id.slice(-2)).join(" ");

describe.each(ENGINES)("over $name", ({ openLog }) => {
  async function withRows(body: (log: RequestLog) => Promise<void>, rows: readonly RequestRow[] = ROWS): Promise<void> {
    using folder = temporaryFolder();
    const log = await openLog(folder.path);
    try {
      for (const row of rows) log.append(row);
      await body(log);
    } finally {
      await log.close();
    }
  }

  describe("a row is found", () => {
    const cases: [string, Omit<RequestFilter, "limit">, string][] = [
      ["by a word of its message", { text: "refused" }, "04"],
      ["by the beginning of a word", { text: "refu" }, "04"],
      ["by the middle of a word: not", { text: "fused" }, ""],
      ["by several words in any order", { text: "seconds result" }, "02"],
      ["by words in other letters", { text: "image_safety PROMPT" }, "04"],
      ["by a part of its model", { text: "veo-3.1" }, "03"],
      ["by words in Chinese", { text: "图像" }, "05"],
      ["by its id", { text: "req_aaaaaa02" }, "02"],
      ["by the beginning of its id", { text: "REQ_aaaaaa" }, "02 01"],
      ["by an id, only among what is filtered", { text: "req_aaaaaa", failed: true }, "02"],
      ["by nothing but marks: not", { text: "--- ***" }, ""],
      ["with blanks as if nothing were asked", { text: "  " }, "05 04 03 02 01"],
      ["by its kind", { kind: "video" }, "03"],
      ["by having failed", { failed: true }, "04 02"],
      ["by its outcome, whose underscore is no gap", { outcome: "content_policy" }, "04"],
      ["by half an outcome: not", { outcome: "content" }, ""],
      ["by words and filters together", { text: "gemini", failed: true, keyId: 1 }, "02"],
      ["by a model whose words stand elsewhere: not", { model: "gemini" }, ""],
      ["by when it ended, not by when it began", { from: NOW + 2 * MINUTE, to: NOW + 4 * MINUTE }, "04 03"],
      ["before all: not", { to: NOW }, ""],
      ["after all: not", { from: NOW + 60 * MINUTE }, ""],
      ["by when it ended and more", { from: NOW + 2 * MINUTE, failed: true }, "04"],
      ["when it is newer than another", { after: "req_bbbbbb03" }, "05 04"],
      ["when it is newer and fits", { after: "req_aaaaaa01", failed: true }, "04 02"],
      ["when it is newer than one that is gone: not", { after: "req_gone" }, ""],
    ];
    test.each(cases)("%s", (_, filter, expected) =>
      withRows(async (log) => {
        expect(await found(log, filter)).toBe(expected);
      }),
    );

    test("no more once it is deleted", () =>
      withRows(async (log) => {
        await log.deleteBefore(NOW + 2 * MINUTE);
        expect(await found(log, { text: "gemini" })).toBe("05 04");
        expect(await found(log, { failed: true })).toBe("04");
      }));
  });

  const failedCall = (tokenId: number, reason: string | null, outcome = "upstream_quota") => ({
    ...{ tokenId, provider: "gemini", family: "f", startedAt: NOW, ms: 1, outcome, reason, upstreamStatus: 429 },
  });

  describe("what failed is found", () => {
    const rows = [
      newRow("req_1", { outcome: "no_token", attempts: [failedCall(3, "per_day"), failedCall(4, "key_leaked")] }),
      newRow("req_2", { attempts: [failedCall(3, "key_leaked"), { ...failedCall(33, null), outcome: "ok" }] }),
      newRow("req_3", { outcome: "upstream_timeout", family: "veo-3.1", attempts: [failedCall(33, null, "upstream_timeout")] }),
      newRow("req_4", {
        outcome: "unauthorized",
        kind: null,
        keyId: null,
        refusal: { reason: "invalid_api_key", address: "::1", times: 7 },
      }),
      newRow("req_5", { outcome: "content_policy", attempts: [{ ...failedCall(3, null), outcome: "ok" }] }),
    ];
    const cases: [string, Omit<RequestFilter, "limit">, string][] = [
      ["by the reason of its last call", { reason: "key_leaked" }, "_1"],
      ["by its outcome, where no call failed last", { reason: "content_policy" }, "_5"],
      ["by the reason of a refusal", { reason: "invalid_api_key" }, "_4"],
      ["by the reason of a token's call, also where another token served", { reason: "key_leaked", tokenId: 3 }, "_2"],
      ["by a token whose call failed", { attemptFailed: true, tokenId: 3 }, "_2 _1"],
      ["by a token whose call failed without a reason", { reason: "upstream_timeout", tokenId: 33 }, "_3"],
      ["by having been refused", { refused: true }, "_4"],
      ["by having failed, which a refusal did not", { failed: true }, "_5 _3 _1"],
      ["by its family", { family: "veo-3.1" }, "_3"],
      ["by a name that holds the text", { text: "aurora", textTokens: [4], textKeys: [] }, "_1"],
      ["by a name or by its words", { text: "gemini", textTokens: [4], failed: true }, "_5 _3 _1"],
    ];
    test.each(cases)("%s", (_, filter, expected) => withRows(async (log) => expect(await found(log, filter)).toBe(expected), rows));

    test("and comes back as it was appended", () => withRows(async (log) => expect(await log.get("req_4")).toEqual(rows[3]!), rows));
  });

  describe("a recorded prompt is found", () => {
    const prompts = ["A red fox in the snow", "一只在雪地里的狐狸 4K", "夜の港、長時間露光"];
    const rows = prompts.map((prompt, index) => newRow(`req_${index}`, { payload: { prompt, parameters: {} } }));
    test.each([
      ["snow", "_0"],
      ["RED fo", "_0"],
      ["狐狸", "_1"],
      ["狐", "_1"],
      ["雪地里", "_1"],
      ["在雪地里的狐狸 4k", "_1"],
      ["狐地", ""],
      ["長時間", "_2"],
      ["港", "_2"],
    ])("%s", (text, expected) => withRows(async (log) => expect(await found(log, { text })).toBe(expected), rows));
  });

  describe("a hostile text", () => {
    const texts = [
      '" OR 1',
      "facets : f",
      "NEAR(a b)",
      "a AND",
      "*",
      "^x",
      "k1",
      "%".repeat(1000),
      "x".repeat(100_000),
      "a\u0000b",
      "'; DROP TABLE requests",
    ];
    test.each(texts)("finds nothing and breaks nothing: %p", (text) =>
      withRows(async (log) => {
        expect(await found(log, { text })).toBe("");
        expect(await found(log, {})).toBe("05 04 03 02 01");
      }),
    );
  });

  describe("the payload", () => {
    test("comes with the single row, and with a page only where that is asked for", () =>
      withRows(
        async (log) => {
          const [one] = await log.list({ limit: 5 });
          expect(one).not.toHaveProperty("payload");
          for (const filter of [{}, { kind: "image" }, { text: "fox" }, { text: "req_secret" }] as const)
            expect((await log.list({ ...filter, limit: 5, withPayload: true }))[0]?.payload?.prompt).toBe("a fox");
          expect((await log.get("req_secret"))?.payload).toEqual({ prompt: "a fox", parameters: { aspect: "16:9" } });
        },
        [newRow("req_secret", { payload: { prompt: "a fox", parameters: { aspect: "16:9" } } })],
      ));
  });
});
