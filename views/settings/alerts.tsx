// Alerts tab of the settings: rules as sentences with their thresholds, incidents, channels.
import type { ComponentChildren } from "preact";
import type { SettingValue } from "../../src/config/settings-keys.ts";
import type { Incident } from "../../src/gateway/alerts/incidents.ts";
import type { ChannelView } from "../../src/gateway/alerts/manage-channels.ts";
import { Button, LinkButton } from "../ui/controls.tsx";
import { FieldError, invalid } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { FormContext, type FormState, isTicked, typedValue } from "../ui/form-state.ts";
import { PageHead } from "../ui/layout.tsx";
import type { View } from "../ui/view.ts";
import { ChannelList } from "./alert-channels.tsx";
import { RULE_ORDER } from "./alert-rules.ts";
import { Incidents } from "./incidents.tsx";
import { SettingsTabs } from "./settings.tsx";

/** A setting of `alerts` as its field needs it. */
export type AlertSetting = {
  name: string;
  type: "text" | "integer" | "flag" | "choice" | "list";
  value: SettingValue;
  choices: readonly string[];
  minimum: number;
  maximum: number;
  locked: boolean;
};

export type AlertsData = {
  settings: ReadonlyMap<string, AlertSetting>;
  /** Names of the rules that are on. */
  on: ReadonlySet<string>;
  /** What each rule sees now, where it has a figure. */
  figures: Readonly<Record<string, string>>;
  incidents: readonly Incident[];
  channels: readonly ChannelView[];
};

export function AlertsPage({ view, data }: { view: View; data: AlertsData }) {
  const { alerts, settings } = view.t;
  return (
    <>
      <PageHead title={settings.title} about={alerts.about} />
      <SettingsTabs view={view} current="alerts" />
      <div class="two">
        <div class="stack">
          <Rules view={view} data={data} />
          <Incidents view={view} incidents={data.incidents} />
        </div>
        <ChannelList view={view} channels={data.channels} />
      </div>
    </>
  );
}

const nameOf = ({ t: { alerts } }: View, name: string): string => (alerts.fieldNames as Record<string, string>)[name] ?? name;

function Rules({ view, data }: { view: View; data: AlertsData }) {
  const { alerts } = view.t;
  return (
    <section class="box" aria-labelledby="rules">
      <header>
        <h2 id="rules">{alerts.tell}</h2>
        <span class="soft">{alerts.rulesOn(data.on.size, RULE_ORDER.length)}</span>
      </header>
      <Form view={view} plain action="/admin/settings/alerts/rules" label={alerts.tell}>
        <ul class="list">
          {RULE_ORDER.map((rule) => (
            <li key={rule} class="top-a">
              <RuleSwitch rule={rule} on={data.on.has(rule)} />
              <div class="grow rule" id={`r-${rule}`}>
                <Sentence view={view} text={alerts.rules[rule]} data={data} />
              </div>
              {data.figures[rule] && <span class="soft nw desk">{data.figures[rule]}</span>}
            </li>
          ))}
        </ul>
        <p class="row mt top-b">
          {[alerts.quiet, alerts.zone, alerts.remind].map((text) => (
            <span key={text} class="rule">
              <Sentence view={view} text={text} data={data} />
            </span>
          ))}
        </p>
        <div class="row mt">
          <Button tone="primary">{alerts.save}</Button>
        </div>
      </Form>
    </section>
  );
}

/** Text with a field for each `{name}`. */
function Sentence({ view, text, data }: { view: View; text: string; data: AlertsData }) {
  const pieces: ComponentChildren[] = text.split(/\{(\w{1,40})\}/).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const setting = data.settings.get(piece);
    return setting ? <InlineField key={piece} view={view} setting={setting} /> : piece;
  });
  return <>{pieces}</>;
}

const RuleSwitch = ({ rule, on }: { rule: string; on: boolean }) => (
  <FormContext.Consumer>
    {(form: FormState | null) => (
      <input
        class="sw"
        type="checkbox"
        name={`on.${rule}`}
        value="on"
        aria-labelledby={`r-${rule}`}
        checked={isTicked(form, `on.${rule}`, "on", on)}
      />
    )}
  </FormContext.Consumer>
);

function InlineField({ view, setting }: { view: View; setting: AlertSetting }) {
  const { name, type, value, choices, minimum, maximum, locked } = setting;
  const { alerts } = view.t;
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => {
        const field = `value.${name}`;
        const error = form?.wrong[field];
        const shown = String(typedValue(form, field, value));
        const marks = {
          ...{ class: "inl", name: field, id: `f-${name}`, "aria-label": nameOf(view, name), disabled: locked },
          ...{ title: locked ? alerts.locked : undefined, ...invalid(error, `f-${name}-error`) },
        };
        if (type === "choice")
          return (
            <select {...marks}>
              {choices.map((choice) => (
                <option key={choice} value={choice} selected={choice === shown}>
                  {choiceWord(view, name, choice)}
                </option>
              ))}
            </select>
          );
        return (
          <>
            {type === "integer" ? (
              <input {...marks} type="text" inputMode="numeric" required value={shown} data-min={minimum} data-max={maximum} />
            ) : name === "time_zone" ? (
              <input {...marks} type="text" class="inl long" value={shown} placeholder={alerts.serverZone} maxLength={60} />
            ) : (
              <input {...marks} type="text" class="inl clock" value={shown} placeholder={alerts.never} maxLength={5} />
            )}
            {error && <FieldError id={`f-${name}-error`} error={error} />}
          </>
        );
      }}
    </FormContext.Consumer>
  );
}

function choiceWord({ t: { alerts, overview } }: View, name: string, choice: string): string {
  if (name === "quiet_except") return alerts.except[choice as keyof typeof alerts.except] ?? choice;
  if (name === "language") return alerts.languages[choice as keyof typeof alerts.languages] ?? choice;
  return choice === "any" ? alerts.anyProvider : (overview.providers[choice] ?? choice);
}

/** The page of all incidents. */
export function IncidentsPage({ view, incidents, next }: { view: View; incidents: readonly Incident[]; next: string | null }) {
  const { alerts } = view.t;
  return (
    <>
      <PageHead up={{ href: "/admin/settings/alerts", label: alerts.title }} title={alerts.incidents} />
      <Incidents view={view} incidents={incidents} isWhole />
      {next && (
        <p class="row mt">
          <LinkButton href={`/admin/settings/alerts/incidents?before=${encodeURIComponent(next)}`} small>
            {alerts.older}
          </LinkButton>
        </p>
      )}
    </>
  );
}
