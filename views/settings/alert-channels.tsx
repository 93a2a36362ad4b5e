// Alert channels: the list beside the rules, and the form of one.
import type { ChannelField, FieldName } from "../../src/gateway/alerts/channels/channel.ts";
import type { ChannelKind } from "../../src/gateway/alerts/channels/table.ts";
import type { ChannelView } from "../../src/gateway/alerts/manage-channels.ts";
import { Badge, Button, LinkButton } from "../ui/controls.tsx";
import { Field, Toggle } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { Icon } from "../ui/icon.tsx";
import type { IconName } from "../ui/icons.ts";
import { PageHead } from "../ui/layout.tsx";
import type { View } from "../ui/view.ts";
import { RULE_ORDER } from "./alert-rules.ts";

const HOME = "/admin/settings/alerts";
const pathOf = (id: string, action = "") => `${HOME}/channels/${encodeURIComponent(id)}${action}`;

const ICON_OF: Record<ChannelKind, IconName> = {
  ...{ webhook: "hook", slack: "chat", discord: "chat", telegram: "chat", feishu: "chat", dingtalk: "chat", wecom: "chat" },
  ...{ ntfy: "phone", bark: "phone", ping: "pulse" },
};

export function ChannelList({ view, channels }: { view: View; channels: readonly ChannelView[] }) {
  const { alerts } = view.t;
  return (
    <section class="box" aria-labelledby="channels">
      <header>
        <h2 id="channels">{alerts.where}</h2>
        <span class="push">
          <LinkButton href={`${HOME}/channels/new`} small icon="plus">
            {alerts.add}
          </LinkButton>
        </span>
      </header>
      {channels.length === 0 ? (
        <p class="soft">{alerts.noChannels}</p>
      ) : (
        <ul class="list">
          {channels.map((channel) => (
            <ChannelRow key={channel.id} view={view} channel={channel} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ChannelRow({ view, channel }: { view: View; channel: ChannelView }) {
  const { alerts } = view.t;
  const { id, kind, name, enabled, failedAt, error } = channel;
  const said = failedAt === null ? null : error;
  return (
    <li class="chan" id={`channel-${id}`}>
      <Icon name={ICON_OF[kind]} />
      <div class="grow">
        <div class="row">
          <b>{name}</b>
          <span class="push">
            <ChannelState view={view} channel={channel} />
          </span>
        </div>
        <p class="soft">
          {alerts.kinds[kind]}, {aboutOf(view, channel)}
        </p>
        {said && (
          <p class="far" role="status">
            <span class="soft">{alerts.farSide}</span> <code>{said}</code>
          </p>
        )}
        <div class="row mt-s">
          <ActionButton view={view} action={pathOf(id, "/test")} small label={`${said ? alerts.testAgain : alerts.test}: ${name}`}>
            {said ? alerts.testAgain : alerts.test}
          </ActionButton>
          <LinkButton href={pathOf(id)} tone="quiet" small>
            {alerts.edit}
            <span class="unseen"> {name}</span>
          </LinkButton>
          <ActionButton view={view} action={pathOf(id, enabled ? "/pause" : "/resume")} tone="quiet" small>
            {enabled ? alerts.pause : alerts.resume}
            <span class="unseen"> {name}</span>
          </ActionButton>
        </div>
      </div>
    </li>
  );
}

function ChannelState({ view, channel: { enabled, okAt, failedAt } }: { view: View; channel: ChannelView }) {
  const { alerts } = view.t;
  if (!enabled) return <Badge tone="off">{alerts.paused}</Badge>;
  if (failedAt !== null)
    return (
      <Badge tone="bad">
        {alerts.failed} <Time view={view} value={failedAt} />
      </Badge>
    );
  if (okAt === null) return <Badge tone="off">{alerts.untried}</Badge>;
  return (
    <Badge tone="ok">
      {alerts.sent} <Time view={view} value={okAt} />
    </Badge>
  );
}

function aboutOf({ t: { alerts } }: View, { kind, rules, shown }: ChannelView): string {
  if (kind === "ping") return [shown.url, alerts.every(shown.minutes ?? "5")].join(", ");
  const where = shown.chat ?? shown.url ?? shown.topic ?? shown.device ?? "";
  return [where, rules.length === 0 ? alerts.allIncidents : alerts.someIncidents(rules.length)].filter((part) => part !== "").join(", ");
}

export type ChannelFormData = {
  /** Null: a new one. */
  channel: ChannelView | null;
  kind: ChannelKind;
  fields: readonly ChannelField[];
  /** As typed, or as stored; secrets are left out. */
  values: Readonly<Record<string, string>>;
  name: string;
  enabled: boolean;
  rules: ReadonlySet<string>;
};

/** Which kind a new channel is. */
export function ChooseKindPage({ view, kinds }: { view: View; kinds: readonly ChannelKind[] }) {
  const { alerts } = view.t;
  return (
    <>
      <PageHead up={{ href: HOME, label: alerts.title }} title={alerts.add} about={alerts.choose} />
      <section class="box medium">
        <ul class="list">
          {kinds.map((kind) => (
            <li key={kind} class="chan">
              <Icon name={ICON_OF[kind]} />
              <div class="grow">
                <a href={`${HOME}/channels/new?kind=${kind}`}>
                  <b>{alerts.kinds[kind]}</b>
                </a>
                <p class="soft">{alerts.hints[kind]}</p>
              </div>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

export function ChannelPage({ view, data }: { view: View; data: ChannelFormData }) {
  const { alerts, controls } = view.t;
  const { channel, kind, fields, name, enabled, rules } = data;
  return (
    <>
      <PageHead up={{ href: HOME, label: alerts.title }} title={channel ? channel.name : alerts.kinds[kind]} about={alerts.hints[kind]} />
      <section class="box medium">
        <Form view={view} plain action={channel ? pathOf(channel.id) : `${HOME}/channels`} label={alerts.kinds[kind]}>
          <input type="hidden" name="kind" value={kind} />
          <Field name="name" label={alerts.name} value={name} required maxLength={60} />
          {fields.map((field) => (
            <ConfigField key={field.name} view={view} field={field} data={data} />
          ))}
          <p class="soft hint">{alerts.privateHint}</p>
          {kind !== "ping" && (
            <fieldset>
              <legend>
                {alerts.takes} <span class="soft">({alerts.takesAll})</span>
              </legend>
              {RULE_ORDER.map((rule) => (
                <Toggle key={rule} name={`rule.${rule}`} label={plainSentence(alerts.rules[rule])} on={rules.has(rule)} />
              ))}
            </fieldset>
          )}
          <Toggle name="enabled" label={alerts.enabled} on={enabled} />
          <div class="foot row">
            <Button tone="primary">{channel ? alerts.saveChannel : alerts.create}</Button>
            <LinkButton href={HOME} tone="quiet">
              {controls.cancel}
            </LinkButton>
          </div>
        </Form>
      </section>
      {channel && (
        <section class="box medium">
          <p class="soft hint">{alerts.removeAsk}</p>
          <ActionButton view={view} action={pathOf(channel.id, "/delete")} tone="danger">
            {alerts.remove}
          </ActionButton>
        </section>
      )}
    </>
  );
}

function ConfigField({ view, field, data }: { view: View; field: ChannelField; data: ChannelFormData }) {
  const { alerts } = view.t;
  const { name, secret, required, form, fallback } = field;
  const shown = data.channel?.shown[name as FieldName];
  const isKept = secret && shown !== undefined && data.channel?.kind === data.kind;
  return (
    <Field
      name={`config.${name}`}
      label={alerts.fields[name]}
      type={secret && form !== "url" ? "password" : "text"}
      autocomplete="off"
      required={required && !isKept}
      maxLength={2000}
      inputMode={form === "whole" ? "numeric" : form === "url" ? "url" : undefined}
      value={data.values[name] ?? ""}
      hint={isKept ? alerts.keepSecret(shown) : fallback ? alerts.fallback(fallback) : undefined}
    />
  );
}

/** A rule without its fields. */
const plainSentence = (text: string): string => text.replaceAll(/\{\w{1,40}\}/g, "…");
