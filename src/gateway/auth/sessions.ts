// Admin sessions: idle and absolute expiry, sign-out, form tokens, a new id at every login.
import type { SessionRow } from "../../db/admin.ts";
import type { Store } from "../../db/store.ts";
import type { AccountRow, AccountSource } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
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

export type SessionQuery = { account?: number; limit?: number; cursor?: string };

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
  /**
   * Latest seen first, those over left out; of one account, or of all. `next` leads to the following page; null: there is none.
   * @throws {AppError} `invalid_request` for a cursor that is none
   */
  list(query?: SessionQuery): Promise<{ sessions: Session[]; next: string | null }>;
  /** How many each of these accounts has. */
  count(accounts: readonly AccountRow[]): Promise<ReadonlyMap<number, number>>;
};

type Dependencies = { store: Store; now: () => number /** 32 bytes: form tokens are made with them. */; secret: Uint8Array };

const MARK_LENGTH = 12;
const MARK = /^[0-9a-f]{12}$/;
/** Of a page where nobody says how many. */
const PAGE_ROWS = 50;

function readCursor(text: string): { seenAt: number; prefix: Uint8Array } {
  const [, seenAt, mark] = /^(\d{1,15})\.([0-9a-f]{12})$/.exec(text) ?? [];
  if (!seenAt || !mark)
    throw new AppError("invalid_request", "cursor must be `next` of the page before.", { param: "cursor", reason: "invalid_value" });
  return { seenAt: Number(seenAt), prefix: Buffer.from(mark, "hex") };
}

const hashOf = (id: string): Uint8Array => new Bun.CryptoHasher("sha256").update(id).digest();
const hex = (bytes: Uint8Array, length: number) => Buffer.from(bytes).toString("hex").slice(0, length);

export function createSessions({ store, now, secret }: Dependencies): Sessions {
  const formTokenOf = (hash: Uint8Array) => new Bun.CryptoHasher("sha256", secret).update("form").update(hash).digest("base64url");
  const toSession = ({ hash, ...row }: SessionRow, account: AccountRow): Session => ({
    ...row,
    mark: hex(hash, MARK_LENGTH),
    formToken: formTokenOf(hash),
    account,
  });

  const list: Sessions["list"] = async ({ account: of, limit = PAGE_ROWS, cursor } = {}) => {
    const rows = await store.listSessions({ limit: limit + 1, account: of, before: cursor === undefined ? undefined : readCursor(cursor) });
    const shown = rows.slice(0, limit);
    const ids = [...new Set(shown.map(({ accountId }) => accountId))];
    const accounts = new Map((await store.listAccounts({ ids })).map((account) => [account.id, account]));
    const sessions = shown.flatMap((row) => {
      const account = accounts.get(row.accountId);
      return account && isSessionAlive(row, account.source, now()) ? [toSession(row, account)] : [];
    });
    const last = shown.at(-1);
    return { sessions, next: rows.length > limit && last ? `${last.seenAt}.${hex(last.hash, MARK_LENGTH)}` : null };
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
    async closeByMark(mark, of) {
      const row = MARK.test(mark) ? await store.getSessionByPrefix(Buffer.from(mark, "hex")) : null;
      const account = row && (of === undefined || of === row.accountId) ? await store.getAccount(row.accountId) : null;
      if (!row || !account || !isSessionAlive(row, account.source, now())) return null;
      await store.deleteSession(row.hash);
      return toSession(row, account);
    },
    async count(accounts) {
      const counts = new Map<number, number>();
      for (const [isOidc, group] of Map.groupBy(accounts, ({ source }) => source === "oidc")) {
        const after = { created: now() - (isOidc ? OIDC_MS : ABSOLUTE_MS), seen: now() - IDLE_MS };
        const found = await store.countSessions(
          group.map(({ id }) => id),
          after,
        );
        for (const { accountId, count } of found) counts.set(accountId, count);
      }
      return counts;
    },
    closeAll: ({ account, except } = {}) =>
      store.deleteSessions({ account: account ?? null, except: except === undefined ? null : hashOf(except) }),
    list,
  };
}

/** Whether a form sent the `token` that it was given. */
export function isFormToken(session: Pick<Session, "formToken">, token: string | null | undefined): boolean {
  if (!token) return false;
  return crypto.timingSafeEqual(hashOf(token), hashOf(session.formToken));
}
