// Request log search: words, ids, kinds, times, hostile texts.

import { describe, expect, test } from "bun:test";
import type { RequestFilter, RequestRow } from "../../../domain/request.ts";
import { silentLog } from "../../../log.ts";
import { temporaryFolder, virtualClock } from "../../../testing.ts";
import type { RequestLog } from "../../store.ts";
import { openDatabase } from "../database.ts";
import { migrate, REQUEST_MIGRATIONS } from "../migrate.ts";
import { openRequestLog } from "./request-log.ts";
import { listRequests } from "./requests.ts";

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

async function withRows(body: (log: RequestLog) => Promise<void>, rows: readonly RequestRow[] = ROWS): Promise<void> {
  using folder = temporaryFolder();
  const log = await openRequestLog({ dataDir: folder.path, clock: virtualClock(), log: silentLog });
  try {
    for (const row of rows) log.append(row);
    await body(log);
  } finally {
    await log.close();
  }
}

/** The last digits of what is found. */
const found = async (log: RequestLog, filter: Omit<RequestFilter, "limit">) =>
  (await log.list({ ...filter, limit: 10 })).map(({ id }) => id.slice(-2)).join(" ");

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
  test("comes with the single row, and not with a page", () =>
    withRows(
      async (log) => {
        const [one] = await log.list({ limit: 5 });
        expect(one).not.toHaveProperty("payload");
        expect((await log.get("req_secret"))?.payload).toEqual({ prompt: "a fox", parameters: { aspect: "16:9" } });
      },
      [newRow("req_secret", { payload: { prompt: "a fox", parameters: { aspect: "16:9" } } })],
    ));
});

test("rows of the first version are found after the migration", async () => {
  using folder = temporaryFolder();
  using db = await openDatabase(`${folder.path}/requests.db`);
  await migrate(db, REQUEST_MIGRATIONS.slice(0, 1));
  db.run(
    `INSERT INTO requests (id, at, ms, dialect, route, key_id, model, family, kind, outcome, message, images, video_seconds, input_tokens,
       output_tokens, usd, stream, media_ids)
     VALUES ('old', 1, 1, 'openai', '/', 3, 'm', 'f', 'image', 'busy', 'The queue is full', 0, 0, 0, 0, 0, 0, '[]')`,
  );
  db.run("INSERT INTO attempts VALUES (1, 0, 7, 'gemini', 'f', 1, 1, 'busy', NULL, NULL)");
  await migrate(db, REQUEST_MIGRATIONS);
  const asked = { keyId: 3, tokenId: 7, model: "m", outcome: "busy", failed: true, kind: "image", text: "queue" } as const;
  expect(listRequests(db, { ...asked, limit: 5 }).map(({ id }) => id)).toEqual(["old"]);
});
