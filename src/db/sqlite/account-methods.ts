// Methods of the SQLite store for accounts and admin tokens.
import type { Store } from "../store.ts";
import * as accounts from "./accounts.ts";
import type { STORE_ACTIONS, Tables } from "./actions.ts";
import { retryBusy } from "./database.ts";
import type { Writer } from "./writer.ts";

/** What the store's methods work with. */
export type Engine = Tables & { writer: Writer<typeof STORE_ACTIONS> };

/** A commit that waits for the disk: who was let in or locked out stays so after a power failure. */
const DURABLE = { durable: true };

export const accountMethods = ({ db, vault, writer: { write } }: Engine) =>
  ({
    listAccounts: (page) => retryBusy(() => accounts.listAccounts(db, vault, page)),
    getAccount: (id) => retryBusy(() => accounts.getAccount(db, vault, id)),
    findAccount: (source, subject) => retryBusy(() => accounts.findAccount(db, vault, source, subject)),
    insertAccount: (account, now) => write("insertAccount", [account, now], DURABLE),
    updateAccount: (id, change) => write("updateAccount", [id, change], DURABLE),
    deleteAccount: (id) => write("deleteAccount", [id], DURABLE),
    // A code that was used stays used after a power failure.
    takeTotpStep: (id, step) => write("takeTotpStep", [id, step], DURABLE),
    takeRecoveryCode: (id, hash) => write("takeRecoveryCode", [id, hash], DURABLE),
    noteSignIn: (id, network, now) => write("noteSignIn", [id, network, now]),
    insertAdminToken: (token, now) => write("insertAdminToken", [token, now], DURABLE),
    listAdminTokens: () => retryBusy(() => accounts.listAdminTokens(db)),
    findAdminToken: (hash) => retryBusy(() => accounts.findAdminToken(db, hash)),
    noteAdminTokenUse: (id, now) => write("noteAdminTokenUse", [id, now]),
    deleteAdminToken: (id) => write("deleteAdminToken", [id], DURABLE),
    deleteAdminTokensOf: (account) => write("deleteAdminTokensOf", [account], DURABLE),
  }) satisfies Partial<Store>;
