// Test helpers of limits: keys, requests, and limits on a store of their own that can be cut off as by a crash.

import type { LedgerStore } from "../../db/ledger.ts";
import { openStore } from "../../db/sqlite/store.ts";
import type { Store } from "../../db/store.ts";
import { type KeyRow, NO_LIMITS } from "../../domain/key.ts";
import { createLog } from "../../log.ts";
import { temporaryFolder, type VirtualClock, virtualClock } from "../../testing.ts";
import { CATALOGUE } from "../models/testing.ts";
import type { AdmissionRequest } from "./contract.ts";
import { Limits } from "./limits.ts";

export const SECRET_KEY = new Uint8Array(32).fill(7);
export const FAMILY = "gemini-3-pro-image";

/** A key that may do everything that `change` does not forbid. */
export const keyRow = (change: Partial<KeyRow> = {}): KeyRow => ({
  id: 1,
  name: "client",
  prefix: "sk-f2a-ab",
  enabled: true,
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  models: [],
  kinds: [],
  addresses: [],
  limits: NO_LIMITS,
  imageForm: null,
  videoForm: null,
  sideCalls: null,
  imagesRoutesOnly: false,
  ...change,
});

/** One image at four cents. */
export const request = (change: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  requestId: "req_1",
  kind: "image",
  model: FAMILY,
  family: FAMILY,
  estimate: { images: 1, videoSeconds: 0, usd: 0.04 },
  ...change,
});

/** A ledger's store that can be cut off, as by `kill -9`: from then on no call reaches it and none resolves. */
export function cuttable(store: LedgerStore): LedgerStore & { cut(): void } {
  let isCut = false;
  const never = new Promise<never>(() => {});
  const guarded = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (isCut) return never;
      const result = await act(...args);
      return isCut ? never : result;
    };
  };
  return {
    begin: guarded(store.begin),
    end: guarded(store.end),
    readLedger: guarded(store.readLedger),
    readUsage: guarded(store.readUsage),
    readBeats: guarded(store.readBeats),
    readKeyDays: guarded(store.readKeyDays),
    addUploads: guarded(store.addUploads),
    readUploads: guarded(store.readUploads),
    deleteUsageBefore: guarded(store.deleteUsageBefore),
    cut: () => {
      isCut = true;
    },
  };
}

export type Bench = AsyncDisposable & {
  clock: VirtualClock;
  store: Store;
  keys: Map<number, KeyRow>;
  limits: Limits;
  logged: string[];
  /** Kills the limits as they are and starts again on the same store. */
  crash(): Promise<void>;
};

/** Real limits on a real store, on a virtual clock. */
export async function startBench(keys: KeyRow[], clock = virtualClock()): Promise<Bench> {
  const folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
  const rows = new Map(keys.map((key) => [key.id, key]));
  const logged: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => logged.push(line) });
  const start = async () => {
    const ledger = cuttable(store);
    const get = (id: number) => rows.get(id) ?? null;
    const limits = new Limits({ catalogue: () => CATALOGUE, keys: { get }, store: ledger, clock, log, retentionDays: () => 30 });
    await limits.load();
    return { limits, cut: ledger.cut };
  };
  let current = await start();
  return {
    clock,
    store,
    keys: rows,
    logged,
    get limits() {
      return current.limits;
    },
    async crash() {
      current.cut();
      // What had reached the store by then is on record before the next life reads it.
      await store.writeFact("crash", null);
      current = await start();
    },
    async [Symbol.asyncDispose]() {
      await current.limits.close();
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

/** `ok`, or the refusal's reason or kind. */
export async function verdict(admitting: Promise<unknown>): Promise<string> {
  return admitting.then(
    () => "ok",
    (error) => error.reason ?? error.kind,
  );
}
