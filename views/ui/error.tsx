// Error page and fragment for a failed request.
import { LinkButton } from "./controls.tsx";
import { Layout } from "./layout.tsx";
import { ErrorAlert } from "./messages.tsx";
import type { View } from "./view.ts";

export function ErrorPage({ view, message }: { view: View; message: string }) {
  return (
    <Layout view={view} title={view.t.errors.title} nav={null}>
      <div class="narrow">
        <h1 class="unseen">{view.t.errors.title}</h1>
        <ErrorAlert view={view} message={message} />
        <LinkButton href="/admin">{view.t.errors.back}</LinkButton>
      </div>
    </Layout>
  );
}
