// Import previews: parsed tokens held on the server until confirmed; secrets stay there.

import type { Clock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { ImportOptions, ImportReport } from "./import-tokens.ts";
import { isRefused, type ParsedLine, type ParsedToken } from "./parsed-token.ts";

/** One line that would be put in: what may be shown of it. */
export type FreshLine = { line: number; provider: string; label: string; group: string; identity: string };

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
  /** Tries the lines without changing anything and keeps them for {@link KEEP_MS}. @throws {AppError} `invalid_request` without lines */
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
const KEEP_MS = 15 * 60_000;
const MAX_DRAFTS = 5;
const MAX_SHOWN = 100;

type Kept = { draft: ImportPreview; lines: readonly ParsedLine[]; group: string | undefined };

export function createImportPreviews({ importTokens, clock, log }: Dependencies): ImportPreviews {
  const drafts = new Map<string, Kept>();

  const keptOf = (id: string): Kept => {
    const kept = drafts.get(id);
    if (!kept) throw new AppError("not_found", "This import has expired. Start it again.", { reason: "import_gone" });
    return kept;
  };

  async function run(kept: Kept, ended: (report: ImportReport) => Promise<void>): Promise<void> {
    const change = (next: Partial<ImportPreview>) => {
      kept.draft = { ...kept.draft, ...next };
    };
    try {
      const report = await importTokens(kept.lines, { group: kept.group, onProgress: (done) => change({ done }) });
      await ended(report);
      change({ state: "done", done: kept.draft.total, report });
    } catch (error) {
      log.error("An import of tokens broke off", { done: kept.draft.done, error });
      change({ state: "failed" });
    } finally {
      // The secrets are in the store, or in the hands that brought them.
      kept.lines = [];
    }
  }

  return {
    get: (id) => keptOf(id).draft,
    async preview(lines, group) {
      if (lines.length === 0) throw new AppError("invalid_request", "There is no token in it.", { reason: "import_empty" });
      const report = await importTokens(lines, { group, dryRun: true });
      const draft: ImportPreview = {
        id: newId(),
        state: "ready",
        done: 0,
        total: lines.length,
        report,
        fresh: freshLines(lines, report, group),
      };
      drafts.set(draft.id, { draft, lines, group });
      if (drafts.size > MAX_DRAFTS) drafts.delete(drafts.keys().next().value!);
      clock.after(KEEP_MS, () => drafts.delete(draft.id));
      return draft;
    },
    start(id, ended) {
      const kept = keptOf(id);
      if (kept.draft.state === "ready") {
        kept.draft = { ...kept.draft, state: "running" };
        void run(kept, ended);
      }
      return kept.draft;
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

const shown = ({ line, provider, label, group: own, identity }: ParsedToken, group: string | undefined): FreshLine => ({
  line,
  provider,
  label: label ?? "",
  group: own ?? group ?? "",
  identity: identity ?? "",
});
