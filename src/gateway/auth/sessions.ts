// Admin sessions: idle and absolute expiry, sign-out, form tokens, a new id at every login.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SessionRow } from "../../db/admin.ts";
import type { Store } from "../../db/store.ts";
import type { AccountRow, AccountSource } from "../../domain/account.ts";
import { newId } from "../../ids.ts";

const HOUR_MS = 3_600_000;
/** A session ends this long after its last request, */
export const IDLE_MS = 12 * HOUR_MS;
/** and this long after its login whatever happens. */
export const ABSOLUTE_MS = 7 * 24 * HOUR_MS;
/** An OpenID session ends after a working day: the provider says at each sign-in what the person may do, and is not asked in between. */
export const OIDC_MS = 8 * HOUR_MS;
/** How exactly the last request is known. */
const TOUCH_MS = 60_000;

/** Whether a session of an account from `source` still counts. Pure; epoch ms. A clock that was set back ends nothing. */
export function isSessionAlive(
  { createdAt, seenAt }: Pick<SessionRow, "createdAt" | "seenAt">,
  source: AccountSource,
  now: number,
): boolean {
  return now - seenAt < IDLE_MS && now - createdAt < (source === "oidc" ? OIDC_MS : ABSOLUTE_MS);
}

export type Session = Omit<SessionRow, "hash"> & {
  /** Short mark of the session, for lists and forms; not enough to be it. */
  mark: string;
  /** What forms of the signed-in browser carry. */
  formToken: string;
  /** Whose it is, as the account is now. */
  account: AccountRow;
};

export type Sessions = {
  /** A session that begins now. Its id is returned only here. */
  open(from: { account: AccountRow; address: string | null; agent: string }): Promise<{ id: string; session: Session }>;
  /** The session of an id, renewed by being asked for; null when there is none, its time is over or its account is gone. */
  find(id: string): Promise<Session | null>;
  close(id: string): Promise<void>;
  /** Ends the session of a mark, of this account if one is given. Resolves with it; null when there is none. */
  closeByMark(mark: string, account?: number): Promise<Session | null>;
  /** Ends the sessions of an account (absent: of all), but for the one of the id `except`. Resolves with how many. */
  closeAll(which?: { account?: number; except?: string }): Promise<number>;
  /** Latest seen first, those over left out; of one account, or of all. */
  list(account?: number): Promise<Session[]>;
};

type Dependencies = { store: Store; now: () => number /** 32 bytes: form tokens are made with them. */; secret: Uint8Array };

const hashOf = (id: string): Uint8Array => new Bun.CryptoHasher("sha256").update(id).digest();
const hex = (bytes: Uint8Array, length: number) => Buffer.from(bytes).toString("hex").slice(0, length);

export function createSessions({ store, now, secret }: Dependencies): Sessions {
  const formTokenOf = (hash: Uint8Array) => createHmac("sha256", secret).update("form").update(hash).digest("base64url");
  const toSession = ({ hash, ...row }: SessionRow, account: AccountRow): Session => ({
    ...row,
    mark: hex(hash, 12),
    formToken: formTokenOf(hash),
    account,
  });

  const list: Sessions["list"] = async (of) => {
    const accounts = new Map((await store.listAccounts()).map((account) => [account.id, account]));
    return (await store.listSessions()).flatMap((row) => {
      const account = accounts.get(row.accountId);
      const isListed = account && isSessionAlive(row, account.source, now()) && (of === undefined || of === account.id);
      return isListed ? [toSession(row, account)] : [];
    });
  };

  return {
    async open({ account, address, agent }) {
      const id = newId() + newId();
      const row: SessionRow = {
        ...{ hash: hashOf(id), accountId: account.id, createdAt: now(), seenAt: now() },
        ...{ address, agent: agent.slice(0, 200) },
      };
      await store.deleteSessionsBefore({ created: now() - ABSOLUTE_MS, seen: now() - IDLE_MS });
      await store.insertSession(row);
      return { id, session: toSession(row, account) };
    },
    async find(id) {
      const row = await store.getSession(hashOf(id));
      if (!row) return null;
      const account = await store.getAccount(row.accountId);
      if (!account || !isSessionAlive(row, account.source, now())) return null;
      if (now() - row.seenAt >= TOUCH_MS) {
        row.seenAt = now();
        await store.extendSession(row.hash, row.seenAt);
      }
      return toSession(row, account);
    },
    close: (id) => store.deleteSession(hashOf(id)),
    async closeByMark(mark, account) {
      const found = (await list(account)).find((session) => session.mark === mark);
      const row = found && (await store.listSessions()).find(({ hash }) => hex(hash, 12) === mark);
      if (!found || !row) return null;
      await store.deleteSession(row.hash);
      return found;
    },
    closeAll: ({ account, except } = {}) =>
      store.deleteSessions({ account: account ?? null, except: except === undefined ? null : hashOf(except) }),
    list,
  };
}

/** Whether a form sent the `token` that it was given. */
export function isFormToken(session: Pick<Session, "formToken">, token: string | null | undefined): boolean {
  if (!token) return false;
  return timingSafeEqual(hashOf(token), hashOf(session.formToken));
}
