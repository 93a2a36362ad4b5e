// Postgres store: reads from a pool, writes in group commits, secrets sealed.

import type { UsageQuery } from "../ledger.ts";
import type { Store } from "../store.ts";
import { createVault, createVaultOfTwo, type Vault } from "../vault.ts";
import * as accounts from "./accounts.ts";
import { ACTIONS } from "./actions.ts";
import * as alerts from "./alerts.ts";
import * as audit from "./audit.ts";
import { listCooldowns } from "./cooldowns.ts";
import * as deletedTokens from "./deleted-tokens.ts";
import { connect, type Postgres } from "./driver.ts";
import * as fileNames from "./file-names.ts";
import * as jobs from "./jobs.ts";
import * as keys from "./keys.ts";
import * as ledger from "./ledger.ts";
import * as media from "./media.ts";
import { migrate } from "./migrate.ts";
import * as nodes from "./nodes.ts";
import * as responses from "./responses.ts";
import * as scratch from "./scratch.ts";
import { checkServer } from "./server.ts";
import * as sessions from "./sessions.ts";
import * as settings from "./settings.ts";
import { createShared } from "./shared/shared-store.ts";
import { readBeats } from "./token-beats.ts";
import * as tokens from "./tokens.ts";
import * as undelivered from "./undelivered.ts";
import * as undo from "./undo.ts";
import * as usage from "./usage.ts";
import * as webhooks from "./webhooks.ts";
import { createWriter, type Writer } from "./writer.ts";

export type StoreOptions = {
  /** `postgres://…`; through PgBouncer only with `directUrl`. */
  url: string;
  directUrl?: string;
  /** 32 bytes, the same on all nodes. */
  secretKey: Uint8Array;
  /** Opens what another key has sealed, while keys are being changed. */
  secondKey?: Uint8Array | null;
  /** False: a database that needs a migration is refused. Default true. */
  migrate?: boolean;
};

/**
 * Opens the store in a database, creating its tables or bringing them up to date.
 * @throws {AppError} `conflict` when the database is newer than this build, must not be migrated, or was made with another secret key;
 * `unavailable` when it cannot be reached
 */
export async function openStore({ url, directUrl, secretKey, secondKey, ...options }: StoreOptions): Promise<Store> {
  const vault = secondKey ? createVaultOfTwo(secretKey, secondKey) : createVault(secretKey);
  const db = connect({ url, directUrl });
  try {
    await checkServer(db);
    await migrate(db, undefined, options);
    await settings.checkKey(db, vault);
    return createStore(db, vault);
  } catch (error) {
    await db.close();
    throw error;
  }
}

type Engine = { db: Postgres; vault: Vault; write: Writer<typeof ACTIONS>["write"] };

function createStore(db: Postgres, vault: Vault): Store {
  const writer = createWriter(db, (sql) => ({ sql, vault }), ACTIONS);
  const engine: Engine = { db, vault, write: writer.write };
  return {
    ...poolMethods(engine),
    ...mediaMethods(engine),
    ...usageMethods(engine),
    ...jobMethods(engine),
    ...resultMethods(engine),
    ...adminMethods(engine),
    ...alertMethods(engine),
    ...nodeMethods(engine),
    shared: createShared(db, engine.write),
    ...accountMethods(engine),
    revisions: () => settings.readRevisions(db),
    async close() {
      await writer.close();
      await db.close();
    },
  };
}

const poolMethods = ({ db, vault, write }: Engine) =>
  ({
    listTokens: () => tokens.listTokens(db, vault),
    listDeletedTokens: (page) => tokens.listDeletedTokens(db, vault, page),
    countDeletedTokens: () => deletedTokens.countDeletedTokens(db),
    eraseTokens: (ids) => write("eraseTokens", ids),
    insertToken: (token, now) => write("insertToken", token, now),
    insertTokens: (rows, now) => write("insertTokens", rows, now),
    hasTokens: (secrets) => tokens.hasTokens(db, vault, secrets),
    updateToken: (id, change) => write("updateToken", id, change),
    setTokensDeleted: (ids, at) => write("setTokensDeleted", ids, at),
    deleteToken: (id) => write("deleteToken", id),
    deleteTokensBefore: (time, limit) => write("deleteTokensBefore", time, limit),
    readTokenSecret: (id) => tokens.readTokenSecret(db, vault, id),
    writeTokenSecret: (id, change) => write("writeTokenSecret", id, change),
    saveHealth: (changes) => write("saveHealth", changes),
    listHealth: (ids) => tokens.listHealth(db, ids),
    listCooldowns: (subjects, limit) => listCooldowns(db, subjects, limit),

    listKeys: () => keys.listKeys(db),
    listKeyHashes: () => keys.listKeyHashes(db),
    insertKey: (key, now) => write("insertKey", key, now),
    updateKey: (id, change) => write("updateKey", id, change),
    rotateKey: (id, secret, until) => write("rotateKey", id, secret, until),
    listFormerKeys: (id, now) => keys.listFormerKeys(db, id, now),
    endFormerKeys: (id, now) => write("endFormerKeys", id, now),
  }) satisfies Partial<Store>;

const mediaMethods = ({ db, write }: Engine) =>
  ({
    insertMedia: (row, bytes = null, source = null) => write("insertMedia", row, bytes, source),
    readMediaSources: (ids) => media.readMediaSources(db, ids),
    readMediaBytes: (id) => media.readMediaBytes(db, id),
    getMedia: (id) => media.getMedia(db, id),
    listFiles: (filter) => media.listFiles(db, filter),
    listMedia: (filter) => media.listMedia(db, filter),
    countMedia: (filter) => media.countMedia(db, filter),
    listExpiredMedia: (now, limit) => media.listExpiredMedia(db, now, limit),
    listOldestMedia: (filter) => media.listOldestMedia(db, filter),
    deleteMedia: (ids) => write("deleteMedia", ids),
    listUnknownMedia: (ids) => media.listUnknownMedia(db, ids),
    nameFile: (file, now) => write("nameFile", file, now),
    fileNamed: (keyId, name) => fileNames.fileNamed(db, keyId, name),
    listFileNames: (ids) => fileNames.listFileNames(db, ids),
    sumMedia: () => media.sumMedia(db),
  }) satisfies Partial<Store>;

/** Calls by token from which on they are added up. */
const MANY_CALLS = 5000;

const usageMethods = ({ db, write }: Engine) => {
  let calls = 0;
  return {
    begin: (rows) => write("begin", rows),
    async end(ends) {
      const closed = await write("end", ends);
      for (const end of ends) calls += end.calls.length;
      if (calls >= MANY_CALLS) {
        calls = 0;
        // One that fails is made up for by the next, or by who reads.
        void write("sumTokenCalls").catch(() => {});
      }
      return closed;
    },
    readLedger: (periods, since) => ledger.readLedger(db, periods, since),
    addUploads: (rows) => write("addUploads", rows),
    readUploads: (period) => ledger.readUploads(db, period),
    async readUsage(query) {
      // Calls by token are added up when somebody reads them.
      if (isByToken(query) && (await usage.hasTokenCalls(db))) await write("sumTokenCalls");
      return usage.readUsage(db, query);
    },
    async readBeats(ids, since) {
      if (await usage.hasTokenCalls(db)) await write("sumTokenCalls");
      return readBeats(db, ids, since);
    },
    readKeyDays: (query) => usage.readKeyDays(db, query),
    deleteUsageBefore: (before, limit) => write("deleteUsageBefore", before, limit),
  } satisfies Partial<Store>;
};

const isByToken = (query: UsageQuery) => query.by === "token" || ("of" in query && query.of !== undefined && "token" in query.of);

const jobMethods = ({ db, vault, write }: Engine) =>
  ({
    insertJob: (job, node = 0) => write("insertJob", job, node),
    updateJob: (id, from, change, { delivery, node } = {}) => write("updateJob", { id, from, change, delivery, node }),
    getJob: (id) => jobs.getJob(db, vault, id),
    findJob: (requestId) => jobs.findJob(db, vault, requestId),
    promptsOfRequests: (requestIds) => jobs.promptsOfRequests(db, requestIds),
    listJobs: (query) => jobs.listJobs(db, vault, query),
    countOpenJobs: () => jobs.countOpenJobs(db),
    countJobs: (most) => jobs.countJobs(db, most),
    deleteJob: (id) => write("deleteJob", id),
    listResults: (requestId) => media.listResults(db, requestId),

    listDueDeliveries: (now, limit, except) => webhooks.listDueDeliveries(db, vault, { now, limit, except }),
    claimDeliveries: (listed, until) => write("claimDeliveries", listed, until),
    nextDeliveryAt: (after) => webhooks.nextDeliveryAt(db, after),
    updateDelivery: (id, change) => write("updateDelivery", id, change),
    listDeliveries: (query) => webhooks.listDeliveries(db, vault, query),
    readKeyWebhook: (keyId) => webhooks.readKeyWebhook(db, vault, keyId),
    writeKeyWebhook: (keyId, webhook) => write("writeKeyWebhook", keyId, webhook),

    claimIdempotency: (row, since) => write("claimIdempotency", row, since),
    takeIdempotency: (name, run) => write("takeIdempotency", name, run),
    attachIdempotency: (name, jobId, run) => write("attachIdempotency", name, jobId, run),
    deleteIdempotency: (name, held) => write("deleteIdempotency", name, held),
    deleteJobsBefore: (before, limit) => write("deleteJobsBefore", before, limit),
  }) satisfies Partial<Store>;

const resultMethods = ({ db, write }: Engine) =>
  ({
    insertResponse: (row) => write("insertResponse", row),
    getResponse: (id, keyId) => responses.getResponse(db, id, keyId),
    deleteResponse: (id, keyId) => write("deleteResponse", id, keyId),
    deleteResponsesBefore: (before, limit) => write("deleteResponsesBefore", before, limit),
    sumResponses: (maxBytes) => responses.sumResponses(db, maxBytes),
    deleteOldestResponses: (sum, limit) => write("deleteOldestResponses", sum, limit),

    putUndelivered: (row) => write("putUndelivered", row),
    deleteUndelivered: (id) => write("deleteUndelivered", id),
    listUndelivered: () => undelivered.listUndelivered(db),
  }) satisfies Partial<Store>;

const adminMethods = ({ db, vault, write }: Engine) =>
  ({
    readSettings: () => settings.readSettings(db, vault),
    writeSettings: (changes) => write("writeSettings", changes),

    readFact: (name) => settings.readFact(db, name),
    writeFact: (name, value) => write("writeFact", name, value),

    insertSession: (session) => write("insertSession", session),
    getSession: (hash) => sessions.getSession(db, hash),
    listSessions: (page) => sessions.listSessions(db, page),
    getSessionByPrefix: (prefix) => sessions.getSessionByPrefix(db, prefix),
    countSessions: (accounts, after) => sessions.countSessions(db, accounts, after),
    extendSession: (hash, seenAt) => write("extendSession", hash, seenAt),
    deleteSession: (hash) => write("deleteSession", hash),
    deleteSessions: (which) => write("deleteSessions", which),
    deleteSessionsBefore: (before) => write("deleteSessionsBefore", before),

    insertAudit: (row, items = []) => write("insertAudit", row, items),
    listAudit: (filter) => audit.listAudit(db, filter),
    listAuditItems: (id, limit) => audit.listAuditItems(db, id, limit),

    insertUndo: (action) => write("insertUndo", action),
    listUndo: (since, limit) => undo.listUndo(db, vault, since, limit),
    takeUndo: (id, since) => write("takeUndo", id, since),
  }) satisfies Partial<Store>;

const nodeMethods = ({ db, vault, write }: Engine) =>
  ({
    joinNode: (node) => write("joinNode", node),
    beatNode: (id, gauges) => write("beatNode", id, gauges),
    listNodes: () => nodes.listNodes(db),
    drainNode: (id, isDraining) => write("drainNode", id, isDraining),
    leaveNode: (id) => write("leaveNode", id),
    takeOver: (me, silentMs) => write("takeOver", me, silentMs),
    handOver: (me, jobId) => write("handOver", me, jobId),
    claimJobs: (me, limit) => write("claimJobs", me, limit),

    putScratch: (name, value, expiresAt) => write("putScratch", { name, value, expiresAt }),
    claimScratch: (name, value, { expiresAt, now }) => write("claimScratch", { name, value, expiresAt }, now),
    getScratch: (name, now) => scratch.getScratch(db, vault, name, now),
    takeScratch: (name, now) => write("takeScratch", name, now),
    deleteScratch: (name) => write("deleteScratch", name),
    deleteScratchBefore: (now) => write("deleteScratchBefore", now),
  }) satisfies Partial<Store>;

const alertMethods = ({ db, vault, write }: Engine) =>
  ({
    listChannels: () => alerts.listChannels(db, vault),
    putChannel: (channel) => write("putChannel", channel),
    deleteChannel: (id) => write("deleteChannel", id),
    updateChannelState: (id, state) => write("updateChannelState", id, state),
    saveIncidents: (incidents, messages) => write("saveIncidents", incidents, messages),
    listUnsettledIncidents: () => alerts.listUnsettledIncidents(db),
    listIncidents: (query) => alerts.listIncidents(db, query),
    claimMessages: (claim) => write("claimMessages", claim),
    nextMessageAt: (except) => alerts.nextMessageAt(db, except),
    updateMessage: (id, change) => write("updateMessage", id, change),
    listMessages: (query) => alerts.listMessages(db, query),
    deleteAlertsBefore: (time, limit) => write("deleteAlertsBefore", time, limit),
  }) satisfies Partial<Store>;

const accountMethods = ({ db, vault, write }: Engine) =>
  ({
    listAccounts: (page) => accounts.listAccounts(db, vault, page),
    getAccount: (id) => accounts.getAccount(db, vault, id),
    findAccount: (source, subject) => accounts.findAccount(db, vault, source, subject),
    async insertAccount(account, now) {
      return (await accounts.getAccount(db, vault, await write("insertAccount", account, now)))!;
    },
    updateAccount: (id, change) => write("updateAccount", id, change),
    deleteAccount: (id) => write("deleteAccount", id),
    takeTotpStep: (id, step) => write("takeTotpStep", id, step),
    takeRecoveryCode: (id, hash) => write("takeRecoveryCode", id, hash),
    noteSignIn: (id, network, now) => write("noteSignIn", id, network, now),
    insertAdminToken: (token, now) => write("insertAdminToken", token, now),
    listAdminTokens: () => accounts.listAdminTokens(db),
    findAdminToken: (hash) => accounts.findAdminToken(db, hash),
    noteAdminTokenUse: (id, now) => write("noteAdminTokenUse", id, now),
    deleteAdminToken: (id) => write("deleteAdminToken", id),
    deleteAdminTokensOf: (account) => write("deleteAdminTokensOf", account),
  }) satisfies Partial<Store>;
