// View context: language, theme, clock and session of the page being rendered.
import type { Incident } from "../../src/gateway/alerts/incidents.ts";
import { en, type Messages } from "../locales/en.ts";
import { zh } from "../locales/zh.ts";
import type { FormState } from "./form-state.ts";

export const LOCALES = { en, zh } as const satisfies Record<string, Messages>;
export type LocaleName = keyof typeof LOCALES;

/** Languages in their own names, in full and short, for the switch. */
export const LOCALE_NAMES: Record<LocaleName, readonly [full: string, short: string]> = { en: ["English", "EN"], zh: ["简体中文", "中文"] };
/** BCP 47, for `lang` and number formats. */
export const LANGUAGE_TAGS: Record<LocaleName, string> = { en: "en", zh: "zh-CN" };

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Addresses of the static files, with the hash of their content. */
export type AssetUrls = Record<
  | "app.css"
  | "app.js"
  | "forms.js"
  | "icon.svg"
  | "licences.txt"
  | "gallery.js"
  | "playground.js"
  | "plot.js"
  | "htmx.min.js"
  | "uPlot.iife.min.js"
  | "uPlot.min.css",
  string
>;

export type View = {
  /** Texts of the chosen language. */
  t: Messages;
  locale: LocaleName;
  theme: Theme;
  /** Epoch ms at which the page is made. */
  now: number;
  /** Whether who looks may send a change to this path; what they may not is shown disabled. */
  may(path: string): boolean;
  /** IANA name of the browser's time zone; null: times are UTC. */
  timeZone: string | null;
  /** The form of the page that was refused; null: none. */
  form: FormState | null;
  /** Form token of the session; empty where nobody is signed in. */
  formToken: string;
  assets: AssetUrls;
  /** Path and query of the request, for "come back here". */
  path: string;
  /** True on plain http from another machine. */
  insecure: boolean;
  simulated: boolean;
  /** Incidents that last, for the bell; absent outside a session. */
  incidents?: readonly Pick<Incident, "id" | "facts" | "beganAt">[];
  /** A backup that the next start puts in place. Times are epoch ms. */
  staged: { backupAt: number | null; expiresAt: number } | null;
};

/** The language that a browser asks for; English when it asks for none that we have. */
export function chooseLocale(acceptLanguage: string | null): LocaleName {
  for (const language of (acceptLanguage ?? "").toLowerCase().split(",")) {
    const name = language.trim().slice(0, 2);
    if (name in LOCALES) return name as LocaleName;
  }
  return "en";
}
