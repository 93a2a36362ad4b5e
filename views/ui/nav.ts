// Navigation menu: the admin's pages in their groups. `letter` is the page's shortcut after `g`.
import type { Messages } from "../locales/en.ts";
import type { IconName } from "./icons.ts";

export type PageName = keyof Messages["shell"]["nav"];
export type GroupName = keyof Messages["shell"]["groups"];

/** The name of a page is the name of its icon. */
export type NavItem = { name: PageName & IconName; path: string; letter: string };

const overview: NavItem = { name: "overview", path: "/admin", letter: "o" };

/** The first group has one page and no heading. */
export const NAV_GROUPS: readonly { group: GroupName | null; items: readonly NavItem[] }[] = [
  { group: null, items: [overview] },
  { group: "pool", items: [{ name: "tokens", path: "/admin/tokens", letter: "t" }] },
  {
    group: "clients",
    items: [
      { name: "keys", path: "/admin/keys", letter: "k" },
      { name: "requests", path: "/admin/requests", letter: "r" },
      { name: "usage", path: "/admin/usage", letter: "u" },
    ],
  },
  {
    group: "results",
    items: [
      { name: "playground", path: "/admin/playground", letter: "p" },
      { name: "gallery", path: "/admin/gallery", letter: "g" },
      { name: "jobs", path: "/admin/jobs", letter: "j" },
    ],
  },
  {
    group: "server",
    items: [
      { name: "settings", path: "/admin/settings", letter: "s" },
      { name: "system", path: "/admin/system", letter: "y" },
      { name: "api", path: "/admin/api", letter: "i" },
      { name: "account", path: "/admin/account", letter: "a" },
    ],
  },
];

export const NAV: readonly NavItem[] = NAV_GROUPS.flatMap(({ items }) => items);

/** The bar at the foot of a phone: these and the menu. */
export const TAB_BAR: readonly NavItem[] = NAV.filter(({ name }) => ["overview", "tokens", "requests", "gallery"].includes(name));
