// The form of every page: sent by htmx or plainly, shown again with its mistakes, and a button that is a form.
import type { ComponentChildren } from "preact";
import { Button, type ButtonProps, type Extra } from "./controls.tsx";
import { FormContext, type FormState } from "./form-state.ts";
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

type Children = { children?: ComponentChildren };

type FormProps = Children &
  Extra & {
    view: View;
    action: string;
    /** Where a page has several forms with this action: tells them apart. */
    name?: string;
    id?: string;
    class?: string;
    /** For files; needs `multipart` on the other side too. */
    multipart?: boolean;
    label?: string;
    /** Sent by the browser itself: the response is a download. */
    plain?: boolean;
    /** Its mistakes come beside it, in a part of the page. */
    ownMistakes?: boolean;
  };

/** What htmx does with a form that says nothing else: the page that follows takes the place of this one. */
const htmxOf = (action: string) => ({ "hx-post": action, "hx-target": "#main", "hx-swap": "innerHTML show:window:top" });

/**
 * A form that changes something: a POST with the session's form token. Refused (422), its page comes again with what was typed, each
 * mistake under its field. Rules are the server's: the browser's own messages would come one by one, in another language.
 */
export function Form({ view, action, name = "", multipart, label, plain, ownMistakes, children, ...rest }: FormProps) {
  const refused = view.form?.action === action && view.form.name === name ? view.form : null;
  const htmx = plain || "hx-post" in rest ? {} : htmxOf(action);
  return (
    <form
      method="post"
      action={action}
      enctype={multipart ? "multipart/form-data" : undefined}
      aria-label={label}
      novalidate
      data-busy={view.t.forms.busy}
      {...htmx}
      {...rest}
    >
      <input type="hidden" name="form_token" value={view.formToken} />
      {!ownMistakes && <input type="hidden" name="form_page" value={view.path} />}
      {name !== "" && <input type="hidden" name="form_name" value={name} />}
      <FormContext.Provider value={refused}>
        {refused && <Mistakes view={view} form={refused} />}
        {view.may(action) ? (
          children
        ) : (
          <fieldset class="not-yours" disabled title={view.t.controls.notYours}>
            {children}
          </fieldset>
        )}
      </FormContext.Provider>
    </form>
  );
}

/** How many fields need a change. Each says why itself. */
function Mistakes({ view, form: { wrong } }: { view: View; form: FormState }) {
  const { forms } = view.t;
  return (
    <div class="note bad" role="alert">
      <Icon name="bad" />
      <div>
        <strong>{forms.mistakes(Object.keys(wrong).length)}</strong> {forms.kept}
      </div>
    </div>
  );
}

type ActionProps = Omit<ButtonProps, "form" | "name" | "value" | "type"> & {
  view: View;
  action: string;
  /** CSS selector of what the response replaces; absent: answered by a page. */
  target?: string;
  /** How it is put in place; absent: instead of the target. */
  swap?: string;
  /** Further fields of the form. */
  fields?: Record<string, string>;
};

/** One button that does one thing: a form of its own, so that it works without JavaScript. */
export function ActionButton({ view, action, target, swap = "outerHTML", fields = {}, ...button }: ActionProps) {
  const htmx = target ? { "hx-post": action, "hx-target": target, "hx-swap": swap } : {};
  return (
    <Form view={view} action={action} class="action" {...htmx}>
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <Button {...button} />
    </Form>
  );
}
