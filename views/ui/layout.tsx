// Page layout: head, navigation, notices. The policy (CSP) forbids inline scripts and styles.
import type { ComponentChildren } from "preact";
import { LinkButton } from "./controls.tsx";
import { Countdown, Time } from "./figures.tsx";
import { ActionButton } from "./form.tsx";
import { Side, TabBar, TopBar } from "./frame.tsx";
import { Icon } from "./icon.tsx";
import { type Notice, Toast } from "./messages.tsx";
import type { PageName } from "./nav.ts";
import { Preferences } from "./preferences.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { LANGUAGE_TAGS, type View } from "./view.ts";

/**
 * No style of its own, no evaluated text, no other site; a toast stays where an error response names none. A live update closes nothing that
 * was opened.
 */
const HTMX_CONFIG = JSON.stringify({
  includeIndicatorCSS: false,
  defaultSettleDelay: 0,
  defaultTimeout: 0,
  history: "reload",
  mode: "same-origin",
  morphIgnore: ["data-htmx-powered", "open"],
});

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
      <body class={nav ? "in" : "out"} {...token}>
        <a class="skip" href="#main">
          {view.t.shell.skip}
        </a>
        {nav && <Side view={view} current={nav} />}
        <div class="column">
          {nav && <TopBar view={view} />}
          {view.simulated && <p class="banner">{view.t.shell.simulated}</p>}
          {view.insecure && <p class="banner warn">{view.t.shell.insecure}</p>}
          {view.staged && <StagedBanner view={view} staged={view.staged} />}
          <main id="main" tabIndex={-1}>
            {children}
          </main>
          {!nav && (
            <footer class="outfoot">
              <Preferences view={view} />
            </footer>
          )}
        </div>
        <div id="toasts" class="toasts" aria-live="polite" {...reachTexts(view)}>
          {notices.map((notice) => (
            <Toast key={notice.text} view={view} {...notice} />
          ))}
        </div>
        <dialog id="question" aria-label={view.t.shell.question} />
        {nav && <TabBar view={view} current={nav} />}
        {nav && <Shortcuts view={view} />}
      </body>
    </html>
  );
}

/** What forms.js says by itself. */
const reachTexts = ({ t: { shell, controls } }: View) => ({
  "data-unreached": shell.unreached,
  "data-unread": shell.unread,
  "data-retry": shell.retry,
  "data-by-hand": shell.copyByHand("Ctrl C"),
  "data-by-hand-mac": shell.copyByHand("⌘ C"),
  "data-dismiss-label": controls.dismiss,
});

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

/** A browser that is short of time shows a page while it is still arriving, and what it shows then moves; it is to wait for the last element. */
const SHOWN_WHOLE = { rel: "expect", href: "#question", blocking: "render" };

function Head({ view: { assets, t }, title }: { view: View; title: string }) {
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
      <meta name="robots" content="noindex" />
      <meta name="htmx-config" content={HTMX_CONFIG} />
      <title>{`${title} · ${t.shell.product}`}</title>
      <link rel="icon" href={assets["icon.svg"]} type="image/svg+xml" />
      <link rel="stylesheet" href={assets["app.css"]} />
      <link {...SHOWN_WHOLE} />
      <script src={assets["htmx.min.js"]} defer />
      <script src={assets["app.js"]} type="module" />
      <script src={assets["forms.js"]} type="module" />
    </head>
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
    <header class="head">
      <div>
        {up && (
          <p class="crumbs">
            <a href={up.href}>
              <Icon name="left" />
              {up.label}
            </a>
          </p>
        )}
        <h1>{title}</h1>
        {about && <p>{about}</p>}
      </div>
      {actions && <div class="row">{actions}</div>}
    </header>
  );
}
