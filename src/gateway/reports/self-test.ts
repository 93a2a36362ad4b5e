// Self-test without charges: database, disk, media, upstreams, clock, a few tokens.
import { type Clock, withTimeout } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { send } from "../../http.ts";
import { newId } from "../../ids.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Pool } from "../pool/pool.ts";
import type { Refresher } from "../tokens/refresh.ts";
import type { Maintenance } from "./maintenance.ts";

export type CheckName = "proxy" | "database" | "disk" | "media" | "upstream" | "clock" | "token";

export type CheckResult = {
  name: CheckName;
  /** Which of several: a token's label, an upstream's address. */
  subject: string | null;
  state: "ok" | "warn" | "failed";
  ms: number;
  /** What was found: free bytes of the disk, ms that the clock is off; null when there is no figure. */
  figure: number | null;
  /** Why not, in English. */
  message: string | null;
};

export type CheckDependencies = {
  store: Pick<Store, "readFact" | "writeFact">;
  maintenance: Pick<Maintenance, "sizes">;
  media: Pick<MediaStore, "storeBytes" | "open" | "remove">;
  pool: Pick<Pool, "rows" | "cooldownOf">;
  refresher: Pick<Refresher, "checkNow">;
  settings: () => Settings;
  /** Addresses that calls go to. */
  upstreams: readonly string[];
  clock: Clock;
  /** What to say of a proxy that the settings do not name; null: there is none. */
  proxyHint: () => string | null;
};

const UPSTREAM_LIMIT_MS = 5_000;
/** Beyond it sessions and signatures are refused by some upstreams. */
const CLOCK_TOLERANCE_MS = 30_000;
const SAMPLE = 5;
const MEBIBYTE = 1024 * 1024;
const FACT = "self_test";

/** The smallest image: one grey pixel. */
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==", "base64");

type Finding = Partial<Pick<CheckResult, "state" | "figure" | "message">>;

/** What is checked whenever the page is opened: no network, a few ms. */
export const quickChecks = (deps: CheckDependencies): Promise<CheckResult[]> =>
  Promise.all([checkDatabase(deps), checkDisk(deps), ...proxyResult(deps)]);

/** Only where there is something to say. */
function proxyResult({ proxyHint }: Pick<CheckDependencies, "proxyHint">): CheckResult[] {
  const message = proxyHint();
  return message === null ? [] : [{ name: "proxy", subject: null, state: "warn", ms: 0, figure: null, message }];
}

/** Reaches for every upstream, without a token; and learns from the responses whether the clock is right. */
export async function upstreamChecks(deps: CheckDependencies, signal: AbortSignal): Promise<CheckResult[]> {
  const reached = await Promise.all(deps.upstreams.map((url) => reach(deps, url, signal)));
  const clock = reached.find(({ offMs }) => offMs !== null);
  return [...reached.map(({ result }) => result), ...(clock ? [clockResult(clock.offMs!)] : [])];
}

/** Everything, and a few tokens asked for what they are: nothing is generated. */
export async function selfTest(deps: CheckDependencies, signal: AbortSignal): Promise<CheckResult[]> {
  const [quick, media, upstreams, tokens] = await Promise.all([
    quickChecks(deps),
    checkMedia(deps),
    upstreamChecks(deps, signal),
    Promise.all(sampleOf(deps).map((token) => timed(deps, "token", token.label, () => checkToken(deps, token.id)))),
  ]);
  return [...quick, media, ...upstreams, ...tokens];
}

async function timed(
  { clock }: Pick<CheckDependencies, "clock">,
  name: CheckName,
  subject: string | null,
  act: () => Promise<Finding>,
): Promise<CheckResult> {
  const startedAt = clock.now();
  const found = await act().catch((error): Finding => ({ state: "failed", message: wordsOf(error) }));
  return { name, subject, state: "ok", figure: null, message: null, ...found, ms: clock.now() - startedAt };
}

const wordsOf = (error: unknown): string => (error instanceof AppError ? error.message : "Internal error");

const checkDatabase = (deps: CheckDependencies) =>
  timed(deps, "database", null, async () => {
    const mark = newId();
    await deps.store.writeFact(FACT, mark);
    const read = await deps.store.readFact(FACT);
    return read === mark ? {} : { state: "failed", message: "What was written is not what is read." };
  });

const checkDisk = (deps: CheckDependencies) =>
  timed(deps, "disk", null, async () => {
    const { freeBytes } = await deps.maintenance.sizes();
    const least = deps.settings().media.min_free_mb * MEBIBYTE;
    const state = freeBytes < least ? "failed" : freeBytes < 2 * least ? "warn" : "ok";
    return {
      state,
      figure: freeBytes,
      message: state === "failed" ? "No generation is started: less is free than media.min_free_mb." : null,
    };
  });

const checkMedia = (deps: CheckDependencies) =>
  timed(deps, "media", null, async () => {
    const { id } = await deps.media.storeBytes(PIXEL, { origin: "input", keyId: null, requestId: null });
    try {
      const found = await deps.media.open(id);
      const same = found !== null && Bun.deepEquals(new Uint8Array(await found.blob.arrayBuffer()), new Uint8Array(PIXEL));
      return same ? {} : { state: "failed", message: "What was stored is not what is read." };
    } finally {
      await deps.media.remove(id);
    }
  });

/** Any response will do: what counts is the way there. `offMs`: how far our clock is ahead of theirs, to a second. */
async function reach(deps: CheckDependencies, url: string, outer: AbortSignal): Promise<{ result: CheckResult; offMs: number | null }> {
  let offMs: number | null = null;
  const result = await timed(deps, "upstream", new URL(url).host, async () => {
    await withTimeout(deps.clock, outer, UPSTREAM_LIMIT_MS, async (signal) => {
      const response = await send({ url, proxy: null, signal });
      const date = Date.parse(response.headers.get("date") ?? "");
      if (!Number.isNaN(date)) offMs = deps.clock.now() - date;
      await response.body?.cancel();
    });
    return {};
  });
  return { result, offMs };
}

function clockResult(offMs: number): CheckResult {
  const isOff = Math.abs(offMs) > CLOCK_TOLERANCE_MS;
  return { name: "clock", subject: null, state: isOff ? "warn" : "ok", ms: 0, figure: offMs, message: null };
}

/** Of every provider at least one, spread over the pool; those switched off are left out. */
function sampleOf({ pool }: Pick<CheckDependencies, "pool">): { id: number; label: string }[] {
  const rows = pool.rows().filter(({ enabled }) => enabled);
  const firsts = new Map(rows.map((row) => [row.provider, row]));
  return [...new Set([...firsts.values(), ...rows])].slice(0, SAMPLE);
}

async function checkToken({ refresher, pool }: CheckDependencies, id: number): Promise<Finding> {
  await refresher.checkNow(id);
  const held = pool.cooldownOf(id);
  return held ? { state: "warn", message: `Held back: ${held.reason}.` } : {};
}
