// Theme and language: stored in cookies of the admin, for whoever looks.
import type { ComponentChildren } from "preact";
import { buttonClass } from "./controls.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { LANGUAGE_TAGS, LOCALE_NAMES, type LocaleName, THEMES, type Theme, type View } from "./view.ts";

const ICONS: Record<Theme, IconName> = { system: "screen", light: "light", dark: "dark" };

function Preference({ view, class: name, children }: { view: View; class?: string; children: ComponentChildren }) {
  return (
    <form class={name} method="post" action="/admin/preferences">
      <input type="hidden" name="back" value={view.path} />
      {children}
    </form>
  );
}

/** Opens without JavaScript; with it the choice is taken at once. */
export function ThemeSwitch({ view }: { view: View }) {
  const { theme } = view.t.shell;
  return (
    <details class="menu">
      <summary class="icon" aria-label={theme.label} title={theme.label}>
        <Icon name="theme" />
      </summary>
      <Preference view={view} class="menu-items">
        {THEMES.map((one) => (
          <button
            key={one}
            type="submit"
            name="theme"
            value={one}
            class={buttonClass("quiet", true)}
            data-theme-choice
            aria-pressed={one === view.theme}
          >
            <Icon name={ICONS[one]} />
            {theme[one]}
          </button>
        ))}
      </Preference>
    </details>
  );
}

/** To the next language, named in it. In the top bar by its short name; in the menu of a phone in full. */
export function LanguageSwitch({ view, isPhone, isFull = isPhone }: { view: View; isPhone?: boolean; isFull?: boolean }) {
  const names = Object.keys(LOCALE_NAMES) as LocaleName[];
  const other = names[(names.indexOf(view.locale) + 1) % names.length]!;
  const [full, short] = LOCALE_NAMES[other];
  return (
    <Preference view={view} class={isPhone ? "phone" : isFull ? undefined : "desk"}>
      <button
        type="submit"
        name="locale"
        value={other}
        lang={LANGUAGE_TAGS[other]}
        class={isFull ? buttonClass("quiet", true) : "icon"}
        title={full}
      >
        {isFull ? full : short}
      </button>
    </Preference>
  );
}

/** Both, where there is no top bar: the pages before a session. */
export const Preferences = ({ view }: { view: View }) => (
  <div class="row">
    <LanguageSwitch view={view} isFull />
    <ThemeSwitch view={view} />
  </div>
);
