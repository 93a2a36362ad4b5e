// Settings page: every setting with value, origin and bounds, review of changes, secrets.
import type { SettingState } from "../../src/gateway/settings/manage-settings.ts";
import { Button, Card, CodeBlock, CopyButton, EmptyState, LinkButton, Tabs } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { ErrorAlert, Hint } from "../ui/messages.tsx";
import { FilterBar } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { Setting, type Typed } from "./setting.tsx";

type SettingsProps = {
  view: View;
  /** Those that match the search. */
  states: readonly SettingState[];
  query: string;
  lastChange: { at: number; names: string[] } | null;
  typed?: Typed;
};

export const SettingsTabs = ({ view, current }: { view: View; current: "settings" | "models" | "alerts" }) => (
  <Tabs
    label={view.t.settings.title}
    tabs={(["settings", "models", "alerts"] as const).map((name) => ({
      href: name === "alerts" ? "/admin/settings/alerts" : `/admin/${name}`,
      label: view.t.settings.tabs[name],
      current: name === current,
    }))}
  />
);

export function SettingsPage({ view, states, query, lastChange, typed }: SettingsProps) {
  const { settings } = view.t;
  const sections = Map.groupBy(states, ({ section }) => section);
  return (
    <>
      <PageHead title={settings.title} about={settings.about} />
      <SettingsTabs view={view} current="settings" />
      <div class="row setting-tools">
        <FilterBar view={view} action="/admin/settings" query={query} />
        {lastChange && <LastChange view={view} lastChange={lastChange} />}
      </div>
      {typed && <ErrorAlert view={view} message={view.t.errors.form} wrong={wrongOf(view, states, typed)} />}
      {states.length === 0 && (
        <EmptyState title={settings.noMatch} action={<LinkButton href="/admin/settings">{settings.showAll}</LinkButton>} />
      )}
      {sections.size > 1 && (
        <nav class="jump" aria-label={settings.jump}>
          {[...sections.keys()].map((section) => (
            <a key={section} href={`#${section}`}>
              {settings.sections[section]}
            </a>
          ))}
        </nav>
      )}
      {states.length > 0 && (
        <Form view={view} action="/admin/settings/review" label={settings.title}>
          {[...sections].map(([section, own]) => (
            <Card key={section} id={section} title={settings.sections[section]}>
              {own.map((state) => (
                <Setting key={state.key} view={view} state={state} typed={typed} />
              ))}
            </Card>
          ))}
          <div class="settings-foot">
            <Button tone="primary">{settings.review}</Button>
          </div>
        </Form>
      )}
    </>
  );
}

function wrongOf({ t: { settings } }: View, states: readonly SettingState[], { wrong }: Typed): Record<string, string> {
  const mine = states.filter(({ key }) => wrong.includes(key));
  return Object.fromEntries(mine.map(({ key, expected }) => [key, `${key}: ${settings.wrong(settings.expected(expected))}`]));
}

function LastChange({ view, lastChange: { at, names } }: { view: View; lastChange: { at: number; names: string[] } }) {
  const { settings } = view.t;
  return (
    <div class="row soft">
      <span>
        {settings.lastChange}: <code>{names.slice(0, 3).join(", ")}</code> {names.length > 3 && "…"} <Time view={view} value={at} ago />
      </span>
      <ActionButton view={view} action="/admin/settings/undo" small>
        {settings.undo}
      </ActionButton>
    </div>
  );
}

type SecretProps = {
  view: View;
  state: SettingState;
  /** Shown this once. */
  made: string | null;
  /** Of this server, to enter where the secret is used. */
  origin: string;
  error?: string;
};

export function SecretPage({ view, state, made, origin, error }: SecretProps) {
  const { settings } = view.t;
  const { key, description, isSet } = state;
  const action = `/admin/settings/secret/${encodeURIComponent(key)}`;
  return (
    <div class="medium">
      <PageHead title={<code>{key}</code>} about={settings.describe(key, description)} />
      {made && (
        <Hint tone="ok">
          <p>{settings.secret.shown}</p>
          <CodeBlock id="made" text={made} />
          <CopyButton view={view} from="#made" tone="primary" />
          {key === "plugin.connection_token" && (
            <>
              <p>{settings.secret.pluginHint}</p>
              <CodeBlock id="address" text={`${origin}/api/plugin/update-token`} />
            </>
          )}
        </Hint>
      )}
      <Card title={settings.secret.generate}>
        <Form view={view} action={action}>
          <p class="soft">
            {settings.secret.generateHint} {settings.secret.about}
          </p>
          <div class="foot">
            <Button tone="primary" name="act" value="generate">
              {settings.secret.generate}
            </Button>
          </div>
        </Form>
      </Card>
      <Card title={settings.secret.own}>
        <Form view={view} action={action} name="own" class="medium-form">
          <Field
            name="secret"
            label={settings.secret.own}
            type="password"
            autocomplete="off"
            required
            hint={settings.expected(state.expected)}
            error={error}
          />
          <div class="foot">
            <Button name="act" value="save">
              {settings.secret.save}
            </Button>
          </div>
        </Form>
      </Card>
      {isSet && (
        <Card title={settings.secret.clear}>
          <p class="soft">{settings.secret.clearHint}</p>
          <div class="foot">
            <ActionButton view={view} action={action} fields={{ act: "clear" }} tone="danger">
              {settings.secret.clear}
            </ActionButton>
          </div>
        </Card>
      )}
      <p class="hint-after">
        <a href="/admin/settings#plugin">{settings.back}</a>
      </p>
    </div>
  );
}
