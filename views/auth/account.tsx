// Account page: the operator's password, sessions and latest audit entries.

import type { AuditRow } from "../../src/db/admin.ts";
import type { AccountRow } from "../../src/domain/account.ts";
import { AuditLogTable } from "../system/audit-table.tsx";
import { Badge, Button, Card, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

/** A signed-in browser, without what would make one of it. */
export type SessionView = {
  account: string;
  mark: string;
  agent: string;
  address: string | null;
  createdAt: number;
  seenAt: number;
  isThis: boolean;
};

type AccountProps = {
  view: View;
  account: AccountRow;
  /** Of role admin: those of all people. */
  sessions: readonly SessionView[];
  /** Cursor of the following ones. */
  next: string | null;
  isFirst: boolean;
  entries: readonly AuditRow[];
  /** May manage people. */
  canManage: boolean;
};

export function AccountPage({ view, account: own, sessions, next, isFirst, entries, canManage }: AccountProps) {
  const { account } = view.t;
  return (
    <>
      <PageHead
        title={account.title}
        about={
          <>
            {account.about} {account.signedInAs(own.name, account.people.roles[own.role])}
          </>
        }
        actions={
          canManage && (
            <>
              <LinkButton href="/admin/account/people">{account.people.link}</LinkButton>
              <LinkButton href="/admin/account/api-tokens">{account.apiTokens.link}</LinkButton>
            </>
          )
        }
      />
      {own.source === "password" && (
        <>
          <PasswordCard view={view} name={own.name} />
          <TwoStepCard view={view} own={own} />
        </>
      )}
      <Card
        title={account.sessionsTitle}
        actions={
          <ActionButton view={view} action="/admin/account/sessions/end-all" small tone="danger">
            {account.endAll}
          </ActionButton>
        }
      >
        <SessionTable view={view} sessions={sessions} canManage={canManage} />
        <Pager
          view={view}
          next={next === null ? null : `/admin/account?before=${encodeURIComponent(next)}`}
          first={isFirst ? null : "/admin/account"}
        />
      </Card>
      <Card title={account.trailTitle}>
        <AuditLogTable view={view} entries={entries} />
      </Card>
    </>
  );
}

function PasswordCard({ view, name }: { view: View; name: string }) {
  const { account } = view.t;
  return (
    <Card title={account.passwordTitle}>
      <Form view={view} action="/admin/account/password" class="medium-form">
        <input type="hidden" name="username" autocomplete="username" value={name} />
        <Field name="current" label={account.current} type="password" autocomplete="current-password" required />
        <Field
          name="password"
          label={account.fresh}
          hint={account.hint}
          type="password"
          autocomplete="new-password"
          minLength={10}
          required
        />
        <Field name="again" label={account.again} type="password" autocomplete="new-password" minLength={10} required />
        <div class="foot">
          <Button tone="primary">{account.change}</Button>
        </div>
      </Form>
    </Card>
  );
}

function TwoStepCard({ view, own }: { view: View; own: AccountRow }) {
  const { twoStep } = view.t.account;
  const isOn = own.totpSecret !== null;
  return (
    <Card
      title={
        <>
          {twoStep.title} <Badge tone={isOn ? "ok" : "off"}>{isOn ? twoStep.on : twoStep.off}</Badge>
        </>
      }
      actions={
        <LinkButton href="/admin/account/two-step" small>
          {isOn ? twoStep.manage : twoStep.turnOn}
        </LinkButton>
      }
    >
      <p class="soft">
        {twoStep.about} {isOn && twoStep.left(own.recoveryHashes.length)}
      </p>
    </Card>
  );
}

/** `Chrome, Windows` from what a browser says of itself; what is not known is shown as it is. */
export function browserName(agent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\/\d/.exec(agent)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|CrOS|Linux)/.exec(agent)?.[1];
  const name = { Edg: "Edge", OPR: "Opera" }[browser ?? ""] ?? browser;
  return name && system ? `${name}, ${system.replace(" OS X", "")}` : agent;
}

function SessionTable({ view, sessions, canManage }: Pick<AccountProps, "view" | "sessions" | "canManage">) {
  const { account } = view.t;
  const columns = [
    ...(canManage ? [{ key: "user", label: account.user }] : []),
    { key: "agent", label: account.browser },
    { key: "address", label: account.address },
    { key: "since", label: account.since },
    { key: "seen", label: account.seen },
    { key: "end", label: account.end, hidden: true },
  ];
  return (
    <Table view={view} label={account.sessionsTitle} columns={columns}>
      {sessions.map((session) => (
        <Row key={session.mark} view={view} id={`session-${session.mark}`}>
          {canManage && <Cell label={account.user}>{session.account}</Cell>}
          <Cell label={account.browser}>
            <span class="cut" title={session.agent}>
              {browserName(session.agent)}
            </span>
          </Cell>
          <Cell label={account.address}>
            <code>{session.address}</code>
          </Cell>
          <Cell label={account.since}>
            <Time view={view} value={session.createdAt} />
          </Cell>
          <Cell label={account.seen}>
            <Time view={view} value={session.seenAt} ago />
          </Cell>
          <Cell align="end">
            {session.isThis ? (
              <Badge tone="ok">{account.thisOne}</Badge>
            ) : (
              <ActionButton view={view} action={`/admin/account/sessions/${session.mark}/end`} small>
                {account.end}
              </ActionButton>
            )}
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
