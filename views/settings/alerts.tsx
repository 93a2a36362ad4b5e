// Alerts tab of the settings: rules as sentences with their thresholds, incidents, channels.
import type { ComponentChildren } from "preact";
import type { SettingValue } from "../../src/config/settings-keys.ts";
import type { Incident } from "../../src/gateway/alerts/incidents.ts";
import type { ChannelView } from "../../src/gateway/alerts/manage-channels.ts";
import { Button, LinkButton } from "../ui/controls.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { ErrorAlert } from "../ui/messages.tsx";
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
  /** What was typed and is not accepted, and what is. */
  wrong?: { text: string; expected: string };
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
  const wrong = [...data.settings.values()].filter((one) => one.wrong);
  return (
    <>
      <PageHead title={settings.title} about={alerts.about} />
      <SettingsTabs view={view} current="alerts" />
      {wrong.length > 0 && (
        <ErrorAlert
          view={view}
          message={view.t.errors.form}
          wrong={Object.fromEntries(wrong.map((one) => [one.name, `${nameOf(view, one.name)}: ${settings.wrong(one.wrong!.expected)}`]))}
        />
      )}
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
              <input class="sw" type="checkbox" name={`on.${rule}`} value="on" aria-labelledby={`r-${rule}`} checked={data.on.has(rule)} />
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

function InlineField({ view, setting }: { view: View; setting: AlertSetting }) {
  const { name, type, value, choices, minimum, maximum, locked, wrong } = setting;
  const { alerts } = view.t;
  const marks = {
    ...{ class: "inl", name: `value.${name}`, id: `f-${name}`, "aria-label": nameOf(view, name), disabled: locked },
    ...{ title: locked ? alerts.locked : undefined, "aria-invalid": wrong ? ("true" as const) : undefined },
  };
  const shown = wrong?.text ?? String(value);
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
  if (type === "integer")
    return <input {...marks} type="text" inputMode="numeric" required value={shown} data-min={minimum} data-max={maximum} />;
  if (name === "time_zone") return <input {...marks} type="text" class="inl long" value={shown} placeholder={alerts.serverZone} />;
  return <input {...marks} type="text" class="inl clock" value={shown} placeholder={alerts.never} maxLength={5} />;
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
