// Backups: makes scheduled backups, puts them in their place, deletes the oldest, and remembers how the last one went.
import { rm } from "node:fs/promises";
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { isRecord } from "../../domain/is-record.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { createSerial } from "../../serial.ts";
import type { Maintenance } from "../reports/maintenance.ts";
import { nextBackupAt } from "./schedule.ts";
import { type BackupTarget, installationIn, type StoredBackup } from "./target.ts";

export type BackupDependencies = {
  store: Pick<Store, "readFact" | "writeFact">;
  maintenance: Pick<Maintenance, "writeBackup" | "isShared">;
  target: BackupTarget;
  settings: () => Settings["backup"];
  clock: Clock;
  log: Log;
};

/** The last scheduled backup, or the last one asked for. Times are epoch ms. */
export type LastBackup = { at: number; ok: boolean; name: string; bytes: number; error: string | null };

export type BackupsState = {
  last: LastBackup | null;
  /** Of the last one that was made, downloads included; null: none was. */
  madeAt: number | null;
  /** Since when this installation knows of backups. */
  since: number;
  /** Null: none is scheduled. */
  nextAt: number | null;
  isRunning: boolean;
  place: string;
};

const FACT = "backup.state";
const LOOK_MS = 60_000;
const FIRST_LOOK_MS = 10_000;

type Stored = Pick<BackupsState, "last" | "madeAt" | "since">;

export class Backups {
  readonly #oneByOne = createSerial();
  readonly #stopping = new AbortController();
  #stored: Stored;
  #running = 0;
  #looks: Repeated | null = null;

  constructor(private readonly deps: BackupDependencies) {
    this.#stored = { last: null, madeAt: null, since: deps.clock.now() };
  }

  async load(): Promise<void> {
    const found = readState(await this.deps.store.readFact(FACT));
    if (found) this.#stored = found;
    else await this.#write(this.#stored);
  }

  /** Where the records are in Postgres it is backed up by its own means: none is made here. */
  start(): void {
    if (this.deps.maintenance.isShared) return;
    this.#looks = repeat(this.deps.clock, LOOK_MS, () => this.look(), FIRST_LOOK_MS);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new AppError("cancelled", "The server is stopping."));
    await this.#looks?.stop();
    await this.#oneByOne(async () => {});
  }

  state(): BackupsState {
    const { clock, settings, target, maintenance } = this.deps;
    const state = { ...this.#stored, isRunning: this.#running > 0, place: target.place };
    if (maintenance.isShared) return { ...state, last: null, nextAt: null };
    return { ...state, nextAt: nextBackupAt(settings(), state.last, clock.now()) };
  }

  /** Those in their place, newest first. @throws {AppError} when it cannot be read */
  list(): Promise<StoredBackup[]> {
    return this.deps.target.list();
  }

  /** Makes one when it is due. */
  async look(): Promise<void> {
    const { nextAt } = this.state();
    if (nextAt !== null && nextAt <= this.deps.clock.now()) await this.run();
  }

  /** Makes one now. Never rejects: the result says what went wrong. */
  run(): Promise<LastBackup> {
    return this.#oneByOne(async () => {
      this.#running++;
      try {
        return await this.#run();
      } finally {
        this.#running--;
      }
    });
  }

  /** A backup was downloaded by an operator. */
  async noteDownload(): Promise<void> {
    await this.#write({ ...this.#stored, madeAt: this.deps.clock.now() });
  }

  async #run(): Promise<LastBackup> {
    const { clock, log, maintenance, settings, target } = this.deps;
    const { requests, media } = settings();
    const at = clock.now();
    let last: LastBackup;
    try {
      this.#stopping.signal.throwIfAborted();
      const { file, name, bytes, lacks } = await maintenance.writeBackup({ requests, media }, this.#stopping.signal);
      try {
        await target.put(name, file, this.#stopping.signal);
      } finally {
        await rm(file, { force: true });
      }
      last = { at, ok: true, name, bytes, error: null };
      log.info("Backup made", { place: target.place, name, bytes, lacks });
      await this.#prune(name);
    } catch (error) {
      const message = error instanceof AppError ? error.message : "Internal error";
      last = { at, ok: false, name: "", bytes: 0, error: message };
      // Not a failure of the backup: it is made after the next start.
      if (this.#stopping.signal.aborted) return { ...last, error: "The server is stopping." };
      if (maintenance.isShared) return last;
      log.error("The backup failed", { place: target.place, error });
    }
    await this.#write({ ...this.#stored, last, madeAt: last.ok ? at : this.#stored.madeAt });
    return last;
  }

  /**
   * A backup that is there counts, also when an old one cannot be deleted. The one just made stays, whatever its name says of its age, and so
   * does what another installation has made.
   */
  async #prune(made: string): Promise<void> {
    const { log, settings, target } = this.deps;
    try {
      const others = (await target.list()).filter(({ name }) => name !== made && installationIn(name) === installationIn(made));
      const old = others.slice(Math.max(0, settings().keep - 1));
      for (const { name } of old) await target.delete(name);
      if (old.length > 0) log.info("Old backups deleted", { place: target.place, count: old.length });
    } catch (error) {
      log.warn("Old backups could not be deleted", { place: target.place, error });
    }
  }

  async #write(stored: Stored): Promise<void> {
    this.#stored = stored;
    await this.deps.store
      .writeFact(FACT, JSON.stringify(stored))
      .catch((error) => this.deps.log.error("The state of backups could not be stored", { error }));
  }
}

function readState(text: string | null): Stored | null {
  const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
  try {
    const stored: unknown = JSON.parse(text ?? "null");
    if (!isRecord(stored) || !isTime(stored.since)) return null;
    const last = isRecord(stored.last) && isTime(stored.last.at) ? (stored.last as unknown as LastBackup) : null;
    return { last, madeAt: isTime(stored.madeAt) ? stored.madeAt : null, since: stored.since };
  } catch {
    return null;
  }
}
