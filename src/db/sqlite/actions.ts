// Write actions on flow2api.db by name, so that the thread that writes can be asked for them.
import type { Database } from "bun:sqlite";
import type { Vault } from "../vault.ts";
import * as accounts from "./accounts.ts";
import * as alerts from "./alerts.ts";
import * as audit from "./audit.ts";
import * as deletedTokens from "./deleted-tokens.ts";
import * as fileNames from "./file-names.ts";
import * as idempotency from "./idempotency.ts";
import * as jobs from "./jobs.ts";
import * as keys from "./keys.ts";
import * as ledger from "./ledger.ts";
import * as media from "./media.ts";
import * as nodes from "./nodes.ts";
import * as responses from "./responses.ts";
import * as scratch from "./scratch.ts";
import * as sessions from "./sessions.ts";
import * as settings from "./settings.ts";
import { sumSomeTokenCalls } from "./token-calls.ts";
import * as tokens from "./tokens.ts";
import * as undelivered from "./undelivered.ts";
import * as undo from "./undo.ts";
import * as usage from "./usage.ts";
import * as webhooks from "./webhooks.ts";

/** What actions run on. */
export type Tables = { db: Database; vault: Vault };

const plain =
  <A extends unknown[], R>(run: (db: Database, ...args: A) => R) =>
  ({ db }: Tables, ...args: A): R =>
    run(db, ...args);

const sealed =
  <A extends unknown[], R>(run: (db: Database, vault: Vault, ...args: A) => R) =>
  ({ db, vault }: Tables, ...args: A): R =>
    run(db, vault, ...args);

type Limits<T extends string> = Record<T, number>;

export const STORE_ACTIONS = {
  begin: plain(ledger.begin),
  end: plain(ledger.end),
  addUploads: plain(ledger.addUploads),
  sumSomeTokenCalls: plain(sumSomeTokenCalls),
  deleteUsageBefore: ({ db }: Tables, before: Limits<"reservations" | "hours">, limit: number) =>
    ledger.deleteReservationsBefore(db, before.reservations, limit) + usage.deleteHoursBefore(db, before.hours, limit),

  insertToken: sealed(tokens.insertToken),
  insertTokens: sealed(tokens.insertTokens),
  updateToken: sealed(tokens.updateToken),
  setTokensDeleted: plain(deletedTokens.setTokensDeleted),
  deleteToken: plain(tokens.deleteToken),
  eraseTokens: plain(deletedTokens.eraseTokens),
  deleteTokensBefore: plain(deletedTokens.deleteTokensBefore),
  writeTokenSecret: sealed(tokens.writeTokenSecret),
  saveHealth: plain(tokens.saveHealth),

  insertKey: plain(keys.insertKey),
  updateKey: plain(keys.updateKey),
  rotateKey: plain(keys.rotateKey),
  endFormerKeys: plain(keys.endFormerKeys),

  insertMedia: plain(media.insertMedia),
  deleteMedia: plain(media.deleteMedia),
  nameFile: plain(fileNames.nameFile),

  insertJob: sealed(jobs.insertJob),
  updateJob: sealed(jobs.updateJob),
  deleteJob: plain(jobs.deleteJob),
  claimDeliveries: plain(webhooks.claimDeliveries),
  updateDelivery: plain(webhooks.updateDelivery),
  writeKeyWebhook: sealed(webhooks.writeKeyWebhook),
  claimIdempotency: plain(idempotency.claimIdempotency),
  takeIdempotency: plain(idempotency.takeIdempotency),
  attachIdempotency: plain(idempotency.attachIdempotency),
  deleteIdempotency: plain(idempotency.deleteIdempotency),
  deleteJobsBefore: ({ db }: Tables, before: Limits<"jobs" | "deliveries" | "idempotency">, limit: number) =>
    jobs.deleteJobsBefore(db, before.jobs, limit) +
    webhooks.deleteDeliveriesBefore(db, before.deliveries, limit) +
    idempotency.deleteIdempotencyBefore(db, before.idempotency, limit),

  insertResponse: plain(responses.insertResponse),
  deleteResponse: plain(responses.deleteResponse),
  deleteResponsesBefore: plain(responses.deleteResponsesBefore),
  deleteOldestResponses: plain(responses.deleteOldestResponses),
  putUndelivered: plain(undelivered.putUndelivered),
  deleteUndelivered: plain(undelivered.deleteUndelivered),

  joinNode: plain(nodes.joinNode),
  beatNode: plain(nodes.beatNode),
  drainNode: plain(nodes.drainNode),
  leaveNode: plain(nodes.leaveNode),
  takeOver: sealed(nodes.takeOver),
  handOver: sealed(nodes.handOver),
  claimJobs: sealed(nodes.claimJobs),

  putScratch: sealed(scratch.putScratch),
  claimScratch: sealed(scratch.claimScratch),
  takeScratch: sealed(scratch.takeScratch),
  deleteScratch: plain(scratch.deleteScratch),
  deleteScratchBefore: plain(scratch.deleteScratchBefore),

  writeSettings: sealed(settings.writeSettings),
  writeFact: plain(settings.writeFact),

  insertAccount: sealed(accounts.insertAccount),
  updateAccount: sealed(accounts.updateAccount),
  deleteAccount: plain(accounts.deleteAccount),
  takeTotpStep: plain(accounts.takeTotpStep),
  takeRecoveryCode: plain(accounts.takeRecoveryCode),
  noteSignIn: plain(accounts.noteSignIn),
  insertAdminToken: plain(accounts.insertAdminToken),
  noteAdminTokenUse: plain(accounts.noteAdminTokenUse),
  deleteAdminToken: plain(accounts.deleteAdminToken),
  deleteAdminTokensOf: plain(accounts.deleteAdminTokensOf),

  insertSession: plain(sessions.insertSession),
  extendSession: plain(sessions.extendSession),
  deleteSession: plain(sessions.deleteSession),
  deleteSessions: plain(sessions.deleteSessions),
  deleteSessionsBefore: plain(sessions.deleteSessionsBefore),
  insertAudit: plain(audit.insertAudit),

  putChannel: sealed(alerts.putChannel),
  deleteChannel: plain(alerts.deleteChannel),
  updateChannelState: plain(alerts.updateChannelState),
  saveIncidents: plain(alerts.saveIncidents),
  claimMessages: plain(alerts.claimMessages),
  updateMessage: plain(alerts.updateMessage),
  deleteAlertsBefore: plain(alerts.deleteAlertsBefore),
  insertUndo: sealed(undo.insertUndo),
  takeUndo: sealed(undo.takeUndo),
};
