// Limits of API keys: checks and reserves each generation in memory, on record before anything is started.

import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { LedgerStore, Reservation, ReservationEnd } from "../../db/ledger.ts";
import type { SharedStore } from "../../db/shared.ts";
import type { Kind } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Keys } from "../keys/keys.ts";
import { assertMayMake, assertPermitted } from "../keys/permissions.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { NodeIdentity } from "../nodes/node.ts";
import {
  type Account,
  addAmounts,
  balanceOf,
  createAccount,
  findLeastShortfall,
  findRateShortfall,
  findShortfall,
  type Hold,
  holdAt,
  reserve,
  toAmounts,
  undoReserve,
  zeroAmounts,
} from "./budget.ts";
import type { Admission, AdmissionControl, AdmissionRequest } from "./contract.ts";
import { type KeyUsage, usageOf } from "./key-usage.ts";
import { Ledger, LimitReached } from "./ledger.ts";
import { limitError, rateHeaders } from "./limit-errors.ts";
import { OpenAdmission } from "./open-admission.ts";
import { PendingAdmission } from "./pending-admission.ts";
import { MINUTE_MS } from "./periods.ts";
import { endOf, recentPeriods } from "./reservation-end.ts";
import { sharedChecks, shortfallOf } from "./shared-limits.ts";
import { UploadQuota } from "./upload-quota.ts";
import { VainReservations } from "./vain-reservations.ts";

const DAY_MS = 86_400_000;
/** Retention of usage per hour. */
const HOURS_RETENTION_MS = 400 * DAY_MS;
const SWEEP_INTERVAL_MS = 6 * 3_600_000;
/** A client that has its response asks for the next within this time: one commit, which waits for a disk, serves both. */
const GATHER_MS = 2;
/** Rows deleted in one transaction, so that reservations never wait for a long one. */
const SWEEP_ROWS = 500;

export type LimitsDependencies = {
  catalogue: () => Catalogue;
  keys: Pick<Keys, "get">;
  store: LedgerStore;
  clock: Clock;
  log: Log;
  /** Owner of the reservations; absent: there are no nodes. */
  node?: NodeIdentity;
  /** Absent or null: no other node admits anything, so that memory decides. */
  shared?: Pick<SharedStore, "releaseConcurrency"> | null;
  /** Retention of ended reservations, in days. */
  retentionDays: () => number;
  /** Whether a paid outcome waits for the key: its request is admitted although nothing is left. Default: false. */
  hasUndelivered?: (keyId: number) => boolean;
};

export class Limits implements AdmissionControl {
  readonly #ledger: Ledger;
  readonly #uploads: UploadQuota;
  readonly #vain: VainReservations;
  readonly #accounts = new Map<number, Account>();
  /** Open reservations of an earlier process, until they are resumed. */
  readonly #resumable = new Map<number, Reservation & { hold: Hold }>();
  #isLoaded = false;
  #reservations = 0;
  #sweep: Repeated | null = null;
  readonly #ends = {
    refused: (pending: PendingAdmission, error: unknown) => this.#refuse(pending, error),
    now: () => this.deps.clock.now(),
    giveSlot: (id: number) => void this.deps.shared?.releaseConcurrency([id]).catch(() => {}),
    end: (end: ReservationEnd) => {
      this.#reservations -= 1;
      this.#ledger.end(end);
    },
  };

  constructor(private readonly deps: LimitsDependencies) {
    const { store, clock, log, keys } = deps;
    this.#ledger = new Ledger({ store, clock, log, gatherMs: deps.shared ? GATHER_MS : 0 });
    this.#uploads = new UploadQuota({ store, clock, log, limitOf: (keyId) => keys.get(keyId)?.limits.uploadMbDay ?? null });
    const release = ({ id, at }: Reservation) =>
      this.#ledger.end(endOf(id, at, { state: "released", actual: zeroAmounts(), endedAt: clock.now() }));
    this.#vain = new VainReservations({ store, clock, log, release });
  }

  admit(keyId: number, request: AdmissionRequest): Promise<Admission> {
    try {
      const pending = this.#reserve(keyId, request);
      this.#ledger.begin(pending);
      return pending.admission;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** In memory, in one act. @throws {AppError} as {@link admit} */
  #reserve(keyId: number, request: AdmissionRequest): PendingAdmission {
    const key = this.deps.keys.get(keyId);
    if (!this.#isLoaded) throw serverFailure("The server is starting.", "starting", { retryAfterMs: 1_000 });
    if (!key) throw unknownKey();
    assertPermitted(this.deps.catalogue(), key, request);
    const now = this.deps.clock.now();
    const account = this.#accountOf(keyId);
    const estimate = toAmounts(request.estimate);
    const { shared } = this.deps;
    const shortfall = shared ? null : findShortfall(account, key.limits, estimate, now);
    if (shortfall) throw limitError(shortfall, now);
    const hold = reserve(account, estimate, now);
    this.#reservations += 1;
    const { requestId, kind, family, forJob } = request;
    const checks = shared ? sharedChecks(key.limits, now) : undefined;
    const reservation = { keyId, requestId, kind, family, at: now, estimate, forJob, node: this.#node(), shared: checks };
    return new PendingAdmission(reservation, account, hold, this.#ends);
  }

  /** What was reserved in memory is taken back. The error as the client sees it. */
  #refuse({ reservation, account, hold }: PendingAdmission, error: unknown): unknown {
    const { keyId, requestId, estimate, at } = reservation;
    this.#reservations -= 1;
    undoReserve(account, hold, at);
    if (this.deps.shared && error instanceof AppError && error.reason === "ledger_unavailable") this.#vain.note(requestId);
    const limits = this.deps.keys.get(keyId)?.limits;
    return error instanceof LimitReached && limits ? limitError(shortfallOf(error.by, { limits, estimate, now: at }), at) : error;
  }

  assertMayStart(keyId: number, kind: Kind | null, counts: boolean): void {
    const key = this.deps.keys.get(keyId);
    if (!key) throw unknownKey();
    // Of several nodes none knows what is left: the admission decides.
    const isCounted = counts && !this.deps.shared && !this.deps.hasUndelivered?.(keyId);
    const refusal = this.#refusalOf(key, kind ?? "image", isCounted);
    if (refusal && (kind !== null || this.#refusalOf(key, "video", isCounted))) throw refusal;
  }

  admitUpload(keyId: number, declaredBytes: number | null): void {
    const now = this.deps.clock.now();
    const account = this.#accountOf(keyId);
    const shortfall = findRateShortfall(account, this.#requestsPerMinute(keyId), now);
    if (shortfall) throw limitError(shortfall, now);
    this.#uploads.check(keyId, declaredBytes ?? 0);
    account.recent.push(now);
  }

  countUpload(keyId: number, bytes: number): void {
    this.#uploads.take(keyId, bytes);
  }

  rateHeaders(keyId: number): Readonly<Record<string, string>> {
    return rateHeaders(this.#accountOf(keyId), this.#requestsPerMinute(keyId), this.deps.clock.now());
  }

  resume(id: number): Admission | null {
    const reservation = this.#resumable.get(id);
    if (!reservation) return null;
    this.#resumable.delete(id);
    const account = this.#accountOf(reservation.keyId);
    account.inFlight += 1;
    return new OpenAdmission(reservation.id, account, reservation.hold, this.#ends);
  }

  /**
   * Rebuilds everything from the store, and settles the reservations that a crash left open at their estimate.
   * Those that `isResumable` names stay open until {@link Limits.resume}. Before this nothing is admitted.
   */
  async load(isResumable: (reservation: Reservation) => boolean = () => false): Promise<void> {
    const { store, clock, log } = this.deps;
    const now = clock.now();
    await this.#uploads.load();
    const periods = recentPeriods(now);
    const { open: all, recent } = await store.readLedger(periods, now - MINUTE_MS);
    const open = all.filter(({ node = 0 }) => node === this.#node());
    const lost = open.filter((reservation) => !isResumable(reservation));
    await store.end(lost.map((row) => lostEnd(row, now)));
    if (lost.length > 0) log.warn("Reservations left open by a crash settled at their estimate", { count: lost.length });
    const { spent } = await store.readLedger(periods, now);
    for (const { keyId, period, amounts } of spent) addAmounts(balanceOf(this.#accountOf(keyId), period).spent, amounts);
    for (const { keyId, at } of recent) this.#accountOf(keyId).recent.push(at);
    this.#retain(open.filter(isResumable));
    this.#isLoaded = true;
    this.#sweep = repeat(clock, SWEEP_INTERVAL_MS, (stopping) => this.#deleteOldRows(stopping));
  }

  /** Takes over what a dead node has left, as {@link load} does with what an earlier process has. Ends are written until they are. */
  inherit(open: readonly Reservation[], isResumable: (reservation: Reservation) => boolean): void {
    const { clock, log } = this.deps;
    const resumable = open.filter(isResumable);
    const lost = open.filter((row) => !resumable.includes(row));
    this.#retain(resumable);
    if (lost.length === 0) return;
    for (const row of lost) this.#ledger.end(lostEnd(row, clock.now()));
    log.warn("Reservations left open by a dead node settled at their estimate", { count: lost.length });
  }

  usage(keyId: number): KeyUsage {
    return usageOf(this.#accounts.get(keyId) ?? createAccount(), this.#uploads.bytesToday(keyId), this.deps.clock.now());
  }

  /** Both return to zero when nothing runs. */
  gauges(): { reservations: number; inFlight: number } {
    const inFlight = [...this.#accounts.values()].reduce((sum, account) => sum + account.inFlight, 0);
    return { reservations: this.#reservations, inFlight };
  }

  /** Since when the ledger cannot be written, and so nothing is admitted, epoch ms; null: it can. */
  degradedSince(): number | null {
    return this.#ledger.degradedSince;
  }

  /** Resolves when every end so far is on record. */
  flush(): Promise<void> {
    return this.#ledger.flush();
  }

  async close(): Promise<void> {
    await this.#sweep?.stop();
    await this.#vain.stop();
    await this.#uploads.flush();
    await this.#ledger.close();
  }

  /** Open until they are resumed. */
  #retain(resumable: readonly Reservation[]): void {
    for (const row of resumable) this.#resumable.set(row.id, { ...row, hold: holdAt(this.#accountOf(row.keyId), row.estimate, row.at) });
    this.#reservations += resumable.length;
  }

  #node(): number {
    return this.deps.node?.id ?? 0;
  }

  #accountOf(keyId: number): Account {
    let account = this.#accounts.get(keyId);
    if (account) return account;
    account = createAccount();
    this.#accounts.set(keyId, account);
    return account;
  }

  #requestsPerMinute(keyId: number): number | null {
    return this.deps.keys.get(keyId)?.limits.rpm ?? null;
  }

  /** Why the smallest generation of a kind would be refused now, or with `counts` false ever; null: it would not. */
  #refusalOf(key: KeyRow, kind: Kind, counts: boolean): AppError | null {
    try {
      assertMayMake(this.deps.catalogue(), key, kind);
    } catch (error) {
      return error as AppError;
    }
    const now = this.deps.clock.now();
    const shortfall = findLeastShortfall(this.#accountOf(key.id), key.limits, kind, now);
    return shortfall && (counts || shortfall.limit === 0) ? limitError(shortfall, now) : null;
  }

  async #deleteOldRows(stopping: AbortSignal): Promise<void> {
    const { store, clock, log, retentionDays } = this.deps;
    const now = clock.now();
    const before = { reservations: now - retentionDays() * DAY_MS, hours: now - HOURS_RETENTION_MS };
    try {
      while (!stopping.aborted && (await store.deleteUsageBefore(before, SWEEP_ROWS)) >= SWEEP_ROWS);
    } catch (error) {
      log.error("Deleting old ledger rows failed", { error });
    }
  }
}

/** Nobody knows what it came to. */
const lostEnd = ({ id, at, estimate }: Reservation, endedAt: number) => endOf(id, at, { state: "settled", actual: estimate, endedAt });

const unknownKey = () => new AppError("forbidden", "This API key is not known here any more.");
