// SQLite store: each method of the contract in one transaction, secrets sealed.

import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import type { Store } from "../store.ts";
import * as audit from "./audit.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { closeDatabase, openDatabase, retryBusy } from "./database.ts";
import * as fileNames from "./file-names.ts";
import * as idempotency from "./idempotency.ts";
import * as jobs from "./jobs.ts";
import * as keys from "./keys.ts";
import * as ledger from "./ledger.ts";
import * as media from "./media.ts";
import { migrate, STORE_MIGRATIONS } from "./migrate.ts";
import * as responses from "./responses.ts";
import { createVault } from "./secrets.ts";
import * as sessions from "./sessions.ts";
import * as settings from "./settings.ts";
import { KEY_CHECK, readKeyCheck, writeKeyCheck } from "./settings.ts";
import * as tokens from "./tokens.ts";
import * as undelivered from "./undelivered.ts";
import * as usage from "./usage.ts";
import type { Vault } from "./vault.ts";
import * as webhooks from "./webhooks.ts";
import { createWriter, type Writer } from "./writer.ts";

export { type Checkpoints, createCheckpoints } from "./checkpoints.ts";
export { openRequestLog } from "./request-log/request-log.ts";

export type StoreOptions = {
  dataDir: string;
  /** 32 bytes, see `loadSecretKey`. */
  secretKey: Uint8Array;
  /** False while another process serves from the folder: a database that needs a migration is refused. Default true. */
  migrate?: boolean;
  /** Absent: the connection makes its own checkpoints. */
  checkpoints?: Checkpoints;
};

/** A commit that waits for the disk: for rows that cannot be restored otherwise. */
const DURABLE = { durable: true };

/**
 * Opens `flow2api.db` in the data folder, creating it or bringing its schema up to date.
 * @throws {AppError} `conflict` when the file is newer than this build, must not be migrated, or was written with another secret key
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const vault = createVault(options.secretKey);
  const db = await openDatabase(join(options.dataDir, "flow2api.db"));
  const writer = createWriter(db, options.checkpoints?.of(db));
  try {
    await migrate(db, STORE_MIGRATIONS, { migrate: options.migrate });
    await checkKey(db, vault, writer);
  } catch (error) {
    closeDatabase(db);
    throw error;
  }
  return createStore({ db, vault, writer });
}

async function checkKey(db: Database, vault: Vault, writer: Writer): Promise<void> {
  if ((await retryBusy(() => readKeyCheck(db))) === null)
    await writer.write(() => {
      // Read again under the lock: another process may have been faster.
      if (readKeyCheck(db) === null) writeKeyCheck(db, vault.seal(KEY_CHECK, KEY_CHECK));
    }, DURABLE);
  const box = (await retryBusy(() => readKeyCheck(db))) ?? new Uint8Array(0);
  try {
    vault.open(KEY_CHECK, box);
  } catch (error) {
    throw new AppError(
      "conflict",
      "The secret key is not the one that this data folder was made with: check FLOW2API_SECRET_KEY or secret.key.",
      { cause: error },
    );
  }
}

type Engine = { db: Database; vault: Vault; writer: Writer };

function createStore(engine: Engine): Store {
  const { db, writer } = engine;
  return {
    ...poolMethods(engine),
    ...mediaMethods(engine),
    ...usageMethods(engine),
    ...jobMethods(engine),
    ...resultMethods(engine),
    ...adminMethods(engine),
    revisions: () => retryBusy(() => settings.readRevisions(db)),
    async close() {
      await writer.drain();
      closeDatabase(db);
    },
  };
}

const poolMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    listTokens: () => retryBusy(() => tokens.listTokens(db, vault)),
    insertToken: (token, now) => write(() => tokens.insertToken(db, vault, token, now), DURABLE),
    insertTokens: (rows, now) => write(() => tokens.insertTokens(db, vault, rows, now), DURABLE),
    hasTokens: (secrets) => retryBusy(() => tokens.hasTokens(db, vault, secrets)),
    updateToken: (id, change) => write(() => tokens.updateToken(db, vault, id, change)),
    deleteToken: (id) => write(() => tokens.deleteToken(db, id)),
    readTokenSecret: (id) => retryBusy(() => tokens.readTokenSecret(db, vault, id)),
    // A rotated session cannot be fetched again.
    writeTokenSecret: (id, change) => write(() => tokens.writeTokenSecret(db, vault, id, change), { durable: change.secret !== undefined }),
    saveHealth: (changes) => write(() => tokens.saveHealth(db, changes)),
    listCooldowns: (subjects, limit) => retryBusy(() => tokens.listCooldowns(db, subjects, limit)),

    listKeys: () => retryBusy(() => keys.listKeys(db)),
    listKeyHashes: () => retryBusy(() => keys.listKeyHashes(db)),
    insertKey: (key, now) => write(() => keys.insertKey(db, key, now), DURABLE),
    updateKey: (id, change) => write(() => keys.updateKey(db, id, change), DURABLE),
  }) satisfies Partial<Store>;

const mediaMethods = ({ db, writer: { write } }: Engine) =>
  ({
    insertMedia: (row, bytes = null) => write(() => media.insertMedia(db, row, bytes)),
    readMediaBytes: (id) => retryBusy(() => media.readMediaBytes(db, id)),
    getMedia: (id) => retryBusy(() => media.getMedia(db, id)),
    listFiles: (filter) => retryBusy(() => media.listFiles(db, filter)),
    listMedia: (filter) => retryBusy(() => media.listMedia(db, filter)),
    listExpiredMedia: (now, limit) => retryBusy(() => media.listExpiredMedia(db, now, limit)),
    listOldestMedia: (filter) => retryBusy(() => media.listOldestMedia(db, filter)),
    deleteMedia: (ids) => write(() => media.deleteMedia(db, ids)),
    listUnknownMedia: (ids) => retryBusy(() => media.listUnknownMedia(db, ids)),
    nameFile: (file, now) => write(() => fileNames.nameFile(db, file, now)),
    fileNamed: (keyId, name) => retryBusy(() => fileNames.fileNamed(db, keyId, name)),
    listFileNames: (ids) => retryBusy(() => fileNames.listFileNames(db, ids)),
    sumMedia: () => retryBusy(() => media.sumMedia(db)),
  }) satisfies Partial<Store>;

const usageMethods = ({ db, writer: { write } }: Engine) =>
  ({
    insertReservations: (rows) => write(() => ledger.insertReservations(db, rows)),
    endReservations: (ends) => write(() => ledger.endReservations(db, ends)),
    readLedger: (periods, since) => retryBusy(() => ledger.readLedger(db, periods, since)),
    addUploads: (rows) => write(() => ledger.addUploads(db, rows)),
    readUploads: (period) => retryBusy(() => ledger.readUploads(db, period)),
    readUsage: (query) => retryBusy(() => usage.readUsage(db, query)),
    deleteUsageBefore: (before, limit) =>
      write(() => ledger.deleteReservationsBefore(db, before.reservations, limit) + usage.deleteHoursBefore(db, before.hours, limit)),
  }) satisfies Partial<Store>;

const jobMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    insertJob: (job) => write(() => jobs.insertJob(db, vault, job), DURABLE),
    updateJob: (id, from, change, { durable = false, delivery } = {}) =>
      write(() => jobs.updateJob(db, vault, { id, from, change, delivery }), { durable }),
    getJob: (id) => retryBusy(() => jobs.getJob(db, vault, id)),
    findJob: (requestId) => retryBusy(() => jobs.findJob(db, vault, requestId)),
    listJobs: (query) => retryBusy(() => jobs.listJobs(db, vault, query)),
    listUnsettledJobs: () => retryBusy(() => jobs.listUnsettledJobs(db, vault)),
    countOpenJobs: () => retryBusy(() => jobs.countOpenJobs(db)),
    deleteJob: (id) => write(() => jobs.deleteJob(db, id)),
    listResults: (requestId) => retryBusy(() => media.listResults(db, requestId)),

    listDueDeliveries: (now, limit, except) => retryBusy(() => webhooks.listDueDeliveries(db, vault, { now, limit, except })),
    nextDeliveryAt: (after) => retryBusy(() => webhooks.nextDeliveryAt(db, after)),
    updateDelivery: (id, change) => write(() => webhooks.updateDelivery(db, id, change)),
    listDeliveries: (query) => retryBusy(() => webhooks.listDeliveries(db, vault, query)),
    readKeyWebhook: (keyId) => retryBusy(() => webhooks.readKeyWebhook(db, vault, keyId)),
    writeKeyWebhook: (keyId, webhook) => write(() => webhooks.writeKeyWebhook(db, vault, keyId, webhook), DURABLE),

    claimIdempotency: (row, since) => write(() => idempotency.claimIdempotency(db, row, since), DURABLE),
    updateIdempotency: (name, change) => write(() => idempotency.updateIdempotency(db, name, change), DURABLE),
    deleteIdempotency: (name, jobId) => write(() => idempotency.deleteIdempotency(db, name, jobId), DURABLE),
    deleteJobsBefore: (before, limit) =>
      write(
        () =>
          jobs.deleteJobsBefore(db, before.jobs, limit) +
          webhooks.deleteDeliveriesBefore(db, before.deliveries, limit) +
          idempotency.deleteIdempotencyBefore(db, before.idempotency, limit),
      ),
  }) satisfies Partial<Store>;

const resultMethods = ({ db, writer: { write } }: Engine) =>
  ({
    insertResponse: (row) => write(() => responses.insertResponse(db, row)),
    getResponse: (id, keyId) => retryBusy(() => responses.getResponse(db, id, keyId)),
    // A deleted response stays deleted after a power failure.
    deleteResponse: (id, keyId) => write(() => responses.deleteResponse(db, id, keyId), DURABLE),
    deleteResponsesBefore: (before, limit) => write(() => responses.deleteResponsesBefore(db, before, limit)),
    sumResponses: (maxBytes) => retryBusy(() => responses.sumResponses(db, maxBytes)),
    deleteOldestResponses: (sum, limit) => write(() => responses.deleteOldestResponses(db, sum, limit)),

    putUndelivered: (row) => write(() => undelivered.putUndelivered(db, row)),
    deleteUndelivered: (id) => write(() => undelivered.deleteUndelivered(db, id)),
    listUndelivered: () => retryBusy(() => undelivered.listUndelivered(db)),
  }) satisfies Partial<Store>;

const adminMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    readSettings: () => retryBusy(() => settings.readSettings(db, vault)),
    writeSettings: (changes) => write(() => settings.writeSettings(db, vault, changes)),

    readFact: (name) => retryBusy(() => settings.readFact(db, name)),
    writeFact: (name, value) => write(() => settings.writeFact(db, name, value), DURABLE),

    insertSession: (session) => write(() => sessions.insertSession(db, session)),
    getSession: (hash) => retryBusy(() => sessions.getSession(db, hash)),
    listSessions: () => retryBusy(() => sessions.listSessions(db)),
    extendSession: (hash, seenAt) => write(() => sessions.extendSession(db, hash, seenAt)),
    // An ended session stays ended after a power failure.
    deleteSession: (hash) => write(() => sessions.deleteSession(db, hash), DURABLE),
    deleteSessions: (except) => write(() => sessions.deleteSessions(db, except), DURABLE),
    deleteSessionsBefore: (before) => write(() => sessions.deleteSessionsBefore(db, before)),

    insertAudit: (row) => write(() => audit.insertAudit(db, row)),
    listAudit: (filter) => retryBusy(() => audit.listAudit(db, filter)),
  }) satisfies Partial<Store>;
