// Request log contract: pages, filters, batches, bounds.

import { describe, expect, test } from "bun:test";
import type { RequestFilter, RequestRow } from "../../domain/request.ts";
import { createLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import type { RequestLog } from "../store.ts";
import { ENGINES } from "../testing.ts";
import type { BufferOptions } from "./request-buffer.ts";
import { NOW, newAttempt, newRow } from "./rows.fixtures.ts";

describe.each(ENGINES)("over $name", ({ openLog }) => {
  async function withLog(body: (log: RequestLog, folder: string) => Promise<void>, options: Partial<BufferOptions> = {}): Promise<void> {
    using folder = temporaryFolder();
    const log = await openLog(folder.path, options);
    try {
      await body(log, folder.path);
    } finally {
      await log.close();
    }
  }

  describe("rows", () => {
    test("a row comes back as it was appended, attempts in order", () =>
      withLog(async (log) => {
        const row = newRow({
          stream: true,
          keyId: null,
          attempts: [
            newAttempt({ tokenId: 9, outcome: "upstream_quota", reason: "per_day", upstreamStatus: 429 }),
            newAttempt({ tokenId: 2 }),
          ],
        });
        log.append(row);
        expect(await log.get(row.id)).toEqual(row);
        expect(await log.list({ limit: 10 })).toEqual([row]);
        expect(await log.get("unknown")).toBeNull();
      }));

    test("prompts that were recorded are read for many rows at once", () =>
      withLog(async (log) => {
        const rows = [
          newRow({ payload: { prompt: "a fox", parameters: {} } }),
          newRow(),
          newRow({ payload: { prompt: "an owl", parameters: {} } }),
        ];
        for (const row of rows) log.append(row);
        const [fox, none] = rows.map(({ id }) => id);
        expect(await log.promptsOf([fox!, none!, "req_none"])).toEqual([{ id: fox!, prompt: "a fox" }]);
        expect(await log.promptsOf([])).toEqual([]);
      }));

    test("a model name is cut to 200 characters and broken milliseconds are rounded", () =>
      withLog(async (log) => {
        const row = newRow({ model: "m".repeat(300), ms: 12.6, attempts: [newAttempt({ ms: 0.4 })] });
        log.append(row);
        expect(await log.get(row.id)).toEqual({ ...row, model: "m".repeat(200), ms: 13, attempts: [newAttempt({ ms: 0 })] });
      }));

    test("a row whose id is there already is passed over with its attempts", () =>
      withLog(async (log) => {
        const row = newRow();
        for (const ms of [1, 2]) log.append({ ...row, ms });
        log.append(newRow());
        expect((await log.get(row.id))?.ms).toBe(1);
        expect(await log.list({ limit: 10 })).toHaveLength(2);
      }));
  });

  describe("pages", () => {
    const rows = Array.from({ length: 60 }, (_, index) =>
      newRow({
        id: `r${index}`,
        at: NOW + index,
        keyId: index % 3,
        model: `m${index % 4}`,
        outcome: index % 5 === 0 ? "busy" : "ok",
        attempts: index % 2 === 0 ? [newAttempt({ tokenId: 1 }), newAttempt({ tokenId: 2 }), newAttempt({ tokenId: 1 })] : [],
      }),
    );
    const filters: [string, Omit<RequestFilter, "limit">, (row: RequestRow) => boolean][] = [
      ["all", {}, () => true],
      ["by key", { keyId: 1 }, (row) => row.keyId === 1],
      ["by key and model", { keyId: 1, model: "m2" }, (row) => row.keyId === 1 && row.model === "m2"],
      ["by model", { model: "m3" }, (row) => row.model === "m3"],
      ["by failure", { outcome: "busy" }, (row) => row.outcome === "busy"],
      ["by success", { outcome: "ok" }, (row) => row.outcome === "ok"],
      ["by token, once even where it was tried twice", { tokenId: 1 }, (row) => row.attempts.length > 0],
      ["by everything", { tokenId: 1, outcome: "busy", keyId: 0, model: "m2" }, (row) => row.id === "r30"],
      ["text that looks like SQL", { model: "m1' OR '1'='1" }, () => false],
    ];
    test.each(filters)("%s: newest first, page after page, nothing twice", (_, filter, matches) =>
      withLog(async (log) => {
        for (const row of rows) log.append(row);
        const seen: string[] = [];
        for (let before: string | undefined; ; before = seen.at(-1)) {
          const page = await log.list({ ...filter, before, limit: 7 });
          if (page.length === 0) break;
          seen.push(...page.map((row) => row.id));
        }
        expect(seen).toEqual(
          rows
            .filter(matches)
            .map((row) => row.id)
            .reverse(),
        );
      }),
    );

    test("a page after a row that is gone is empty", () =>
      withLog(async (log) => {
        log.append(newRow());
        expect(await log.list({ before: "gone", limit: 5 })).toEqual([]);
      }));
  });

  describe("pace", () => {
    test("rows wait for the timer, and a full batch does not", () => {
      const clock = virtualClock();
      return withLog(
        async (log, folder) => {
          await using other = await another(folder);
          const written = async () => (await other.log.list({ limit: 100 })).length;
          log.append(newRow());
          expect(clock.nextTimer()).toBe(clock.now() + 250);
          expect(await written()).toBe(0);
          await clock.advance(250);
          await log.flush();
          expect(await written()).toBe(1);
          for (let count = 0; count < 4; count++) log.append(newRow());
          while ((await written()) < 5) await Bun.sleep(1);
          expect(clock.nextTimer()).toBeNull();
        },
        { clock, batch: 4 },
      );
    });

    test("memory is bounded: what is too much is dropped and said", async () => {
      const lines: string[] = [];
      const log = createLog({ level: "warn", format: "json", write: (line) => lines.push(line) });
      await withLog(
        async (requests) => {
          for (let count = 0; count < 256 * 2 + 10; count++) requests.append(newRow());
          expect(await requests.list({ limit: 1000 })).toHaveLength(257 * 2);
          // The first batch is on its way, beside the 256 that are held.
          expect(JSON.parse(lines[0]!)).toMatchObject({ level: "warn", rows: 8 });
        },
        { batch: 2, log },
      );
    });

    test("old rows go with their attempts, however many, and are counted", () =>
      withLog(async (log) => {
        const old = Array.from({ length: 1200 }, () => newRow({ at: NOW - 1, attempts: [newAttempt(), newAttempt()] }));
        const stored = newRow();
        for (const row of [...old, stored]) log.append(row);
        expect(await log.deleteBefore(NOW)).toBe(1200);
        expect(await log.deleteBefore(NOW)).toBe(0);
        expect((await log.list({ limit: 5 })).map((row) => row.id)).toEqual([stored.id]);
        expect(await log.list({ limit: 5, tokenId: 1 })).toHaveLength(1);
      }));

    test("nothing is deleted once the sweep is told to stop", () =>
      withLog(async (log) => {
        log.append(newRow({ at: NOW - 1 }));
        expect(await log.deleteBefore(NOW, AbortSignal.abort())).toBe(0);
        expect(await log.list({ limit: 5 })).toHaveLength(1);
      }));

    test("close writes what is held", async () => {
      using folder = temporaryFolder();
      const log = await openLog(folder.path);
      const row = newRow();
      log.append(row);
      await log.close();
      await using again = await another(folder.path);
      expect(await again.log.get(row.id)).toEqual(row);
    });
  });

  /** The log as another process opens it. */
  async function another(folder: string) {
    const log = await openLog(folder);
    return { log, [Symbol.asyncDispose]: () => log.close() };
  }
});
