// SQLite store: each method of the contract in one transaction, secrets sealed.

import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import type { UsageQuery } from "../ledger.ts";
import { KEY_CHECK } from "../sealed.ts";
import type { Store } from "../store.ts";
import { createVault, type Vault } from "../vault.ts";
import { accountMethods, type Engine } from "./account-methods.ts";
import { STORE_ACTIONS } from "./actions.ts";
import * as alerts from "./alerts.ts";
import * as audit from "./audit.ts";
import * as cooldowns from "./cooldowns.ts";
import { closeDatabase, openDatabase, retryBusy } from "./database.ts";
import * as deletedTokens from "./deleted-tokens.ts";
import * as fileNames from "./file-names.ts";
import * as jobs from "./jobs.ts";
import * as keys from "./keys.ts";
import * as ledger from "./ledger.ts";
import * as media from "./media.ts";
import { migrate, STORE_MIGRATIONS } from "./migrate.ts";
import * as nodes from "./nodes.ts";
import * as responses from "./responses.ts";
import * as scratch from "./scratch.ts";
import * as sessions from "./sessions.ts";
import * as settings from "./settings.ts";
import type { StoreThread } from "./thread/store-thread.ts";
import { readBeats } from "./token-beats.ts";
import { hasTokenCalls } from "./token-calls.ts";
import * as tokens from "./tokens.ts";
import * as undelivered from "./undelivered.ts";
import * as undo from "./undo.ts";
import * as usage from "./usage.ts";
import * as webhooks from "./webhooks.ts";
import { createWriter } from "./writer.ts";

export { openRequestLog } from "./request-log/request-log.ts";

export type StoreOptions = {
  dataDir: string;
  /** 32 bytes, see `loadSecretKey`. */
  secretKey: Uint8Array;
  /** False while another process serves from the folder: a database that needs a migration is refused. Default true. */
  migrate?: boolean;
  /** Writes in a thread of its own; absent: in this one. */
  thread?: StoreThread;
};

/** A commit that waits for the disk: for rows that cannot be restored otherwise. */
const DURABLE = { durable: true };

/**
 * Opens `flow2api.db` in the data folder, creating it or bringing its schema up to date.
 * @throws {AppError} `conflict` when the file is newer than this build, must not be migrated, or was written with another secret key
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, secretKey, thread } = options;
  const vault = createVault(secretKey);
  const file = join(dataDir, "flow2api.db");
  const db = await openDatabase(file);
  try {
    await migrate(db, STORE_MIGRATIONS, { migrate: options.migrate });
    await checkKey(db, vault);
    if (!thread) return createStore({ db, vault, writer: createWriter({ db, vault }, STORE_ACTIONS) });
    const writer = await thread.open("store", { file, secretKey });
    // This connection only reads from now on.
    db.run("PRAGMA query_only = ON");
    return createStore({ db, vault, writer });
  } catch (error) {
    closeDatabase(db);
    throw error;
  }
}

async function checkKey(db: Database, vault: Vault): Promise<void> {
  if ((await retryBusy(() => settings.readKeyCheck(db))) === null)
    await retryBusy(() => db.transaction(() => writeMissingKeyCheck(db, vault)).immediate());
  const box = (await retryBusy(() => settings.readKeyCheck(db))) ?? new Uint8Array(0);
  try {
    await vault.openLater(KEY_CHECK, box);
  } catch (error) {
    throw new AppError(
      "conflict",
      "The secret key is not the one that this data folder was made with: check FLOW2API_SECRET_KEY or secret.key.",
      { cause: error },
    );
  }
}

/** Read again under the lock: another process may have been faster. */
function writeMissingKeyCheck(db: Database, vault: Vault): void {
  if (settings.readKeyCheck(db) === null) settings.writeKeyCheck(db, vault.seal(KEY_CHECK, KEY_CHECK));
}

function createStore(engine: Engine): Store {
  const { db, writer } = engine;
  return {
    ...poolMethods(engine),
    ...mediaMethods(engine),
    ...usageMethods(engine),
    ...jobMethods(engine),
    ...resultMethods(engine),
    ...adminMethods(engine),
    ...alertMethods(engine),
    ...nodeMethods(engine),
    shared: null,
    ...accountMethods(engine),
    revisions: () => retryBusy(() => settings.readRevisions(db)),
    async close() {
      await writer.close();
      closeDatabase(db);
    },
  };
}

const poolMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    listTokens: () => retryBusy(() => tokens.listTokens(db, vault)),
    listDeletedTokens: (page) => retryBusy(() => tokens.listDeletedTokens(db, vault, page)),
    countDeletedTokens: () => retryBusy(() => deletedTokens.countDeletedTokens(db)),
    eraseTokens: (ids) => write("eraseTokens", [ids]),
    insertToken: (token, now) => write("insertToken", [token, now], DURABLE),
    insertTokens: (rows, now) => write("insertTokens", [rows, now], DURABLE),
    hasTokens: (secrets) => retryBusy(() => tokens.hasTokens(db, vault, secrets)),
    updateToken: (id, change) => write("updateToken", [id, change]),
    setTokensDeleted: (ids, at) => write("setTokensDeleted", [ids, at]),
    deleteToken: (id) => write("deleteToken", [id]),
    deleteTokensBefore: (time, limit) => write("deleteTokensBefore", [time, limit]),
    readTokenSecret: async (id) => tokens.openTokenSecret(vault, await retryBusy(() => tokens.readSealedSecret(db, id))),
    // A rotated session cannot be fetched again.
    writeTokenSecret: (id, change) => write("writeTokenSecret", [id, change], { durable: change.secret !== undefined }),
    saveHealth: (changes) => write("saveHealth", [changes]),
    listHealth: (ids) => retryBusy(() => tokens.listHealth(db, ids)),
    listCooldowns: (subjects, limit) => retryBusy(() => cooldowns.listCooldowns(db, subjects, limit)),

    listKeys: () => retryBusy(() => keys.listKeys(db)),
    listKeyHashes: () => retryBusy(() => keys.listKeyHashes(db)),
    insertKey: (key, now) => write("insertKey", [key, now], DURABLE),
    updateKey: (id, change) => write("updateKey", [id, change], DURABLE),
    rotateKey: (id, secret, until) => write("rotateKey", [id, secret, until], DURABLE),
    listFormerKeys: (id, now) => retryBusy(() => keys.listFormerKeys(db, id, now)),
    endFormerKeys: (id, now) => write("endFormerKeys", [id, now], DURABLE),
  }) satisfies Partial<Store>;

const mediaMethods = ({ db, writer: { write } }: Engine) =>
  ({
    insertMedia: (row, bytes = null, source = null) => write("insertMedia", [row, bytes, source]),
    readMediaSources: (ids) => retryBusy(() => media.readMediaSources(db, ids)),
    readMediaBytes: (id) => retryBusy(() => media.readMediaBytes(db, id)),
    getMedia: (id) => retryBusy(() => media.getMedia(db, id)),
    listFiles: (filter) => retryBusy(() => media.listFiles(db, filter)),
    listMedia: (filter) => retryBusy(() => media.listMedia(db, filter)),
    countMedia: (filter) => retryBusy(() => media.countMedia(db, filter)),
    listExpiredMedia: (now, limit) => retryBusy(() => media.listExpiredMedia(db, now, limit)),
    listOldestMedia: (filter) => retryBusy(() => media.listOldestMedia(db, filter)),
    deleteMedia: (ids) => write("deleteMedia", [ids]),
    listUnknownMedia: (ids) => retryBusy(() => media.listUnknownMedia(db, ids)),
    nameFile: (file, now) => write("nameFile", [file, now]),
    fileNamed: (keyId, name) => retryBusy(() => fileNames.fileNamed(db, keyId, name)),
    listFileNames: (ids) => retryBusy(() => fileNames.listFileNames(db, ids)),
    sumMedia: () => retryBusy(() => media.sumMedia(db)),
  }) satisfies Partial<Store>;

const usageMethods = ({ db, writer: { write } }: Engine) =>
  ({
    begin: (rows) => write("begin", [rows]),
    end: (ends) => write("end", [ends]),
    readLedger: (periods, since) => retryBusy(() => ledger.readLedger(db, periods, since)),
    addUploads: (rows) => write("addUploads", [rows]),
    readUploads: (period) => retryBusy(() => ledger.readUploads(db, period)),
    async readUsage(query) {
      // Calls by token are added up when somebody reads them.
      if (isByToken(query)) await sumTokenCalls(db, write);
      return retryBusy(() => usage.readUsage(db, query));
    },
    async readBeats(ids, since) {
      await sumTokenCalls(db, write);
      return retryBusy(() => readBeats(db, ids, since));
    },
    readKeyDays: (query) => retryBusy(() => usage.readKeyDays(db, query)),
    deleteUsageBefore: (before, limit) => write("deleteUsageBefore", [before, limit]),
  }) satisfies Partial<Store>;

/** In slices, between which others write. */
async function sumTokenCalls(db: Database, write: Engine["writer"]["write"]): Promise<void> {
  if (!(await retryBusy(() => hasTokenCalls(db)))) return;
  for (let more = await write("sumSomeTokenCalls", [true]); more; ) more = await write("sumSomeTokenCalls", [false]);
}

const isByToken = (query: UsageQuery) => query.by === "token" || ("of" in query && query.of !== undefined && "token" in query.of);

const jobMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    insertJob: (job, node = 0) => write("insertJob", [job, node], DURABLE),
    updateJob: (id, from, change, { durable = false, delivery, node } = {}) =>
      write("updateJob", [{ id, from, change, delivery, node }], { durable }),
    getJob: (id) => retryBusy(() => jobs.getJob(db, vault, id)),
    findJob: (requestId) => retryBusy(() => jobs.findJob(db, vault, requestId)),
    promptsOfRequests: (requestIds) => retryBusy(() => jobs.promptsOfRequests(db, requestIds)),
    listJobs: (query) => retryBusy(() => jobs.listJobs(db, vault, query)),
    countOpenJobs: () => retryBusy(() => jobs.countOpenJobs(db)),
    countJobs: (most) => retryBusy(() => jobs.countJobs(db, most)),
    deleteJob: (id) => write("deleteJob", [id]),
    listResults: (requestId) => retryBusy(() => media.listResults(db, requestId)),
    listDueDeliveries: (now, limit, except) => retryBusy(() => webhooks.listDueDeliveries(db, vault, { now, limit, except })),
    claimDeliveries: (listed, until) => write("claimDeliveries", [listed.map(({ id, nextAt }) => ({ id, nextAt })), until]),
    nextDeliveryAt: (after) => retryBusy(() => webhooks.nextDeliveryAt(db, after)),
    updateDelivery: (id, change) => write("updateDelivery", [id, change]),
    listDeliveries: (query) => retryBusy(() => webhooks.listDeliveries(db, vault, query)),
    readKeyWebhook: (keyId) => retryBusy(() => webhooks.readKeyWebhook(db, vault, keyId)),
    writeKeyWebhook: (keyId, webhook) => write("writeKeyWebhook", [keyId, webhook], DURABLE),
    claimIdempotency: (row, since) => write("claimIdempotency", [row, since], DURABLE),
    takeIdempotency: (name, run) => write("takeIdempotency", [name, run], DURABLE),
    attachIdempotency: (name, jobId, run) => write("attachIdempotency", [name, jobId, run], DURABLE),
    deleteIdempotency: (name, held) => write("deleteIdempotency", [name, held], DURABLE),
    deleteJobsBefore: (before, limit) => write("deleteJobsBefore", [before, limit]),
  }) satisfies Partial<Store>;

const resultMethods = ({ db, writer: { write } }: Engine) =>
  ({
    insertResponse: (row) => write("insertResponse", [row]),
    getResponse: (id, keyId) => retryBusy(() => responses.getResponse(db, id, keyId)),
    // A deleted response stays deleted after a power failure.
    deleteResponse: (id, keyId) => write("deleteResponse", [id, keyId], DURABLE),
    deleteResponsesBefore: (before, limit) => write("deleteResponsesBefore", [before, limit]),
    sumResponses: (maxBytes) => retryBusy(() => responses.sumResponses(db, maxBytes)),
    deleteOldestResponses: (sum, limit) => write("deleteOldestResponses", [sum, limit]),

    putUndelivered: (row) => write("putUndelivered", [row]),
    deleteUndelivered: (id) => write("deleteUndelivered", [id]),
    listUndelivered: () => retryBusy(() => undelivered.listUndelivered(db)),
  }) satisfies Partial<Store>;

const nodeMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    joinNode: (node) => write("joinNode", [node]),
    beatNode: (id, gauges) => write("beatNode", [id, gauges]),
    listNodes: () => retryBusy(() => nodes.listNodes(db)),
    drainNode: (id, isDraining) => write("drainNode", [id, isDraining]),
    leaveNode: (id) => write("leaveNode", [id]),
    takeOver: (me, silentMs) => write("takeOver", [me, silentMs]),
    handOver: (me, jobId) => write("handOver", [me, jobId]),
    claimJobs: (me, limit) => write("claimJobs", [me, limit]),

    putScratch: (name, value, expiresAt) => write("putScratch", [{ name, value, expiresAt }]),
    claimScratch: (name, value, { expiresAt, now }) => write("claimScratch", [{ name, value, expiresAt }, now]),
    getScratch: (name, now) => retryBusy(() => scratch.getScratch(db, vault, name, now)),
    takeScratch: (name, now) => write("takeScratch", [name, now]),
    deleteScratch: (name) => write("deleteScratch", [name]),
    deleteScratchBefore: (now) => write("deleteScratchBefore", [now]),
  }) satisfies Partial<Store>;

const adminMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    readSettings: () => retryBusy(() => settings.readSettings(db, vault)),
    writeSettings: (changes) => write("writeSettings", [changes]),

    readFact: (name) => retryBusy(() => settings.readFact(db, name)),
    writeFact: (name, value) => write("writeFact", [name, value], DURABLE),

    insertSession: (session) => write("insertSession", [session]),
    getSession: (hash) => retryBusy(() => sessions.getSession(db, hash)),
    listSessions: (page) => retryBusy(() => sessions.listSessions(db, page)),
    getSessionByPrefix: (prefix) => retryBusy(() => sessions.getSessionByPrefix(db, prefix)),
    countSessions: (accounts, after) => retryBusy(() => sessions.countSessions(db, accounts, after)),
    extendSession: (hash, seenAt) => write("extendSession", [hash, seenAt]),
    // An ended session stays ended after a power failure.
    deleteSession: (hash) => write("deleteSession", [hash], DURABLE),
    deleteSessions: (which) => write("deleteSessions", [which], DURABLE),
    deleteSessionsBefore: (before) => write("deleteSessionsBefore", [before]),

    insertAudit: (row, items = []) => write("insertAudit", [row, items]),
    listAudit: (filter) => retryBusy(() => audit.listAudit(db, filter)),
    listAuditItems: (id, limit) => retryBusy(() => audit.listAuditItems(db, id, limit)),
    insertUndo: (action) => write("insertUndo", [action]),
    listUndo: (since, limit) => retryBusy(() => undo.listUndo(db, vault, since, limit)),
    takeUndo: (id, since) => write("takeUndo", [id, since]),
  }) satisfies Partial<Store>;

const alertMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    listChannels: () => retryBusy(() => alerts.listChannels(db, vault)),
    putChannel: (channel) => write("putChannel", [channel], DURABLE),
    deleteChannel: (id) => write("deleteChannel", [id], DURABLE),
    updateChannelState: (id, state) => write("updateChannelState", [id, state]),
    saveIncidents: (incidents, messages) => write("saveIncidents", [incidents, messages], DURABLE),
    listUnsettledIncidents: () => retryBusy(() => alerts.listUnsettledIncidents(db)),
    listIncidents: (query) => retryBusy(() => alerts.listIncidents(db, query)),
    claimMessages: (claim) => write("claimMessages", [claim]),
    nextMessageAt: (except) => retryBusy(() => alerts.nextMessageAt(db, except)),
    updateMessage: (id, change) => write("updateMessage", [id, change]),
    listMessages: (query) => retryBusy(() => alerts.listMessages(db, query)),
    deleteAlertsBefore: (time, limit) => write("deleteAlertsBefore", [time, limit]),
  }) satisfies Partial<Store>;
