// Setting row: meaning, origin and bounds of one setting, and the field that edits it.

import type { SettingKey, SettingValue } from "../../src/config/settings-keys.ts";
import type { SettingState } from "../../src/gateway/settings/manage-settings.ts";
import { Badge, type BadgeTone, Button, LinkButton } from "../ui/controls.tsx";
import { formatCount } from "../ui/format.ts";
import type { View } from "../ui/view.ts";

/** What was typed and does not fit, shown again. */
export type Typed = { values: ReadonlyMap<string, string>; wrong: readonly SettingKey[] };

const ORIGIN_TONES: Record<SettingState["origin"], BadgeTone> = {
  default: "off",
  file: "busy",
  database: "ok",
  environment: "warn",
  flag: "warn",
};

type SettingProps = { view: View; state: SettingState; typed?: Typed };

/** What it means, its value or the field for it, its origin. */
export function Setting({ view, state, typed }: SettingProps) {
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
          <small id={`${id}-error`} class="err">
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
            <span title={settings.resetTo(valueText(view, key, below.value), settings.origin[below.origin])}>{settings.reset}</span>
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
function boundsOf(view: View, { key, type, minimum, maximum, default: fallback, secret, origin }: SettingState) {
  const { settings } = view.t;
  const parts: string[] = [];
  if (type === "integer") parts.push(settings.bounds(numberText(view, key, minimum), numberText(view, key, maximum)));
  if (type === "list") parts.push(settings.listHint);
  if (!secret && origin !== "default") parts.push(`${settings.origin.default}: ${valueText(view, key, fallback)}`);
  return parts.length > 0 && <span> · {parts.join(" · ")}</span>;
}

/** A port is a name: it has no separators. */
const numberText = ({ locale }: View, key: string, value: number): string => (/port$/.test(key) ? `${value}` : formatCount(value, locale));

/** A value on one line. */
function valueText(view: View, key: string, value: SettingValue | null): string {
  const { settings } = view.t;
  if (typeof value === "boolean") return value ? settings.on : settings.off;
  if (typeof value === "number") return numberText(view, key, value);
  const text = Array.isArray(value) ? value.join(", ") : (value ?? "");
  return text === "" ? settings.empty : text;
}

function Fixed({ view, state }: { view: View; state: SettingState }) {
  return <span class={state.type === "integer" ? "nw fixed" : "fixed mono"}>{valueText(view, state.key, state.value)}</span>;
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
