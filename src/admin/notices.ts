// Flash messages: stored per session until its next page, after a redirect.
import type { Notice } from "../../views/ui/messages.tsx";

export type Notices = {
  add(sessionMark: string, notice: Notice): void;
  /** Each is reported once. */
  take(sessionMark: string): Notice[];
};

const MAX_EACH = 5;
const MAX_SESSIONS = 100;

export function createNotices(): Notices {
  const waiting = new Map<string, Notice[]>();
  return {
    add(mark, notice) {
      waiting.set(mark, [...(waiting.get(mark) ?? []), notice].slice(-MAX_EACH));
      if (waiting.size > MAX_SESSIONS) waiting.delete(waiting.keys().next().value!);
    },
    take(mark) {
      const notices = waiting.get(mark) ?? [];
      waiting.delete(mark);
      return notices;
    },
  };
}
