// Error page and fragment for a failed request.
import { LinkButton } from "./controls.tsx";
import { Layout } from "./layout.tsx";
import { ErrorAlert } from "./messages.tsx";
import type { PageName } from "./nav.ts";
import type { View } from "./view.ts";

type ErrorPageProps = {
  view: View;
  message: string;
  wrong?: Readonly<Record<string, string>> /** Null: nobody is signed in. */;
  nav: PageName | null;
};

export function ErrorPage({ view, message, wrong, nav }: ErrorPageProps) {
  return (
    <Layout view={view} title={view.t.errors.title} nav={nav}>
      <div class="narrow">
        <h1 class="unseen">{view.t.errors.title}</h1>
        <ErrorAlert view={view} message={message} wrong={wrong} />
        <LinkButton href="/admin">{view.t.errors.back}</LinkButton>
      </div>
    </Layout>
  );
}
