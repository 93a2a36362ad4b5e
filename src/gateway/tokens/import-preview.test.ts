// Import previews on every engine: what one node has read another one shows and imports, once; secrets are gone afterwards.
import { describe, expect, test } from "bun:test";
import type { Store } from "../../db/store.ts";
import { ENGINES } from "../../db/testing.ts";
import type { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { ImportPreviews } from "./import-preview.ts";
import type { ImportOptions, ImportReport } from "./import-tokens.ts";
import type { ParsedLine } from "./parsed-token.ts";

const LINES: ParsedLine[] = [
  { line: 1, provider: "gemini", secret: "AIza-the-secret-of-one" },
  { line: 2, reason: "is empty" },
];
const REPORT: ImportReport = { added: 1, known: [], invalid: [{ line: 2, reason: "is empty" }], left: [] };

type World = {
  one: ImportPreviews;
  two: ImportPreviews;
  stores: Store[];
  clock: ReturnType<typeof virtualClock>;
  imported: (readonly ParsedLine[])[];
  /** Ends the imports that run. */
  finish(error?: Error): void;
};

describe.each(ENGINES)("over $name", ({ name, open }) => {
  async function withNodes(body: (world: World) => Promise<void>) {
    using folder = temporaryFolder();
    const stores = [await open(folder.path)];
    if (name === "postgres") stores.push(await open(folder.path));
    const clock = virtualClock();
    const imported: (readonly ParsedLine[])[] = [];
    const gate = Promise.withResolvers<ImportReport>();
    const importTokens = async (lines: readonly ParsedLine[], { dryRun, onProgress }: ImportOptions) => {
      if (dryRun) return REPORT;
      imported.push(lines);
      onProgress?.(1, lines.length);
      return gate.promise;
    };
    const [one, two] = [stores[0]!, stores.at(-1)!].map(
      (store) => new ImportPreviews({ store, importTokens, now: clock.now, log: silentLog }),
    );
    const finish = (error?: Error) => (error ? gate.reject(error) : gate.resolve(REPORT));
    try {
      await body({ one: one!, two: two!, stores, clock, imported, finish });
    } finally {
      for (const store of stores) await store.close();
    }
  }
  const until = async (previews: ImportPreviews, id: string, is: (preview: { state: string; done: number }) => boolean) => {
    for (;;) {
      const preview = await previews.get(id);
      if (is(preview)) return preview;
      await Bun.sleep(2);
    }
  };
  const refusalOf = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      ({ reason }: AppError) => reason,
    );

  test("a preview of one node is shown and started on another, once however often it is asked for", () =>
    withNodes(async ({ one, two, stores, clock, imported, finish }) => {
      const made = await one.preview(LINES, "eu");
      expect(made).toMatchObject({ state: "ready", total: 2, fresh: [{ line: 1, group: "eu", hint: "-one" }] });
      expect(await two.get(made.id)).toEqual(made);
      expect(JSON.stringify(made)).not.toContain("the-secret");
      const ended: ImportReport[] = [];
      await Promise.all([two, one, two].map((node) => node.start(made.id, async (report) => void ended.push(report))));
      expect((await until(one, made.id, ({ done }) => done === 1)).state).toBe("running");
      expect(await stores[0]!.getScratch(`import-lines ${made.id}`, clock.now())).toBeNull();
      finish();
      const last = await until(one, made.id, ({ state }) => state !== "running");
      expect([last.state, last.done, last.report]).toEqual(["done", 2, REPORT]);
      expect([imported, ended]).toEqual([[LINES], [REPORT]]);
      await two.start(made.id, async () => {});
      expect(imported).toHaveLength(1);
    }));

  test("an import that fails says so, and so does one whose node has died", () =>
    withNodes(async ({ one, two, clock, finish }) => {
      const made = await one.preview(LINES, undefined);
      await one.start(made.id, async () => {});
      await until(two, made.id, ({ done }) => done === 1);
      await clock.advance(3 * 60_000);
      expect((await two.get(made.id)).state).toBe("failed");
      finish(new Error("The store is away."));
      expect((await until(two, made.id, ({ state }) => state === "failed")).done).toBe(1);
    }));

  test("after a quarter of an hour it has expired, and what is none has too", () =>
    withNodes(async ({ one, two, clock }) => {
      const made = await one.preview(LINES, undefined);
      await clock.advance(15 * 60_000);
      expect([
        await refusalOf(two.get(made.id)),
        await refusalOf(one.start(made.id, async () => {})),
        await refusalOf(two.get("none")),
      ]).toEqual(["import_gone", "import_gone", "import_gone"]);
      expect(await refusalOf(one.preview([], undefined))).toBe("import_empty");
    }));
});
