// Limits watch: wraps the limits, keeps its own sums, and compares verdicts, sums and the ledger.

import type { Amounts } from "../../src/db/ledger.ts";
import type { KeyLimits, KeyRow } from "../../src/domain/key.ts";
import { AppError } from "../../src/errors.ts";
import type { Admission, AdmissionControl, AdmissionRequest, Cost } from "../../src/gateway/limits/contract.ts";
import type { Limits } from "../../src/gateway/limits/limits.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Disk } from "./disk.ts";
import type { Charges } from "./upstream.ts";

type Entry = { keyId: number; requestId: string; at: number; estimate: Amounts; actual: Amounts | null };

export type LimitsFigures = { admitted: number; limited: number; unwritable: number; settled: number; released: number };

export type LimitsWatch = AdmissionControl & {
  /** What is on record is all that is known: of a process that has just started. */
  restart(): void;
  verify(): void;
  /** Nothing runs: what was reserved was settled or released, to the millionth of a dollar. */
  verifyQuiet(): void;
  open(): number;
};

type Dependencies = {
  limits: Limits;
  disk: Disk;
  keys: ReadonlyMap<number, KeyRow>;
  chronicle: Chronicle;
  figures: LimitsFigures;
  now(): number;
  chargesOf(requestId: string): Charges;
};

const ZERO: Amounts = { images: 0, videoMs: 0, microUsd: 0 };
const FIELDS = ["images", "videoMs", "microUsd"] as const;
const SCALES = [
  ["images", "images", 1],
  ["videoSeconds", "videoMs", 1_000],
  ["usd", "microUsd", 1_000_000],
] as const;
const PERIODS = ["day", "month", "total"] as const;

const amountsOf = ({ images, videoSeconds, usd }: Cost): Amounts => ({
  images: Math.round(images),
  videoMs: Math.round(videoSeconds * 1_000),
  microUsd: Math.round(usd * 1_000_000),
});
const namesOf = (time: number) => {
  const text = new Date(time).toISOString();
  return { day: text.slice(0, 10), month: text.slice(0, 7), total: "total" };
};

export function watchLimits({ limits, disk, keys, chronicle, figures, now, chargesOf }: Dependencies): LimitsWatch {
  const { note } = chronicle;
  const assert: Chronicle["assert"] = chronicle.assert;
  const open = new Set<Entry>();
  /** By key and period: what was used, and what is reserved. */
  let sums = new Map<string, Amounts>();
  const recent = new Map<number, number[]>();

  function add(entry: Entry, amounts: Amounts, sign: 1 | -1): void {
    for (const name of Object.values(namesOf(entry.at))) {
      const sum = sums.get(`${entry.keyId}/${name}`) ?? { ...ZERO };
      sums.set(`${entry.keyId}/${name}`, sum);
      for (const field of FIELDS) sum[field] += sign * amounts[field];
    }
  }

  /** Those that lie in the future, by a clock that was set back, are forgotten when they are next read. */
  const recentOf = (keyId: number, time: number): number[] => {
    const times = (recent.get(keyId) ?? []).filter((at) => time - at < 60_000 && at <= time);
    recent.set(keyId, times);
    return times;
  };
  const runningOf = (keyId: number) => [...open].filter((entry) => entry.keyId === keyId).length;

  /** Whether one more generation of this cost is within every limit. */
  function fits(keyId: number, { rpm, concurrency, ...limit }: KeyLimits, wanted: Amounts, time: number): boolean {
    if (rpm !== null && recentOf(keyId, time).length >= rpm) return false;
    if (concurrency !== null && runningOf(keyId) >= concurrency) return false;
    return SCALES.every(([cost, field, scale]) =>
      PERIODS.every((period) => {
        const most = limit[cost][period];
        const used = sums.get(`${keyId}/${namesOf(time)[period]}`)?.[field] ?? 0;
        return most === null || wanted[field] === 0 || used + wanted[field] <= Math.round(most * scale);
      }),
    );
  }

  function close(entry: Entry, actual: Amounts): void {
    open.delete(entry);
    entry.actual = actual;
    add(entry, entry.estimate, -1);
    add(entry, actual, 1);
  }

  function watched(admission: Admission, entry: Entry): Admission {
    const ends = (used: Amounts) => {
      if (!open.has(entry)) return;
      const { charged } = chargesOf(entry.requestId);
      assert(used.images + used.videoMs > 0 || charged === 0, "What may have been charged is never given back:", entry.requestId);
      assert(entry.estimate.videoMs > 0 || used.images >= charged, "Every image that was charged is settled:", entry.requestId, {
        charged,
        used,
      });
      note(used === ZERO ? "released" : "settled", entry.requestId, used);
      if (used === ZERO) figures.released++;
      else figures.settled++;
      close(entry, used);
    };
    return {
      id: admission.id,
      settle(used, end) {
        ends(amountsOf(used));
        admission.settle(used, end);
      },
      release(end) {
        ends(ZERO);
        admission.release(end);
      },
      releaseSlot: admission.releaseSlot,
    };
  }

  async function admit(keyId: number, request: AdmissionRequest): Promise<Admission> {
    const time = now();
    const estimate = amountsOf(request.estimate);
    const mayStart = fits(keyId, keys.get(keyId)!.limits, estimate, time);
    const entry: Entry = { keyId, requestId: request.requestId, at: time, estimate, actual: null };
    if (mayStart) {
      open.add(entry);
      add(entry, estimate, 1);
      recent.set(keyId, [...recentOf(keyId, time), time]);
    }
    try {
      const admission = await limits.admit(keyId, request);
      assert(mayStart, "Nothing is admitted over a limit:", { keyId, ...estimate });
      figures.admitted++;
      note("admitted", request.requestId, { key: keyId, reservation: admission.id });
      return watched(admission, entry);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      note("not admitted", request.requestId, { key: keyId, kind: error.kind });
      if (error.kind === "limit_exceeded") {
        assert(!mayStart, "Nothing within the limits is refused:", { keyId, ...estimate }, error.message);
        assert((error.retryAfterMs ?? 1) > 0, "Retry-After lies ahead:", error.retryAfterMs);
        figures.limited++;
      } else if (mayStart) {
        figures.unwritable++;
        open.delete(entry);
        add(entry, estimate, -1);
        const times = recent.get(keyId)!;
        times.splice(times.lastIndexOf(time), 1);
      }
      throw error;
    }
  }

  /** Memory says what these sums say. */
  function verifyUsage(): void {
    const names = namesOf(now());
    for (const keyId of keys.keys()) {
      const usage = limits.usage(keyId);
      assert(usage.requestsLastMinute === recentOf(keyId, now()).length, "The last minute is counted:", usage);
      for (const period of PERIODS) {
        const mine = sums.get(`${keyId}/${names[period]}`) ?? ZERO;
        for (const [cost, field, scale] of SCALES) {
          const known = Math.round(usage[period][cost] * scale);
          assert(known === mine[field], "What is used and reserved is counted:", { keyId, period, field, known, mine: mine[field] });
        }
      }
    }
  }

  return {
    admit,
    admitUpload: (keyId, bytes) => limits.admitUpload(keyId, bytes),
    assertMayStart: (...given) => limits.assertMayStart(...given),
    countUpload: (keyId, bytes) => limits.countUpload(keyId, bytes),
    rateHeaders: (keyId) => limits.rateHeaders(keyId),
    resume(id) {
      const admission = limits.resume(id);
      if (!admission) return null;
      const { keyId, requestId, at, estimate } = disk.reservations.get(id)!;
      const entry = [...open].find((one) => one.requestId === requestId)!;
      return watched(admission, Object.assign(entry, { keyId, at, estimate }));
    },
    restart() {
      open.clear();
      sums = new Map();
      recent.clear();
      for (const { keyId, requestId, at, estimate, state, actual } of disk.reservations.values()) {
        const entry: Entry = { keyId, requestId, at, estimate, actual: state === "reserved" ? null : actual };
        if (state === "reserved") open.add(entry);
        add(entry, entry.actual ?? estimate, 1);
        if (now() - at < 60_000) recent.set(keyId, [...(recent.get(keyId) ?? []), at]);
      }
      verifyUsage();
    },
    verify() {
      const gauges = limits.gauges();
      assert(gauges.reservations === open.size, "Reservations are those of what runs:", gauges, { open: open.size });
    },
    verifyQuiet() {
      assert(open.size === 0 && limits.gauges().inFlight === 0, "Every reservation has ended:", { open: open.size });
      const left = [...disk.reservations.values()].filter(({ state }) => state === "reserved");
      assert(left.length === 0, "Every reservation has ended on record:", left);
      verifyUsage();
      const names = namesOf(now());
      for (const keyId of keys.keys()) {
        const { inFlight, reserved } = limits.usage(keyId);
        assert(inFlight === 0 && reserved.usd === 0 && reserved.images === 0, "Nothing stays reserved:", { keyId, reserved });
        for (const name of Object.values(names)) {
          const mine = sums.get(`${keyId}/${name}`) ?? ZERO;
          const written = disk.spent.get(`${keyId}/${name}`)?.amounts ?? ZERO;
          for (const field of FIELDS) {
            const facts = { keyId, name, field, mine: mine[field], written: written[field] };
            assert(written[field] === mine[field], "Reserved is settled plus released:", facts);
          }
        }
      }
    },
    open: () => open.size,
  };
}
