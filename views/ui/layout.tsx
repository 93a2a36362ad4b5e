// Page layout: head, navigation, notices. The policy (CSP) forbids inline scripts and styles.
import type { ComponentChildren } from "preact";
import { ActionButton, LinkButton } from "./controls.tsx";
import { Countdown, Time } from "./figures.tsx";
import { type Notice, Toast } from "./messages.tsx";
import { NAV, type PageName } from "./nav.ts";
import { LANGUAGE_TAGS, LOCALE_NAMES, type LocaleName, THEMES, type View } from "./view.ts";

/** No style of its own, no evaluated text, no other site; a toast stays where an error response names none. */
const HTMX_CONFIG = JSON.stringify({ includeIndicatorCSS: false, defaultSettleDelay: 0, history: "reload", mode: "same-origin" });

type LayoutProps = {
  view: View;
  title: string;
  /** The page it is in the menu; null: outside, e.g. the login. */
  nav: PageName | null;
  notices?: readonly Notice[];
  children: ComponentChildren;
};

export function Layout({ view, title, nav, notices = [], children }: LayoutProps) {
  const token = view.formToken ? { "hx-headers:inherited": JSON.stringify({ "X-CSRF-Token": view.formToken }) } : {};
  return (
    <html lang={LANGUAGE_TAGS[view.locale]} data-theme={view.theme}>
      <Head view={view} title={title} />
      <body class={nav ? "inside" : "outside"} {...token}>
        <a class="skip" href="#main">
          {view.t.shell.skip}
        </a>
        {nav && <Navigation view={view} current={nav} />}
        <div class="column">
          {view.simulated && <p class="banner">{view.t.shell.simulated}</p>}
          {view.insecure && <p class="banner warn">{view.t.shell.insecure}</p>}
          {view.staged && <StagedBanner view={view} staged={view.staged} />}
          <main id="main" tabIndex={-1}>
            {children}
          </main>
          {!nav && (
            <footer class="foot">
              <Preferences view={view} />
            </footer>
          )}
        </div>
        <div id="toasts" class="toasts" aria-live="polite">
          {notices.map((notice) => (
            <Toast key={notice.text} view={view} {...notice} />
          ))}
        </div>
        {nav && <Shortcuts view={view} />}
      </body>
    </html>
  );
}

/** A restore that waits rolls everything back at the next start, whoever causes it: no page hides that. */
function StagedBanner({ view, staged }: { view: View; staged: NonNullable<View["staged"]> }) {
  const { shell } = view.t;
  return (
    <div class="banner warn staged" role="status">
      <span>
        {staged.backupAt === null ? shell.stagedUndated : shell.staged}{" "}
        {staged.backupAt !== null && <Time view={view} value={staged.backupAt} />}
        {"; "}
        {shell.stagedUntil} <Countdown view={view} value={staged.expiresAt} />
      </span>
      <LinkButton href="/admin/system/restore" small>
        {shell.restoreNow}
      </LinkButton>
      <ActionButton view={view} action="/admin/system/restore/drop" small>
        {shell.dropRestore}
      </ActionButton>
    </div>
  );
}

function Head({ view: { assets, t }, title }: { view: View; title: string }) {
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <meta name="htmx-config" content={HTMX_CONFIG} />
      <title>{`${title} · ${t.shell.product}`}</title>
      <link rel="icon" href={assets["icon.svg"]} type="image/svg+xml" />
      <link rel="stylesheet" href={assets["app.css"]} />
      <script src={assets["htmx.min.js"]} defer />
      <script src={assets["app.js"]} type="module" />
    </head>
  );
}

function Navigation({ view, current }: { view: View; current: PageName }) {
  const { shell } = view.t;
  return (
    <header class="side">
      <a class="brand" href="/admin">
        <img src={view.assets["icon.svg"]} alt="" width="20" height="20" />
        {shell.product}
      </a>
      <nav aria-label={shell.menu}>
        {NAV.map(({ name, path, letter }) => (
          <a key={name} href={path} data-go={letter} aria-current={name === current ? "page" : undefined}>
            {shell.nav[name]}
          </a>
        ))}
      </nav>
      <div class="side-foot">
        <Preferences view={view} />
        <form method="post" action="/admin/logout">
          <input type="hidden" name="form_token" value={view.formToken} />
          <button type="submit" class="button quiet small">
            {shell.signOut}
          </button>
        </form>
      </div>
    </header>
  );
}

/** Theme and language: stored in cookies of the admin, for whoever looks. */
export function Preferences({ view }: { view: View }) {
  const { shell } = view.t;
  return (
    <form class="preferences" method="post" action="/admin/preferences">
      <input type="hidden" name="back" value={view.path} />
      <fieldset class="segmented" aria-label={shell.theme.label}>
        {THEMES.map((theme) => (
          <button
            key={theme}
            type="submit"
            name="theme"
            value={theme}
            data-theme-choice
            aria-pressed={theme === view.theme}
            aria-label={shell.theme[theme]}
            title={shell.theme[theme]}
          >
            <ThemeIcon theme={theme} />
          </button>
        ))}
      </fieldset>
      <fieldset class="segmented" aria-label={shell.language}>
        {(Object.keys(LOCALE_NAMES) as LocaleName[]).map((name) => (
          <button key={name} type="submit" name="locale" value={name} lang={LANGUAGE_TAGS[name]} aria-pressed={name === view.locale}>
            {LOCALE_NAMES[name]}
          </button>
        ))}
      </fieldset>
    </form>
  );
}

/** Half a disc, a sun, a moon. */
function ThemeIcon({ theme }: { theme: (typeof THEMES)[number] }) {
  const shapes = {
    system: (
      <>
        <circle cx="8" cy="8" r="5.5" />
        <path class="filled" d="M8 2.5a5.5 5.5 0 0 1 0 11z" />
      </>
    ),
    light: (
      <>
        <circle cx="8" cy="8" r="3" />
        <path d="M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1" />
      </>
    ),
    dark: <path d="M13.3 9.6A5.6 5.6 0 0 1 6.4 2.7a5.6 5.6 0 1 0 6.9 6.9z" />,
  };
  return (
    <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      {shapes[theme]}
    </svg>
  );
}

function Shortcuts({ view }: { view: View }) {
  const { shortcuts } = view.t.shell;
  const rows: readonly [string, string][] = [
    ["g", shortcuts.go],
    ["/", shortcuts.search],
    ["j k", shortcuts.rows],
    ["x", shortcuts.select],
    ["Enter", shortcuts.open],
    ["?", shortcuts.help],
  ];
  return (
    <dialog id="shortcuts" aria-label={shortcuts.title}>
      <h2>{shortcuts.title}</h2>
      <dl>
        {rows.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" class="button">
          {shortcuts.close}
        </button>
      </form>
    </dialog>
  );
}

type PageHeadProps = {
  title: ComponentChildren;
  about?: ComponentChildren;
  actions?: ComponentChildren;
  /** The list that the page is one entry of. */
  up?: { href: string; label: string };
};

/** Title of a page, what it is about, on the right what can be done on it, and above the way back to its list. */
export function PageHead({ title, about, actions, up }: PageHeadProps) {
  return (
    <header class="page-head">
      <div>
        {up && (
          <a class="up" href={up.href}>
            {up.label}
          </a>
        )}
        <h1>{title}</h1>
        {about && <p class="muted">{about}</p>}
      </div>
      {actions && <div class="actions">{actions}</div>}
    </header>
  );
}
