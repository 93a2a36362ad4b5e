// Controls: buttons, forms, badges and cards. Input fields are in fields.tsx.
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon.tsx";
import type { View } from "./view.ts";

type Children = { children?: ComponentChildren };
/** `hx-*` and `data-*` attributes, passed on to the element. */
export type Extra = { [name: `hx-${string}` | `data-${string}`]: string | number | boolean | undefined };

/** `kill` is the last step of what cannot be undone; `danger` the way there. */
export type Tone = "plain" | "primary" | "danger" | "kill" | "quiet";
const TONES: Record<Tone, string> = { plain: "btn", primary: "btn go", danger: "btn danger", kill: "btn kill", quiet: "btn bare" };

/** Classes of a button, for elements that look like one. */
export const buttonClass = (tone: Tone = "plain", small = false): string => (small ? `${TONES[tone]} s` : TONES[tone]);

export type ButtonProps = Children &
  Extra & {
    tone?: Tone;
    type?: "submit" | "button";
    name?: string;
    value?: string;
    form?: string;
    /** Where the form goes instead of its own address. */
    formaction?: string;
    disabled?: boolean;
    small?: boolean;
    label?: string;
    icon?: IconName;
  };

/** A button; in a form it submits. `label` names one that shows only a sign. */
export function Button({ tone = "plain", type = "submit", small, label, icon, children, ...rest }: ButtonProps) {
  return (
    <button type={type} class={buttonClass(tone, small)} aria-label={label} title={label} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere and changes nothing. */
export function LinkButton({
  href,
  tone = "plain",
  small,
  icon,
  children,
  ...rest
}: Children & Extra & { href: string; tone?: Tone; small?: boolean; icon?: IconName }) {
  return (
    <a href={href} class={buttonClass(tone, small)} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}

export type BadgeTone = "ok" | "warn" | "bad" | "busy" | "off";
const TONE_ICONS: Record<BadgeTone, IconName> = { ok: "ok", warn: "warn", bad: "bad", busy: "load", off: "off" };

type BadgeProps = Children & { tone: BadgeTone; title?: string /** Absent: the icon of its tone; null: none. */; icon?: IconName | null };

/** A state: icon and word. Only what is not well has a colour. `title` says why. */
export function Badge({ tone, title, icon = TONE_ICONS[tone], children }: BadgeProps) {
  return (
    <span class={`st ${tone}`} title={title}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

type HealthState = keyof View["t"]["controls"]["health"];
const HEALTH: Record<HealthState, [BadgeTone, IconName]> = {
  healthy: ["ok", "ok"],
  cooling: ["warn", "cool"],
  blocked: ["bad", "blocked"],
  disabled: ["off", "off"],
};

export function HealthBadge({ view, state, reason }: { view: View; state: HealthState; reason?: string }) {
  const [tone, icon] = HEALTH[state];
  return (
    <Badge tone={tone} icon={icon} title={reason}>
      {view.t.controls.health[state]}
    </Badge>
  );
}

type JobState = keyof View["t"]["controls"]["job"];
const JOBS: Record<JobState, [BadgeTone, IconName]> = {
  queued: ["off", "clock"],
  submitting: ["busy", "load"],
  running: ["busy", "load"],
  storing: ["busy", "load"],
  completed: ["ok", "ok"],
  failed: ["bad", "bad"],
  cancelled: ["off", "cancelled"],
  unknown: ["warn", "unknown"],
};

export function JobBadge({ view, state }: { view: View; state: JobState }) {
  const [tone, icon] = JOBS[state];
  return (
    <Badge tone={tone} icon={icon}>
      {view.t.controls.job[state]}
    </Badge>
  );
}

/** A box with a title and, on its right, what can be done with it. */
export function Card({ title, actions, id, children }: Children & { title?: ComponentChildren; actions?: ComponentChildren; id?: string }) {
  return (
    <section class="box" id={id}>
      {(title || actions) && (
        <header>
          {title && <h2>{title}</h2>}
          {actions && <div class="row push">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** One figure with its name, and a line below it. */
export function Stat({ label, note, href, children }: Children & { label: string; note?: ComponentChildren; href?: string }) {
  return (
    <div class="stat">
      <dt>{href ? <a href={href}>{label}</a> : label}</dt>
      <dd class="nw">{children}</dd>
      {note && <dd class="sub">{note}</dd>}
    </div>
  );
}

/** Figures side by side. */
export const Stats = ({ children }: Children) => <dl class="stats">{children}</dl>;

/** Nothing there yet: says why, and what to do about it. */
export function EmptyState({ title, icon, children, action }: Children & { title: string; icon?: IconName; action?: ComponentChildren }) {
  return (
    <div class="empty">
      {icon && <Icon name={icon} />}
      <strong>{title}</strong>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** Links between views of one thing. */
export function Tabs({
  label,
  tabs,
}: {
  label: string;
  tabs: readonly { href: string; label: string; current: boolean; count?: string }[];
}) {
  return (
    <nav class="subnav" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.href} href={tab.href} aria-current={tab.current ? "page" : undefined}>
          {tab.label}
          {tab.count !== undefined && <span class="soft nw"> {tab.count}</span>}
        </a>
      ))}
    </nav>
  );
}

/** Puts a text, or what an element holds, on the clipboard. */
type CopyProps = { view: View; text?: string; from?: string; label?: string; tone?: "quiet" | "primary" };

export function CopyButton({ view, text, from, label, tone = "quiet" }: CopyProps) {
  return (
    <button
      type="button"
      class={buttonClass(tone, true)}
      aria-label={label}
      data-copy={text}
      data-copy-from={from}
      data-done={view.t.controls.copied}
    >
      {view.t.controls.copy}
    </button>
  );
}

/** Text to be read or copied as it is; wide lines scroll, so that the keyboard has to reach it. */
export function CodeBlock({ id, text }: { id: string; text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <pre id={id} tabIndex={0}>
      {text}
    </pre>
  );
}

/** Further actions behind one button; opens without JavaScript. */
type MenuProps = Children & { label: string /** What the button shows; absent: dots. */; sign?: string; small?: boolean; open?: boolean };

export function Menu({ label, sign, small = !sign, open, children }: MenuProps) {
  return (
    <details class="menu" open={open}>
      <summary class={buttonClass(sign ? "plain" : "quiet", small)} aria-label={label} title={label}>
        {sign ?? <Icon name="more" />}
      </summary>
      <div class="menu-items">{children}</div>
    </details>
  );
}
