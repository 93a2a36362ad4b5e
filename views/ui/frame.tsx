// Frame of the pages behind the session: menu, top bar, bar at the foot of a phone.
import { Bell } from "./bell.tsx";
import { buttonClass } from "./controls.tsx";
import { Icon } from "./icon.tsx";
import { Live } from "./live.tsx";
import { NAV_GROUPS, type NavItem, type PageName, TAB_BAR } from "./nav.ts";
import { LanguageSwitch, ThemeSwitch } from "./preferences.tsx";
import { SearchBox } from "./search.tsx";
import { UndoMenu } from "./undo-menu.tsx";
import type { View } from "./view.ts";

type FrameProps = { view: View; current: PageName };

/** Three waves: what is left, falling. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 6c3-3 5 3 8 0s5-3 8 0" />
      <path d="M2 11c3-3 5 3 8 0s5-3 8 0" opacity=".7" />
      <path d="M2 16c3-3 5 3 8 0s5-3 8 0" opacity=".4" />
    </svg>
  );
}

const Brand = ({ view }: { view: View }) => (
  <a class="brand" href="/admin">
    <Mark />
    {view.t.shell.product}
  </a>
);

/** The menu. On a phone it is a sheet that the bar at the foot opens, by the browser's own means. */
export function Side({ view, current }: FrameProps) {
  const { shell } = view.t;
  return (
    <nav class="side" id="menu" popover="auto" aria-label={shell.menu}>
      <Brand view={view} />
      <div class="links">
        {NAV_GROUPS.map(({ group, items }) => (
          <>
            {group && <h2>{shell.groups[group]}</h2>}
            {items.map((item) => (
              <NavLink key={item.name} view={view} item={item} current={current} hasKey />
            ))}
          </>
        ))}
      </div>
      <div class="foot">
        <LanguageSwitch view={view} isPhone />
        <form method="post" action="/admin/logout">
          <input type="hidden" name="form_token" value={view.formToken} />
          <button type="submit" class={buttonClass("quiet", true)}>
            <Icon name="signOut" />
            {shell.signOut}
          </button>
        </form>
      </div>
    </nav>
  );
}

function NavLink({ view, item, current, hasKey }: FrameProps & { item: NavItem; hasKey?: boolean }) {
  const { name, path, letter } = item;
  return (
    <a href={path} data-go={hasKey ? letter : undefined} aria-current={name === current ? "page" : undefined}>
      <Icon name={name} />
      {view.t.shell.nav[name]}
    </a>
  );
}

export function TopBar({ view }: { view: View }) {
  return (
    <header class="top">
      <Brand view={view} />
      <SearchBox view={view} />
      <Live view={view} />
      <UndoMenu view={view} />
      <Bell view={view} />
      <LanguageSwitch view={view} />
      <ThemeSwitch view={view} />
    </header>
  );
}

/** Five places for a thumb: four pages and the menu. */
export function TabBar({ view, current }: FrameProps) {
  const { shell } = view.t;
  return (
    <nav class="tabbar" aria-label={shell.mainPages}>
      {TAB_BAR.map((item) => (
        <NavLink key={item.name} view={view} item={item} current={current} />
      ))}
      <button type="button" popovertarget="menu">
        <Icon name="menu" />
        {view.t.controls.more}
      </button>
    </nav>
  );
}
