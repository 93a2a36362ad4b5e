// Error page and fragment for a failed request.
import { LinkButton } from "./controls.tsx";
import { Layout } from "./layout.tsx";
import { ErrorAlert } from "./messages.tsx";
import type { PageName } from "./nav.ts";
import type { View } from "./view.ts";

type ErrorPageProps = {
  view: View;
  title: string;
  message: string;
  wrong?: Readonly<Record<string, string>> /** Null: nobody is signed in. */;
  nav: PageName | null;
};

export function ErrorPage({ view, title, message, wrong, nav }: ErrorPageProps) {
  return (
    <Layout view={view} title={title} nav={nav}>
      <div class="narrow stack">
        <h1 class="unseen">{title}</h1>
        <ErrorAlert view={view} title={title} message={message} wrong={wrong} />
        <p>
          <LinkButton href="/admin">{view.t.errors.back}</LinkButton>
        </p>
      </div>
    </Layout>
  );
}
