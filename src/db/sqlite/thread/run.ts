// The thread that writes: each batch of actions is one transaction; checkpoints between them.
import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { createVault } from "../../vault.ts";
import { STORE_ACTIONS } from "../actions.ts";
import { closeDatabase, isBusy, openDatabase, retryBusy } from "../database.ts";
import { REQUEST_ACTIONS } from "../request-log/request-actions.ts";
import { type Act, type ActionTable, commitGroup, type Outcome } from "../writer.ts";
import { type FileName, type FromThread, type Packed, packOutcomes, sendError, type ToThread, unpackActions } from "./messages.ts";

type Tables = { db: Database };
type OpenFile = { tables: Tables; actions: ActionTable<never>; commits: number };

declare const self: { onmessage: (event: MessageEvent<ToThread>) => void; postMessage(message: FromThread): void };

/** Commits between two checks of the log. */
const LOOK_EVERY = 64;
/** Bytes of the log from which on a checkpoint is worth it: a few ms of this thread. */
const WORTH_BYTES = 2 * 1024 * 1024;
/** WAL pages (64 MiB) at which a commit makes a checkpoint that waits for nothing else, so that the WAL restarts. */
const LATEST_PAGES = 16_384;

/** Without a batch for this long, ms, memory that only batches need is given back. */
const REST_MS = 1_000;

/** Answers messages until the thread is terminated. What is thrown outside an action ends the thread, and with it the server. */
export function runStoreThread(): void {
  const files = new Map<FileName, OpenFile>();
  let batches = 0;
  let isRestPlanned = false;

  /** Page caches and garbage of a load that is over; nobody waits for this thread then. */
  function planRest(): void {
    if (isRestPlanned) return;
    isRestPlanned = true;
    const seen = batches;
    setTimeout(() => {
      isRestPlanned = false;
      if (batches !== seen) return planRest();
      for (const { tables } of files.values()) tables.db.run("PRAGMA shrink_memory");
      Bun.gc(true);
    }, REST_MS);
  }

  async function open({ open: name, file, secretKey }: Extract<ToThread, { open: FileName }>): Promise<void> {
    const db = await openDatabase(file);
    db.run(`PRAGMA wal_autocheckpoint = ${LATEST_PAGES}`);
    const opened = secretKey
      ? { tables: { db, vault: createVault(secretKey) }, actions: STORE_ACTIONS as ActionTable<never> }
      : { tables: { db }, actions: REQUEST_ACTIONS as ActionTable<never> };
    files.set(name, { ...opened, commits: 0 });
  }

  function close(name: FileName): void {
    const file = files.get(name);
    files.delete(name);
    if (file) closeDatabase(file.tables.db);
  }

  async function perform(batch: Packed): Promise<void> {
    // As `compileFromNow` of the server does for its own thread.
    if (batches === 0) Bun.unsafe.setJITPolicy(1);
    const { name, actions } = unpackActions(batch);
    const file = files.get(name)!;
    const { tables, actions: table } = file;
    const acts = actions.map(({ action, args, durable }) => ({
      durable,
      run: () => table[action]!(tables as never, ...(args as never[])),
    }));
    self.postMessage(packOutcomes(name, actions, await commit(tables.db, acts)));
    file.commits += 1;
    if (file.commits % LOOK_EVERY === 0) checkpoint(tables.db);
    batches += 1;
    planRest();
  }

  self.onmessage = ({ data }) => {
    if (typeof data === "string" || "text" in data) void perform(data);
    else if ("open" in data)
      void answer(
        (error) => ({ opened: data.open, error }),
        () => open(data),
      );
    else
      void answer(
        (error) => ({ closed: data.close, error }),
        () => close(data.close),
      );
  };
}

async function answer(reply: (error?: ReturnType<typeof sendError>) => FromThread, act: () => void | Promise<void>): Promise<void> {
  try {
    await act();
    self.postMessage(reply());
  } catch (error) {
    self.postMessage(reply(sendError(error)));
  }
}

/** Never throws; a lock of another process is waited for. */
async function commit(db: Database, acts: readonly Act[]): Promise<readonly Outcome[]> {
  try {
    return commitGroup(db, acts);
  } catch (error) {
    return isBusy(error) ? retryBusy(() => commitGroup(db, acts)).catch((late) => failed(acts, late)) : failed(acts, error);
  }
}

const failed = (acts: readonly Act[], error: unknown): Outcome[] => acts.map(() => ({ error }));

/** Writes a grown log back to its database, as far as readers let it. */
function checkpoint(db: Database): void {
  const log = statSync(`${db.filename}-wal`, { throwIfNoEntry: false });
  if (log && log.size >= WORTH_BYTES) db.run("PRAGMA wal_checkpoint(PASSIVE)");
}
