// Page that replaces the secrets of many tokens at once.
import type { TokenQuery } from "../../src/gateway/tokens/list-tokens.ts";
import { Button, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import type { View } from "../ui/view.ts";
import { tokenQueryText, tokensHref } from "./token-fields.tsx";

/** Labels shown as an example and for orientation. */
const NAMED = 12;

export function ReplacePage({ view, query, labels }: { view: View; query: TokenQuery; labels: readonly string[] }) {
  const { tokens, controls } = view.t;
  const named = labels.slice(0, NAMED);
  const rest = labels.length - named.length;
  return (
    <>
      <PageHead
        up={{ href: tokensHref(query), label: tokens.title }}
        title={tokens.replaceTitle}
        about={tokens.replaceCount(formatCount(labels.length, view.locale), labels.length)}
      />
      {named.length > 0 && (
        <p class="soft">{rest > 0 ? tokens.andMore(named.join(", "), formatCount(rest, view.locale)) : named.join(", ")}</p>
      )}
      <Form view={view} action="/admin/tokens/replace" multipart class="box mt">
        <input type="hidden" name="query" value={tokenQueryText(query)} />
        <Field
          name="text"
          label={tokens.replaceText}
          hint={tokens.replaceTextHint}
          placeholder={["label,secret", ...named.slice(0, 2).map((label) => `${label},AIzaSy…`)].join("\n")}
          rows={8}
          autocomplete="off"
          data-focus
        />
        <Field name="file" label={tokens.importFile} type="file" accept=".txt,.csv,.tsv,.json,.jsonl,text/*,application/json" />
        <div class="foot">
          <Button tone="primary">{tokens.replaceDo}</Button>
          <LinkButton href={tokensHref(query)}>{controls.cancel}</LinkButton>
        </div>
      </Form>
    </>
  );
}
