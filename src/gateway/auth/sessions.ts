// Admin sessions: idle and absolute expiry, sign-out, form tokens, a new id at every login.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SessionRow } from "../../db/admin.ts";
import type { Store } from "../../db/store.ts";
import { newId } from "../../ids.ts";

const HOUR_MS = 3_600_000;
/** A session ends this long after its last request, */
export const IDLE_MS = 12 * HOUR_MS;
/** and this long after its login whatever happens. */
export const ABSOLUTE_MS = 7 * 24 * HOUR_MS;
/** How exactly the last request is known. */
const TOUCH_MS = 60_000;

/** Whether a session still counts. Pure; epoch ms. A clock that was set back ends nothing. */
export function isSessionAlive({ createdAt, seenAt }: Pick<SessionRow, "createdAt" | "seenAt">, now: number): boolean {
  return now - seenAt < IDLE_MS && now - createdAt < ABSOLUTE_MS;
}

export type Session = Omit<SessionRow, "hash"> & {
  /** Short mark of the session, for lists and forms; not enough to be it. */
  mark: string;
  /** What forms of the signed-in browser carry. */
  formToken: string;
};

export type Sessions = {
  /** A session that begins now. Its id is returned only here. */
  open(from: { address: string | null; agent: string }): Promise<{ id: string; session: Session }>;
  /** The session of an id, renewed by being asked for; null when there is none or its time is over. */
  find(id: string): Promise<Session | null>;
  close(id: string): Promise<void>;
  /** Ends the session of a mark. False when there is none. */
  closeByMark(mark: string): Promise<boolean>;
  /** Ends all but the one of `id`; null: all. Resolves with how many. */
  closeAll(exceptId: string | null): Promise<number>;
  /** Latest seen first, those over left out. */
  list(): Promise<Session[]>;
};

type Dependencies = { store: Store; now: () => number /** 32 bytes: form tokens are made with them. */; secret: Uint8Array };

const hashOf = (id: string): Uint8Array => new Bun.CryptoHasher("sha256").update(id).digest();
const hex = (bytes: Uint8Array, length: number) => Buffer.from(bytes).toString("hex").slice(0, length);

export function createSessions({ store, now, secret }: Dependencies): Sessions {
  const formTokenOf = (hash: Uint8Array) => createHmac("sha256", secret).update("form").update(hash).digest("base64url");
  const toSession = ({ hash, ...row }: SessionRow): Session => ({ ...row, mark: hex(hash, 12), formToken: formTokenOf(hash) });

  const liveRows = async () => (await store.listSessions()).filter((row) => isSessionAlive(row, now()));

  return {
    async open({ address, agent }) {
      const id = newId() + newId();
      const row: SessionRow = { hash: hashOf(id), createdAt: now(), seenAt: now(), address, agent: agent.slice(0, 200) };
      await store.deleteSessionsBefore({ created: now() - ABSOLUTE_MS, seen: now() - IDLE_MS });
      await store.insertSession(row);
      return { id, session: toSession(row) };
    },
    async find(id) {
      const row = await store.getSession(hashOf(id));
      if (!row || !isSessionAlive(row, now())) return null;
      if (now() - row.seenAt >= TOUCH_MS) {
        row.seenAt = now();
        await store.extendSession(row.hash, row.seenAt);
      }
      return toSession(row);
    },
    close: (id) => store.deleteSession(hashOf(id)),
    async closeByMark(mark) {
      const row = (await liveRows()).find(({ hash }) => hex(hash, 12) === mark);
      if (row) await store.deleteSession(row.hash);
      return row !== undefined;
    },
    closeAll: (exceptId) => store.deleteSessions(exceptId === null ? null : hashOf(exceptId)),
    list: async () => (await liveRows()).map(toSession),
  };
}

/** Whether a form sent the `token` that it was given. */
export function isFormToken(session: Pick<Session, "formToken">, token: string | null | undefined): boolean {
  if (!token) return false;
  return timingSafeEqual(hashOf(token), hashOf(session.formToken));
}
