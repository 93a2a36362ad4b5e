// Flash messages: stored per session until its next page, after a redirect; in the store where several nodes may serve that page.
import type { Notice } from "../../views/ui/messages.tsx";
import type { Store } from "../db/store.ts";
import type { Json } from "../domain/generation.ts";

export type Notices = {
  add(sessionMark: string, notice: Notice): Promise<void>;
  /** Each is reported once. */
  take(sessionMark: string): Promise<Notice[]>;
};

const MAX_EACH = 5;
const MAX_SESSIONS = 100;
/** A redirect is followed at once. */
const SHOWN_MS = 10 * 60_000;

type Dependencies = { store: Pick<Store, "shared" | "claimScratch" | "getScratch" | "takeScratch">; now: () => number };

export const createNotices = ({ store, now }: Dependencies): Notices => (store.shared ? sharedNotices({ store, now }) : memoryNotices());

function memoryNotices(): Notices {
  const waiting = new Map<string, Notice[]>();
  return {
    async add(mark, notice) {
      waiting.set(mark, [...(waiting.get(mark) ?? []), notice].slice(-MAX_EACH));
      if (waiting.size > MAX_SESSIONS) waiting.delete(waiting.keys().next().value!);
    },
    async take(mark) {
      const notices = waiting.get(mark) ?? [];
      waiting.delete(mark);
      return notices;
    },
  };
}

function sharedNotices({ store, now }: Dependencies): Notices {
  const nameOf = (mark: string) => `notices ${mark}`;
  return {
    async add(mark, notice) {
      for (let added = [notice]; ; ) {
        const times = { expiresAt: now() + SHOWN_MS, now: now() };
        if ((await store.claimScratch(nameOf(mark), added as Json, times)) === null) return;
        // Others wait: of several that add at once each takes what it finds, and nobody writes over another's.
        const waiting = ((await store.takeScratch(nameOf(mark), now())) ?? []) as Notice[];
        added = [...waiting, ...added].slice(-MAX_EACH);
      }
    },
    async take(mark) {
      // Most pages have none: asking writes nothing.
      if ((await store.getScratch(nameOf(mark), now())) === null) return [];
      return ((await store.takeScratch(nameOf(mark), now())) ?? []) as Notice[];
    },
  };
}
