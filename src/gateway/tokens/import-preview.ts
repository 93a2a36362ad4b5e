// Import previews: parsed tokens held in the store until confirmed; secrets stay there.

import type { Store } from "../../db/store.ts";
import type { Json } from "../../domain/generation.ts";
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

type Dependencies = {
  store: Pick<Store, "putScratch" | "getScratch" | "takeScratch">;
  importTokens(lines: readonly ParsedLine[], options: ImportOptions): Promise<ImportReport>;
  now: () => number;
  log: Log;
};

/** How long lines wait to be imported, and results to be read. */
const PREVIEW_MS = 15 * 60_000;
/** An import that has said nothing for so long has ended with its node. */
const STUCK_MS = 2 * 60_000;
const MAX_SHOWN = 100;

type StoredPreview = { preview: ImportPreview; at: number };
type StoredLines = { lines: readonly ParsedLine[]; group: string | null };

/** In the store, sealed: any node may show and start what another one has read. */
export class ImportPreviews {
  constructor(private readonly deps: Dependencies) {}

  /** Tries the lines without changing anything and stores them for {@link PREVIEW_MS}. @throws {AppError} `invalid_request` without lines */
  async preview(lines: readonly ParsedLine[], group: string | undefined): Promise<ImportPreview> {
    if (lines.length === 0) throw new AppError("invalid_request", "There is no token in it.", { reason: "import_empty" });
    const { store, importTokens, now } = this.deps;
    const report = await importTokens(lines, { group, dryRun: true });
    const fresh = freshLines(lines, report, group);
    const preview: ImportPreview = { id: newId(), state: "ready", done: 0, total: lines.length, report, fresh };
    const stored: StoredLines = { lines, group: group ?? null };
    await store.putScratch(linesOf(preview.id), stored as unknown as Json, now() + PREVIEW_MS);
    await this.#write(preview);
    return preview;
  }

  /** @throws {AppError} `not_found` */
  async get(id: string): Promise<ImportPreview> {
    const { store, now } = this.deps;
    const stored = (await store.getScratch(nameOf(id), now())) as unknown as StoredPreview | null;
    if (!stored) throw new AppError("not_found", "This import has expired. Start it again.", { reason: "import_gone" });
    const { preview, at } = stored;
    return preview.state === "running" && now() - at > STUCK_MS ? { ...preview, state: "failed" } : preview;
  }

  /** Begins the import and does not wait for it; `ended` receives what was done. Twice is once. */
  async start(id: string, ended: (report: ImportReport) => Promise<void>): Promise<ImportPreview> {
    const { store, now } = this.deps;
    const preview = await this.get(id);
    // Who takes the lines imports them. From then on the secrets are in the pool, or in the hands that brought them.
    const stored = (await store.takeScratch(linesOf(id), now())) as unknown as StoredLines | null;
    if (!stored) return preview;
    const running: ImportPreview = { ...preview, state: "running" };
    await this.#write(running);
    void this.#run(running, stored, ended);
    return running;
  }

  async #run(preview: ImportPreview, { lines, group }: StoredLines, ended: (report: ImportReport) => Promise<void>): Promise<void> {
    const { importTokens, log } = this.deps;
    let shown = preview;
    let writing: Promise<void> | null = null;
    const onProgress = (done: number) => {
      shown = { ...shown, done };
      // While one is under way the next are left out: progress is for people.
      writing ??= this.#write(shown)
        .catch(() => {})
        .finally(() => {
          writing = null;
        });
    };
    let last: ImportPreview;
    try {
      const report = await importTokens(lines, { group: group ?? undefined, onProgress });
      await ended(report);
      last = { ...shown, state: "done", done: shown.total, report };
    } catch (error) {
      log.error("An import of tokens broke off", { done: shown.done, error });
      last = { ...shown, state: "failed" };
    }
    await writing;
    await this.#write(last).catch((error) => log.warn("What an import of tokens came to could not be stored", { error }));
  }

  #write(preview: ImportPreview): Promise<void> {
    const { store, now } = this.deps;
    const stored: StoredPreview = { preview, at: now() };
    return store.putScratch(nameOf(preview.id), stored as unknown as Json, now() + PREVIEW_MS);
  }
}

const nameOf = (id: string) => `import ${id}`;
const linesOf = (id: string) => `import-lines ${id}`;

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
