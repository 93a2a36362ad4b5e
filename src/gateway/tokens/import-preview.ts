// Import previews: parsed tokens held on the server until confirmed; secrets stay there.

import type { Clock } from "../../clock.ts";
import { hintOf } from "../../domain/secret-hint.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { ImportOptions, ImportReport } from "./import-tokens.ts";
import { isRefused, type ParsedLine, type ParsedToken } from "./parsed-token.ts";

/** One line that would be put in: what may be shown of it. */
export type FreshLine = {
  line: number;
  provider: string;
  label: string;
  group: string;
  identity: string /** Last four characters of the secret. */;
  hint: string;
};

export type ImportPreview = {
  readonly id: string;
  readonly state: "ready" | "running" | "done" | "failed";
  /** Lines done, of lines in all. */
  readonly done: number;
  readonly total: number;
  /** First of a dry run, in the end of what was done. */
  readonly report: ImportReport;
  /** The first of those that would be put in. */
  readonly fresh: readonly FreshLine[];
};

export type ImportPreviews = {
  /** Tries the lines without changing anything and stores them for {@link PREVIEW_MS}. @throws {AppError} `invalid_request` without lines */
  preview(lines: readonly ParsedLine[], group: string | undefined): Promise<ImportPreview>;
  /** @throws {AppError} `not_found` */
  get(id: string): ImportPreview;
  /** Begins the import and does not wait for it; `ended` receives what was done. Twice is once. */
  start(id: string, ended: (report: ImportReport) => Promise<void>): ImportPreview;
};

type Dependencies = {
  importTokens(lines: readonly ParsedLine[], options: ImportOptions): Promise<ImportReport>;
  clock: Clock;
  log: Log;
};

/** How long lines wait to be imported, and results to be read. */
const PREVIEW_MS = 15 * 60_000;
const MAX_PREVIEWS = 5;
const MAX_SHOWN = 100;

type StoredPreview = { preview: ImportPreview; lines: readonly ParsedLine[]; group: string | undefined };

export function createImportPreviews({ importTokens, clock, log }: Dependencies): ImportPreviews {
  const previews = new Map<string, StoredPreview>();

  const storedOf = (id: string): StoredPreview => {
    const stored = previews.get(id);
    if (!stored) throw new AppError("not_found", "This import has expired. Start it again.", { reason: "import_gone" });
    return stored;
  };

  async function run(stored: StoredPreview, ended: (report: ImportReport) => Promise<void>): Promise<void> {
    const change = (next: Partial<ImportPreview>) => {
      stored.preview = { ...stored.preview, ...next };
    };
    try {
      const report = await importTokens(stored.lines, { group: stored.group, onProgress: (done) => change({ done }) });
      await ended(report);
      change({ state: "done", done: stored.preview.total, report });
    } catch (error) {
      log.error("An import of tokens broke off", { done: stored.preview.done, error });
      change({ state: "failed" });
    } finally {
      // The secrets are in the store, or in the hands that brought them.
      stored.lines = [];
    }
  }

  return {
    get: (id) => storedOf(id).preview,
    async preview(lines, group) {
      if (lines.length === 0) throw new AppError("invalid_request", "There is no token in it.", { reason: "import_empty" });
      const report = await importTokens(lines, { group, dryRun: true });
      const preview: ImportPreview = {
        id: newId(),
        state: "ready",
        done: 0,
        total: lines.length,
        report,
        fresh: freshLines(lines, report, group),
      };
      previews.set(preview.id, { preview, lines, group });
      if (previews.size > MAX_PREVIEWS) previews.delete(previews.keys().next().value!);
      clock.after(PREVIEW_MS, () => previews.delete(preview.id));
      return preview;
    },
    start(id, ended) {
      const stored = storedOf(id);
      if (stored.preview.state === "ready") {
        stored.preview = { ...stored.preview, state: "running" };
        void run(stored, ended);
      }
      return stored.preview;
    },
  };
}

function freshLines(lines: readonly ParsedLine[], { known }: ImportReport, group: string | undefined): FreshLine[] {
  const repeated = new Set(known.map(({ line }) => line));
  const fresh: FreshLine[] = [];
  for (const one of lines) {
    if (fresh.length === MAX_SHOWN) break;
    if (isRefused(one) || repeated.has(one.line)) continue;
    fresh.push(shown(one, group));
  }
  return fresh;
}

const shown = ({ line, provider, secret, label, group: own, identity }: ParsedToken, group: string | undefined): FreshLine => ({
  line,
  provider,
  label: label ?? "",
  group: own ?? group ?? "",
  identity: identity ?? "",
  hint: hintOf(secret),
});
