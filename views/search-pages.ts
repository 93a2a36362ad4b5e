// Pages that the search leads to by their name: where to do a thing, for who does not know which menu it is in. Pure.
import type { View } from "./ui/view.ts";

/** By the name of its text, which is `search.pages` of a locale. */
const PAGES = {
  importTokens: "/admin/tokens/import",
  addToken: "/admin/tokens/new",
  newKey: "/admin/keys/new",
  failedToday: "/admin/requests?outcome=failed&span=today",
  refusedToday: "/admin/requests?outcome=refused&span=today",
  byReason: "/admin/usage?by=reason&span=today",
  billing: "/admin/usage/billing",
  unknownJobs: "/admin/jobs?state=unknown",
  models: "/admin/models",
  backup: "/admin/system/backup",
  log: "/admin/system/logs",
  auditLog: "/admin/system/trail",
  selfTest: "/admin/system",
} as const;

export type FoundPage = { name: string; href: string };

/** Pages whose name holds every word of the text. */
export function pagesLike({ t }: Pick<View, "t">, text: string): FoundPage[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return Object.entries(PAGES)
    .map(([key, href]) => ({ name: t.search.pages[key as keyof typeof PAGES], href }))
    .filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
}
