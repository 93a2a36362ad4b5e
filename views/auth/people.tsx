// People: accounts of the admin, their roles and sessions; and the one-time password of a new one.
import type { AccountSource, Role } from "../../src/domain/account.ts";
import { Badge, Button, Card, CodeBlock, CopyButton, LinkButton, Menu } from "../ui/controls.tsx";
import { Field, Select, Toggle } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

export type Person = {
  id: number;
  name: string;
  role: Role;
  source: AccountSource;
  hasTwoStep: boolean;
  /** Has a password for once that was not used yet. */
  isWaiting: boolean;
  sessions: number;
  /** Of the JSON API. */
  tokens: number;
  signedInAt: number | null;
  isOwn: boolean;
  isFirst: boolean;
};

type PeopleProps = {
  view: View;
  people: readonly Person[];
  /** Where the following ones begin. */
  next: number | null;
  isFirst: boolean;
  wrong: Readonly<Record<string, string>>;
  /** What was typed into the form of a new person. */
  values?: { name: string; role: string };
};

const ROLES = ["viewer", "operator", "admin"] as const satisfies readonly Role[];

export function PeoplePage({ view, people, next, isFirst, wrong, values }: PeopleProps) {
  const { account } = view.t;
  const say = account.people;
  const columns = [
    { key: "name", label: say.name },
    { key: "role", label: say.role },
    { key: "source", label: say.source },
    { key: "two-step", label: say.twoStep },
    { key: "sessions", label: say.sessions, align: "end" as const },
    { key: "tokens", label: say.tokens, align: "end" as const },
    { key: "seen", label: say.lastSeen },
    { key: "actions", label: say.actions, hidden: true },
  ];
  return (
    <>
      <PageHead title={say.title} about={say.about} up={{ href: "/admin/account", label: account.title }} />
      <Card>
        <Table view={view} label={say.title} columns={columns}>
          {people.map((person) => (
            <PersonRow key={person.id} view={view} person={person} />
          ))}
        </Table>
        <Pager
          view={view}
          next={next === null ? null : `/admin/account/people?after=${next}`}
          first={isFirst ? null : "/admin/account/people"}
        />
      </Card>
      <Card title={say.addTitle}>
        <p class="soft">{say.addAbout}</p>
        <Form view={view} action="/admin/account/people" class="medium-form">
          <Field
            name="name"
            label={say.name}
            autocomplete="off"
            maxLength={64}
            required
            value={values?.name}
            error={wrong.name}
            data-focus={wrong.name ? true : undefined}
          />
          <RolePicker view={view} name="role" label={say.role} hint={say.roleHint} chosen={values?.role ?? "viewer"} />
          <div class="foot">
            <Button tone="primary">{say.add}</Button>
          </div>
        </Form>
      </Card>
    </>
  );
}

function PersonRow({ view, person }: { view: View; person: Person }) {
  const { people: say, twoStep } = view.t.account;
  const path = `/admin/account/people/${person.id}`;
  const canChange = !person.isFirst && person.source === "password";
  return (
    <Row view={view} id={`person-${person.id}`}>
      <Cell label={say.name}>
        <span class="cut" title={person.name}>
          {person.name}
        </span>{" "}
        {person.isOwn && <Badge tone="off">{say.you}</Badge>}
      </Cell>
      <Cell label={say.role}>
        {canChange && !person.isOwn ? (
          <Form view={view} action={`${path}/role`} class="inline-form" label={say.role}>
            <select name="role" aria-label={say.role}>
              {ROLES.map((role) => (
                <option key={role} value={role} selected={role === person.role}>
                  {say.roles[role]}
                </option>
              ))}
            </select>
            <Button small>{say.setRole}</Button>
          </Form>
        ) : (
          say.roles[person.role]
        )}
      </Cell>
      <Cell label={say.source}>{say.sources[person.source]}</Cell>
      <Cell label={say.twoStep}>
        {person.source === "password" && (
          <Badge tone={person.hasTwoStep ? "ok" : "off"}>{person.hasTwoStep ? twoStep.on : twoStep.off}</Badge>
        )}
      </Cell>
      <Cell label={say.sessions} align="end">
        {person.sessions}
      </Cell>
      <Cell label={say.tokens} align="end">
        {person.tokens === 0 ? 0 : <a href={`/admin/account/api-tokens?account=${person.id}`}>{person.tokens}</a>}
      </Cell>
      <Cell label={say.lastSeen}>
        {person.signedInAt === null ? (
          <span class="soft">{person.isWaiting ? say.waiting : say.never}</span>
        ) : (
          <Time view={view} value={person.signedInAt} />
        )}
      </Cell>
      <Cell align="end">
        <Menu label={say.actions}>
          <ActionButton view={view} action={`${path}/sign-out`} tone="quiet">
            {say.signOut}
          </ActionButton>
          {canChange && !person.isOwn && (
            <LinkButton href={`${path}/reset`} tone="quiet">
              {say.reset}
            </LinkButton>
          )}
          {person.tokens > 0 && (
            <ActionButton view={view} action={`${path}/end-tokens`} tone="quiet">
              {say.endTokens}
            </ActionButton>
          )}
          {!person.isFirst && !person.isOwn && (
            <ActionButton view={view} action={`${path}/remove`} tone="danger">
              {say.remove}
            </ActionButton>
          )}
        </Menu>
      </Cell>
    </Row>
  );
}

type RolePickerProps = { view: View; name: string; label: string; hint: string; chosen: string };

function RolePicker({ view, name, label, hint, chosen }: RolePickerProps) {
  const options = ROLES.map((role) => ({ value: role, label: view.t.account.people.roles[role] }));
  return <Select name={name} label={label} hint={hint} value={chosen} options={options} />;
}

type ResetProps = { view: View; id: number; name: string /** Of the JSON API. */; tokens: number };

/** Asks what ends with the old password. */
export function ResetPage({ view, id, name, tokens }: ResetProps) {
  const { people: say } = view.t.account;
  return (
    <div class="medium flow">
      <PageHead title={say.resetTitle(name)} about={say.resetAbout} up={{ href: "/admin/account/people", label: say.title }} />
      <Form view={view} action={`/admin/account/people/${id}/reset`} class="box form">
        <Toggle name="end_tokens" label={say.alsoTokens(tokens)} hint={say.alsoTokensHint} on />
        <div class="foot">
          <Button tone="primary">{say.reset}</Button>
          <LinkButton href="/admin/account/people" tone="quiet">
            {view.t.controls.cancel}
          </LinkButton>
        </div>
      </Form>
    </div>
  );
}

/** Shown once. */
export function NewPasswordPage({ view, name, password }: { view: View; name: string; password: string }) {
  const { people: say } = view.t.account;
  return (
    <>
      <PageHead title={say.passwordTitle(name)} about={say.passwordAbout} up={{ href: "/admin/account/people", label: say.title }} />
      <Card actions={<CopyButton view={view} from="#one-time-password" />}>
        <CodeBlock id="one-time-password" text={password} />
        <div class="foot">
          <LinkButton href="/admin/account/people" tone="primary">
            {say.back}
          </LinkButton>
        </div>
      </Card>
    </>
  );
}
