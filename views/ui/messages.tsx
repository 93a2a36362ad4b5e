// Messages: toasts in the corner and alerts in the page.
import type { ComponentChildren } from "preact";
import { buttonClass } from "./controls.tsx";
import { Form } from "./form.tsx";
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

/** A message to show on the next page, or at once: plain data, so that it can wait. */
export type Notice = {
  text: string;
  tone?: "ok" | "bad";
  /** A way back: what the button does, as a form. */
  undo?: { action: string; fields?: Record<string, string> };
};

/** How long one stays that says no error, ms. One with a way back stays longer. */
const STAY_MS = 5_000;
const STAY_WITH_UNDO_MS = 12_000;

export function Toast({ view, text, tone = "ok", undo }: Notice & { view: View }) {
  const stay = undo ? STAY_WITH_UNDO_MS : STAY_MS;
  return (
    <div class={`toast ${tone}`} role={tone === "bad" ? "alert" : "status"} data-timeout={tone === "bad" ? undefined : stay}>
      <Icon name={tone === "bad" ? "bad" : "ok"} />
      <span class="grow">{text}</span>
      {undo && (
        <Form view={view} action={undo.action}>
          <input type="hidden" name="back" value={view.path} />
          {Object.entries(undo.fields ?? {}).map(([name, value]) => (
            <input key={name} type="hidden" name={name} value={value} />
          ))}
          <button type="submit">{view.t.controls.undo}</button>
        </Form>
      )}
      <button type="button" class="bare" data-dismiss aria-label={view.t.controls.dismiss}>
        <Icon name="x" />
      </button>
    </div>
  );
}

/** A toast that travels beside a fragment. */
export function ToastBeside({ view, notice }: { view: View; notice: Notice }) {
  const Partial = "hx-partial" as unknown as (props: Record<string, unknown>) => null;
  return (
    <Partial hx-target="#toasts" hx-swap="beforeend">
      <Toast view={view} {...notice} />
    </Partial>
  );
}

type ErrorAlertProps = {
  view: View;
  /** Default: an action failed. */
  title?: string;
  message: string;
  /** Fields, and what is wrong with each. */
  wrong?: Readonly<Record<string, string>>;
  /** It came among what the reader does, and can be put away. */
  dismissable?: boolean;
};

/** Why something did not work, in place. */
export function ErrorAlert({ view, title = view.t.errors.title, message, wrong, dismissable }: ErrorAlertProps) {
  return (
    <div class="note bad" role="alert">
      <Icon name="bad" />
      <div class="grow">
        <strong>{title}</strong>
        <p>{message}</p>
        {wrong && Object.keys(wrong).length > 0 && (
          <ul>
            {Object.entries(wrong).map(([name, what]) => (
              <li key={name}>{what}</li>
            ))}
          </ul>
        )}
      </div>
      {dismissable && (
        <button type="button" class={buttonClass("quiet", true)} data-dismiss aria-label={view.t.controls.dismiss}>
          <Icon name="x" />
        </button>
      )}
    </div>
  );
}

type HintProps = { tone?: "plain" | "warn" | "ok" | "bad"; isAlert?: boolean; children: ComponentChildren };

/** Something to know. `isAlert`: it came by itself, and is read aloud at once. */
export function Hint({ tone = "plain", isAlert, children }: HintProps) {
  return (
    <div class={`note ${tone}`} role={isAlert ? "alert" : undefined}>
      <Icon name={tone === "plain" ? "info" : tone} />
      <div class="grow">{children}</div>
    </div>
  );
}
