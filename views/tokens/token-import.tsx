// Token import pages: paste or file, preview, progress.

import { Button, LinkButton } from "../ui/controls.tsx";
import { Field, Select } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import type { View } from "../ui/view.ts";

export function ImportPage({ view }: { view: View }) {
  const { tokens, controls } = view.t;
  const providers = [
    { value: "", label: tokens.importProviderAny },
    ...Object.entries(tokens.providers).map(([value, label]) => ({ value, label })),
  ];
  return (
    <>
      <PageHead up={{ href: "/admin/tokens", label: tokens.title }} title={tokens.importTitle} about={tokens.importAbout} />
      <Form view={view} action="/admin/tokens/import" multipart class="box">
        <Field
          name="text"
          label={tokens.importText}
          hint={tokens.importTextHint}
          placeholder={"AIzaSy…\nAIzaSy…"}
          rows={8}
          autocomplete="off"
          data-focus
        />
        <div class="columns tight import-options">
          <Field name="file" label={tokens.importFile} type="file" accept=".txt,.csv,.tsv,.json,.jsonl,text/*,application/json" />
          <Select name="provider" label={tokens.importProvider} options={providers} />
          <Field name="group" label={tokens.importGroup} maxLength={100} />
        </div>
        <div class="foot">
          <Button tone="primary">{tokens.preview}</Button>
          <LinkButton href="/admin/tokens">{controls.cancel}</LinkButton>
        </div>
      </Form>
    </>
  );
}
