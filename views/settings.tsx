// Settings: every key of the schema with its value, origin and bounds; what a change would do; secrets.
import type { SettingDifference, SettingState } from "../src/gateway/settings-admin.ts";
import type { SettingKey, SettingValue } from "../src/settings-check.ts";
import {
  ActionButton,
  Badge,
  type BadgeTone,
  Button,
  Card,
  CodeBlock,
  CopyButton,
  EmptyState,
  Form,
  LinkButton,
  Tabs,
} from "./controls.tsx";
import { Field } from "./fields.tsx";
import { Time } from "./figures.tsx";
import { formatCount } from "./format.ts";
import { PageHead } from "./layout.tsx";
import { ErrorAlert, Hint } from "./messages.tsx";
import { Cell, FilterBar, Row, Table } from "./table.tsx";
import type { View } from "./view.ts";

/** What was typed and does not fit, shown again. */
export type Typed = { values: ReadonlyMap<string, string>; wrong: readonly SettingKey[] };

type SettingsProps = {
  view: View;
  /** Those that match the search. */
  states: readonly SettingState[];
  query: string;
  lastChange: { at: number; names: string[] } | null;
  typed?: Typed;
};

const ORIGIN_TONES: Record<SettingState["origin"], BadgeTone> = {
  default: "off",
  file: "busy",
  database: "ok",
  environment: "warn",
  flag: "warn",
};

export const SettingsTabs = ({ view, current }: { view: View; current: "settings" | "models" }) => (
  <Tabs
    label={view.t.settings.title}
    tabs={(["settings", "models"] as const).map((name) => ({
      href: `/admin/${name}`,
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
        <Form view={view} action="/admin/settings/review" class="settings" label={settings.title}>
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
    <div class="row muted">
      <span>
        {settings.lastChange}: <code>{names.slice(0, 3).join(", ")}</code> {names.length > 3 && "…"} <Time view={view} value={at} />
      </span>
      <ActionButton view={view} action="/admin/settings/undo" small>
        {settings.undo}
      </ActionButton>
    </div>
  );
}

type SettingProps = { view: View; state: SettingState; typed?: Typed };

function Setting({ view, state, typed }: SettingProps) {
  const { settings } = view.t;
  const { key, description, origin, below, locked, secret } = state;
  const id = `f-${key}`;
  const isWrong = typed?.wrong.includes(key) ?? false;
  return (
    <div class={isWrong ? "setting wrong" : "setting"} data-row tabIndex={-1}>
      <div class="setting-text">
        <label for={secret || locked ? undefined : id}>{settings.describe(key, description)}</label>
        <small>
          <code>{key}</code> {boundsOf(view, state)}
        </small>
      </div>
      <div class="setting-control">
        {!locked && !secret && <input type="hidden" name="keys" value={key} />}
        {secret ? (
          <Secret view={view} state={state} />
        ) : locked ? (
          <Fixed view={view} state={state} />
        ) : (
          <Control view={view} state={state} id={id} typed={typed} />
        )}
        {isWrong && (
          <small id={`${id}-error`} class="wrong-text">
            {settings.wrong(settings.expected(state.expected))}
          </small>
        )}
      </div>
      <div class="setting-origin">
        <Badge tone={ORIGIN_TONES[origin]} title={lockReason(view, state)}>
          {settings.origin[origin]}
        </Badge>
        {locked === "boot" && (
          <Badge tone="off" title={settings.restartHint}>
            {settings.restart}
          </Badge>
        )}
        {below && !secret && (
          <Button tone="quiet" small name="reset" value={key} data-title={key}>
            <span title={settings.resetTo(valueText(view, below.value), settings.origin[below.origin])}>{settings.reset}</span>
          </Button>
        )}
      </div>
    </div>
  );
}

function lockReason({ t: { settings } }: View, { locked, environment }: SettingState): string | undefined {
  if (locked === "boot") return settings.restartHint;
  if (locked === "environment") return settings.lockedBy.environment(environment);
  return locked === "flag" ? settings.lockedBy.flag : undefined;
}

/** Bounds of a number, and what the default is. */
function boundsOf(view: View, { type, minimum, maximum, default: fallback, secret, origin }: SettingState) {
  const { settings } = view.t;
  const parts: string[] = [];
  if (type === "integer") parts.push(settings.bounds(formatCount(minimum, view.locale), formatCount(maximum, view.locale)));
  if (type === "list") parts.push(settings.listHint);
  if (!secret && origin !== "default") parts.push(`${settings.origin.default}: ${valueText(view, fallback)}`);
  return parts.length > 0 && <span> · {parts.join(" · ")}</span>;
}

/** A value on one line. */
export function valueText({ t: { settings }, locale }: View, value: SettingValue | null): string {
  if (typeof value === "boolean") return value ? settings.on : settings.off;
  if (typeof value === "number") return formatCount(value, locale);
  const text = Array.isArray(value) ? value.join(", ") : (value ?? "");
  return text === "" ? settings.empty : text;
}

function Fixed({ view, state }: { view: View; state: SettingState }) {
  return <span class={state.type === "integer" ? "figure fixed" : "fixed mono"}>{valueText(view, state.value)}</span>;
}

function Secret({ view, state: { key, isSet, locked } }: { view: View; state: SettingState }) {
  const { settings } = view.t;
  return (
    <div class="row">
      <Badge tone={isSet ? "ok" : "off"}>{isSet ? settings.secretSet : settings.secretUnset}</Badge>
      {!locked && (
        <LinkButton href={`/admin/settings/secret/${encodeURIComponent(key)}`} small>
          {settings.changeSecret}
        </LinkButton>
      )}
    </div>
  );
}

function Control({ view, state, id, typed }: SettingProps & { id: string }) {
  const { key, type, value, choices, minimum, maximum } = state;
  const name = `value.${key}`;
  const text = typed?.values.get(key) ?? (Array.isArray(value) ? value.join("\n") : String(value ?? ""));
  const isWrong = typed?.wrong.includes(key);
  const marks = {
    id,
    name,
    "aria-invalid": isWrong ? ("true" as const) : undefined,
    "aria-describedby": isWrong ? `${id}-error` : undefined,
  };
  switch (type) {
    case "flag":
      return (
        <input
          {...marks}
          type="checkbox"
          value="on"
          checked={text === "true"}
          aria-label={view.t.settings.describe(key, state.description)}
        />
      );
    case "choice":
      return (
        <select {...marks}>
          {choices.map((choice) => (
            <option key={choice} value={choice} selected={choice === text}>
              {choice}
            </option>
          ))}
        </select>
      );
    case "integer":
      return <input {...marks} type="number" inputMode="numeric" min={minimum} max={maximum} step={1} required value={text} />;
    case "list":
      return (
        <textarea {...marks} rows={3}>
          {text}
        </textarea>
      );
    case "text":
      return <input {...marks} type="text" value={text} maxLength={1000} />;
  }
}

type ReviewProps = { view: View; differences: readonly SettingDifference[]; changes: Readonly<Record<string, unknown>>; revision: number };

/** Old and new side by side; nothing is changed until it is sent. */
export function ReviewPage({ view, differences, changes, revision }: ReviewProps) {
  const { settings } = view.t;
  const columns = [
    { key: "setting", label: settings.setting },
    { key: "before", label: settings.before },
    { key: "after", label: settings.after },
  ];
  return (
    <>
      <PageHead title={settings.reviewTitle} about={settings.reviewAbout} />
      <Form view={view} action="/admin/settings/apply" label={settings.reviewTitle}>
        <input type="hidden" name="revision" value={revision} />
        {Object.entries(changes).map(([key, value]) => (
          <input key={key} type="hidden" name={`set.${key}`} value={JSON.stringify(value)} />
        ))}
        <Table view={view} label={settings.reviewTitle} columns={columns}>
          {differences.map(({ key, before, after, resets }) => (
            <Row key={key} view={view} id={`change-${key}`}>
              <Cell label={settings.setting}>
                <code>{key}</code>
              </Cell>
              <Cell label={settings.before}>
                <del class="mono">{before}</del>
              </Cell>
              <Cell label={settings.after}>
                <ins class="mono">{after}</ins> {resets && <Badge tone="off">{settings.reset}</Badge>}
              </Cell>
            </Row>
          ))}
        </Table>
        <div class="form-foot">
          <Button tone="primary" data-focus>
            {settings.apply(differences.length)}
          </Button>
          <LinkButton href="/admin/settings">{settings.back}</LinkButton>
        </div>
      </Form>
    </>
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
          <CopyButton view={view} from="#made" />
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
          <p class="muted">
            {settings.secret.generateHint} {settings.secret.about}
          </p>
          <div class="form-foot">
            <Button tone="primary" name="act" value="generate">
              {settings.secret.generate}
            </Button>
          </div>
        </Form>
      </Card>
      <Card title={settings.secret.own}>
        <Form view={view} action={action} class="medium-form">
          <Field
            name="secret"
            label={settings.secret.own}
            type="password"
            autocomplete="off"
            required
            hint={settings.expected(state.expected)}
            error={error}
          />
          <div class="form-foot">
            <Button name="act" value="save">
              {settings.secret.save}
            </Button>
          </div>
        </Form>
      </Card>
      {isSet && (
        <Card title={settings.secret.clear}>
          <p class="muted">{settings.secret.clearHint}</p>
          <div class="form-foot">
            <ActionButton view={view} action={action} fields={{ act: "clear" }} tone="danger">
              {settings.secret.clear}
            </ActionButton>
          </div>
        </Card>
      )}
      <p>
        <a href="/admin/settings#plugin">{settings.back}</a>
      </p>
    </div>
  );
}
