// Navigation menu: the admin's pages in order. `letter` is the page's shortcut after `g`.
import type { Messages } from "../locales/en.ts";

export type PageName = keyof Messages["shell"]["nav"];

export const NAV: readonly { name: PageName; path: string; letter: string }[] = [
  { name: "overview", path: "/admin", letter: "o" },
  { name: "tokens", path: "/admin/tokens", letter: "t" },
  { name: "keys", path: "/admin/keys", letter: "k" },
  { name: "playground", path: "/admin/playground", letter: "p" },
  { name: "gallery", path: "/admin/gallery", letter: "g" },
  { name: "jobs", path: "/admin/jobs", letter: "j" },
  { name: "requests", path: "/admin/requests", letter: "r" },
  { name: "usage", path: "/admin/usage", letter: "u" },
  { name: "settings", path: "/admin/settings", letter: "s" },
  { name: "system", path: "/admin/system", letter: "y" },
  { name: "api", path: "/admin/api", letter: "i" },
  { name: "account", path: "/admin/account", letter: "a" },
];
