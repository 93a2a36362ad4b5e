// Write actions by name: the lane that each takes its turn in, and how durable it is.
import type { Vault } from "../vault.ts";
import * as accounts from "./accounts.ts";
import * as alerts from "./alerts.ts";
import * as audit from "./audit.ts";
import * as deletedTokens from "./deleted-tokens.ts";
import type { Sql } from "./driver.ts";
import * as fileNames from "./file-names.ts";
import * as idempotency from "./idempotency.ts";
import * as jobs from "./jobs.ts";
import * as keys from "./keys.ts";
import * as ledger from "./ledger.ts";
import * as media from "./media.ts";
import * as nodes from "./nodes.ts";
import * as responses from "./responses.ts";
import { type ArgumentsOf, type Call, type CallName, type ResultOf, runRound } from "./round.ts";
import * as scratch from "./scratch.ts";
import * as sessions from "./sessions.ts";
import * as settings from "./settings.ts";
import { releaseConcurrency } from "./shared/key-states.ts";
import * as loginFailures from "./shared/login-failures.ts";
import * as shared from "./shared/shared.ts";
import * as tokens from "./tokens.ts";
import * as undelivered from "./undelivered.ts";
import * as undo from "./undo.ts";
import * as usage from "./usage.ts";
import * as webhooks from "./webhooks.ts";

/** What actions run on. */
export type Tables = { sql: Sql; vault: Vault };

type Lane = "generations" | "ledger" | "jobs" | "media" | "admin" | "nodes";
type Options = { relaxed?: boolean };

const plain =
  (lane: Lane) =>
  <A extends unknown[], R>(run: (sql: Sql, ...args: A) => Promise<R>, options: Options = {}) => ({
    ...{ lane, ...options },
    run: ({ sql }: Tables, ...args: A): Promise<R> => run(sql, ...args),
  });

const sealed =
  (lane: Lane) =>
  <A extends unknown[], R>(run: (sql: Sql, vault: Vault, ...args: A) => Promise<R>, options: Options = {}) => ({
    ...{ lane, ...options },
    run: ({ sql, vault }: Tables, ...args: A): Promise<R> => run(sql, vault, ...args),
  });

const runTogether = ({ sql }: Tables, calls: readonly Call[], isCautious: boolean) => runRound(sql, calls, isCautious);

/** Of the lane of generations: those that follow each other make up one round. */
const gathered = <N extends CallName>(name: N, options: Options = {}) => ({
  ...{ lane: "generations", ...options },
  run: async ({ sql }: Tables, ...args: [...ArgumentsOf<N>]): Promise<ResultOf<N>> =>
    (await runRound(sql, [{ name, args } as unknown as Call], true))[0] as ResultOf<N>,
  together: runTogether,
  byIndex: true,
});

type Limits<T extends string> = Record<T, number>;

/** Can be made again, or is no loss: housekeeping, what is measured anew, what lives for minutes. */
const RELAXED = { relaxed: true };

const ofLedger = plain("ledger");
const ofJobs = plain("jobs");
const ofMedia = plain("media");
const ofAdmin = plain("admin");
const ofNodes = plain("nodes");
const ofGenerations = plain("generations");

export const ACTIONS = {
  begin: gathered("begin"),
  end: gathered("end"),
  addUploads: ofLedger(ledger.addUploads, RELAXED),
  sumTokenCalls: ofLedger(usage.sumTokenCalls),
  deleteUsageBefore: ofLedger(
    async (sql, before: Limits<"reservations" | "hours">, limit: number) =>
      (await ledger.deleteReservationsBefore(sql, before.reservations, limit)) + (await usage.deleteHoursBefore(sql, before.hours, limit)),
    RELAXED,
  ),

  insertToken: sealed("admin")(tokens.insertToken),
  insertTokens: sealed("admin")(tokens.insertTokens),
  updateToken: sealed("admin")(tokens.updateToken),
  setTokensDeleted: ofAdmin(deletedTokens.setTokensDeleted),
  deleteToken: ofAdmin(tokens.deleteToken),
  eraseTokens: ofAdmin(deletedTokens.eraseTokens),
  deleteTokensBefore: ofAdmin(deletedTokens.deleteTokensBefore, RELAXED),
  writeTokenSecret: sealed("admin")(tokens.writeTokenSecret),
  saveHealth: ofAdmin(tokens.saveHealth, RELAXED),

  insertKey: ofAdmin(keys.insertKey),
  updateKey: ofAdmin(keys.updateKey),
  rotateKey: ofAdmin(keys.rotateKey),
  endFormerKeys: ofAdmin(keys.endFormerKeys),

  insertMedia: gathered("insertMedia"),
  deleteMedia: ofMedia(media.deleteMedia, RELAXED),
  nameFile: ofMedia(fileNames.nameFile),

  insertJob: sealed("jobs")(jobs.insertJob),
  updateJob: sealed("jobs")(jobs.updateJob),
  deleteJob: ofJobs(jobs.deleteJob),
  updateDelivery: ofJobs(webhooks.updateDelivery),
  writeKeyWebhook: sealed("jobs")(webhooks.writeKeyWebhook),
  claimDeliveries: ofJobs(webhooks.claimDeliveries),
  claimIdempotency: ofJobs(idempotency.claimIdempotency),
  takeIdempotency: ofJobs(idempotency.takeIdempotency),
  attachIdempotency: ofJobs(idempotency.attachIdempotency),
  deleteIdempotency: ofJobs(idempotency.deleteIdempotency),
  deleteJobsBefore: ofJobs(
    async (sql, before: Limits<"jobs" | "deliveries" | "idempotency">, limit: number) =>
      (await jobs.deleteJobsBefore(sql, before.jobs, limit)) +
      (await webhooks.deleteDeliveriesBefore(sql, before.deliveries, limit)) +
      (await idempotency.deleteIdempotencyBefore(sql, before.idempotency, limit)),
    RELAXED,
  ),

  insertResponse: ofMedia(responses.insertResponse),
  deleteResponse: ofMedia(responses.deleteResponse),
  deleteResponsesBefore: ofMedia(responses.deleteResponsesBefore, RELAXED),
  deleteOldestResponses: ofMedia(responses.deleteOldestResponses, RELAXED),
  putUndelivered: ofMedia(undelivered.putUndelivered, RELAXED),
  deleteUndelivered: ofMedia(undelivered.deleteUndelivered, RELAXED),

  takeSlots: gathered("takeSlots", RELAXED),
  giveSlots: gathered("giveSlots", RELAXED),
  // After all that was asked for before it.
  correctSlots: ofGenerations(shared.correctSlots, RELAXED),
  releaseConcurrency: ofLedger(releaseConcurrency, RELAXED),
  tryLock: ofNodes(shared.tryLock),
  unlock: ofNodes(shared.unlock, RELAXED),
  countLoginTry: ofAdmin(loginFailures.countLoginTry, RELAXED),
  endLoginFailures: ofAdmin(loginFailures.endLoginFailures, RELAXED),
  deleteLoginFailuresBefore: ofAdmin(loginFailures.deleteLoginFailuresBefore, RELAXED),

  joinNode: ofNodes(nodes.joinNode),
  beatNode: ofNodes(nodes.beatNode, RELAXED),
  drainNode: ofNodes(nodes.drainNode),
  leaveNode: ofNodes(nodes.leaveNode),
  takeOver: sealed("nodes")(nodes.takeOver),
  handOver: ofNodes(nodes.handOver),
  claimJobs: sealed("nodes")(nodes.claimJobs),
  putScratch: sealed("admin")(scratch.putScratch),
  claimScratch: sealed("admin")(scratch.claimScratch),
  takeScratch: sealed("admin")(scratch.takeScratch),
  deleteScratch: ofAdmin(scratch.deleteScratch),
  deleteScratchBefore: ofAdmin(scratch.deleteScratchBefore, RELAXED),

  writeSettings: sealed("admin")(settings.writeSettings),
  writeFact: ofAdmin(settings.writeFact),

  insertAccount: ofAdmin(accounts.insertAccount),
  updateAccount: sealed("admin")(accounts.updateAccount),
  deleteAccount: ofAdmin(accounts.deleteAccount),
  takeTotpStep: ofAdmin(accounts.takeTotpStep),
  takeRecoveryCode: ofAdmin(accounts.takeRecoveryCode),
  noteSignIn: ofAdmin(accounts.noteSignIn),
  insertAdminToken: ofAdmin(accounts.insertAdminToken),
  noteAdminTokenUse: ofAdmin(accounts.noteAdminTokenUse, RELAXED),
  deleteAdminToken: ofAdmin(accounts.deleteAdminToken),
  deleteAdminTokensOf: ofAdmin(accounts.deleteAdminTokensOf),

  insertSession: ofAdmin(sessions.insertSession),
  extendSession: ofAdmin(sessions.extendSession, RELAXED),
  deleteSession: ofAdmin(sessions.deleteSession),
  deleteSessions: ofAdmin(sessions.deleteSessions),
  deleteSessionsBefore: ofAdmin(sessions.deleteSessionsBefore, RELAXED),
  insertAudit: ofAdmin(audit.insertAudit),
  insertUndo: sealed("admin")(undo.insertUndo),
  takeUndo: sealed("admin")(undo.takeUndo),

  putChannel: sealed("admin")(alerts.putChannel),
  deleteChannel: ofAdmin(alerts.deleteChannel),
  updateChannelState: ofAdmin(alerts.updateChannelState, RELAXED),
  saveIncidents: ofAdmin(alerts.saveIncidents),
  claimMessages: ofAdmin(alerts.claimMessages),
  updateMessage: ofAdmin(alerts.updateMessage),
  deleteAlertsBefore: ofAdmin(alerts.deleteAlertsBefore, RELAXED),
};
