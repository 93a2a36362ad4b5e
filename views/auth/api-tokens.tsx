// Admin tokens page: list, a new one, revoke; and the token itself, once.
import { Badge, Button, Card, CodeBlock, CopyButton, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Field, Select } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

type Scope = "read" | "operate" | "admin";

export type AdminTokenView = {
  id: number;
  name: string;
  prefix: string;
  scope: Scope;
  createdBy: string;
  /** Whose it is; null: not known. */
  owner: string | null;
  /** Why it does not work; null: it does, until it expires. */
  hold: "unlisted" | "unseen" | "closed" | null;
  createdAt: number;
  expiresAt: number | null;
  usedAt: number | null;
};

type ApiTokensProps = {
  view: View;
  tokens: readonly AdminTokenView[];
  /** Those of one person alone. */
  isOfOne: boolean;
};

const SCOPES = ["read", "operate", "admin"] as const satisfies readonly Scope[];

export function ApiTokensPage({ view, tokens, isOfOne }: ApiTokensProps) {
  const { account } = view.t;
  const say = account.apiTokens;
  return (
    <>
      <PageHead
        title={say.title}
        about={say.about}
        up={{ href: "/admin/account", label: account.title }}
        actions={<LinkButton href="/admin/api">{say.reference}</LinkButton>}
      />
      {isOfOne && (
        <p>
          <a href="/admin/account/api-tokens">{say.ofAll}</a>
        </p>
      )}
      <Card>{tokens.length === 0 ? <EmptyState title={say.none} /> : <TokenTable view={view} tokens={tokens} />}</Card>
      <Card title={say.addTitle}>
        <Form view={view} action="/admin/account/api-tokens" class="medium-form">
          <Field name="name" label={say.name} hint={say.nameHint} autocomplete="off" maxLength={100} required />
          <Select
            name="scope"
            label={say.scope}
            hint={say.scopeHint}
            value="read"
            options={SCOPES.map((scope) => ({ value: scope, label: say.scopes[scope] }))}
          />
          <Field name="days" label={say.days} hint={say.daysHint} type="number" min={1} max={3650} />
          <div class="foot">
            <Button tone="primary">{say.add}</Button>
          </div>
        </Form>
      </Card>
    </>
  );
}

function TokenTable({ view, tokens }: Pick<ApiTokensProps, "view" | "tokens">) {
  const say = view.t.account.apiTokens;
  const columns = [
    { key: "name", label: say.name },
    { key: "scope", label: say.scope },
    { key: "owner", label: say.owner },
    { key: "made", label: say.made },
    { key: "used", label: say.used },
    { key: "expires", label: say.expires },
    { key: "actions", label: say.revoke, hidden: true },
  ];
  return (
    <Table view={view} label={say.title} columns={columns}>
      {tokens.map((token) => (
        <Row key={token.id} view={view} id={`api-token-${token.id}`}>
          <Cell label={say.name}>
            <span class="cut" title={token.name}>
              {token.name}
            </span>{" "}
            <code class="soft">{token.prefix}…</code>
          </Cell>
          <Cell label={say.scope}>{say.scopes[token.scope]}</Cell>
          <Cell label={say.owner}>
            <span class="cut" title={token.owner ?? undefined}>
              {token.owner ?? "–"}
            </span>{" "}
            {token.hold && <Badge tone="warn">{say.holds[token.hold]}</Badge>}
          </Cell>
          <Cell label={say.made}>
            <Time view={view} value={token.createdAt} />
            {token.createdBy !== token.owner && (
              <span class="cut soft" title={token.createdBy}>
                {token.createdBy}
              </span>
            )}
          </Cell>
          <Cell label={say.used}>{token.usedAt === null ? say.never : <Time view={view} value={token.usedAt} />}</Cell>
          <Cell label={say.expires}>
            {token.expiresAt === null ? (
              say.never
            ) : token.expiresAt <= view.now ? (
              <Badge tone="off">{say.over}</Badge>
            ) : (
              <Time view={view} value={token.expiresAt} />
            )}
          </Cell>
          <Cell align="end">
            <ActionButton view={view} action={`/admin/account/api-tokens/${token.id}/revoke`} small tone="danger">
              {say.revoke}
            </ActionButton>
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

/** Shown once. */
export function NewApiTokenPage({ view, name, token, origin }: { view: View; name: string; token: string; origin: string }) {
  const { apiTokens: say } = view.t.account;
  const call = `curl ${origin}/admin/api/v1/overview -H "Authorization: Bearer ${token}"`;
  return (
    <>
      <PageHead title={say.madeTitle(name)} about={say.madeAbout} up={{ href: "/admin/account/api-tokens", label: say.title }} />
      <Card actions={<CopyButton view={view} from="#admin-token" />}>
        <CodeBlock id="admin-token" text={token} />
      </Card>
      <Card title={say.try} actions={<CopyButton view={view} from="#admin-token-call" />}>
        <CodeBlock id="admin-token-call" text={call} />
        <div class="foot">
          <LinkButton href="/admin/account/api-tokens" tone="primary">
            {say.back}
          </LinkButton>
        </div>
      </Card>
    </>
  );
}
