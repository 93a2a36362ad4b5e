// Form fields, each with label, hint and error; in a refused form with the values that were typed.
import type { ComponentChildren, InputHTMLAttributes, TextareaHTMLAttributes } from "preact";
import type { Extra } from "./controls.tsx";
import { FormContext, type FormState, isTicked, typedValue } from "./form-state.ts";
import { Icon } from "./icon.tsx";

type Children = { children?: ComponentChildren };
type FieldFrame = { name: string; label: string; hint?: ComponentChildren; error?: string };
type Native = Pick<
  InputHTMLAttributes<HTMLInputElement>,
  | "type"
  | "required"
  | "min"
  | "max"
  | "step"
  | "minLength"
  | "maxLength"
  | "placeholder"
  | "autocomplete"
  | "pattern"
  | "disabled"
  | "inputMode"
  | "accept"
  | "multiple"
>;

/** What is wrong with a field, in plain words; `id` is what the field is described by. */
export const FieldError = ({ id, error }: { id: string; error: string }) => (
  <span id={id} class="err">
    <Icon name="bad" />
    <span>{error}</span>
  </span>
);

function Framed({ name, label, hint, error, children }: FieldFrame & Children) {
  return (
    <div class={error ? "field wrong" : "field"}>
      <label for={`f-${name}`}>{label}</label>
      {children}
      {hint && <small id={`f-${name}-hint`}>{hint}</small>}
      {error && <FieldError id={`f-${name}-error`} error={error} />}
    </div>
  );
}

/** Browsers put the focus on the first field that asks for it, with and without JavaScript. */
export const invalid = (error: string | undefined, describedBy: string) =>
  error ? { "aria-invalid": "true" as const, autofocus: true, "aria-describedby": describedBy } : {};

const marks = ({ name, hint, error }: FieldFrame) => ({
  id: `f-${name}`,
  name,
  ...(hint ? { "aria-describedby": `f-${name}-hint` } : {}),
  ...invalid(error, [hint && `f-${name}-hint`, `f-${name}-error`].filter(Boolean).join(" ")),
});

/** With the error of the form, unless the page has one of its own. */
const framed = <F extends FieldFrame>(form: FormState | null, frame: F): F => ({ ...frame, error: frame.error ?? form?.wrong[frame.name] });

/** A password is typed again, and a file chosen again: neither is sent back. */
const isKept = ({ type, autocomplete }: Native) => type !== "file" && !(type === "password" && autocomplete !== "off");

/** Numbers are text with the keyboard for numbers: what is no number stays to be corrected, and digits have no separators. */
export function asText({ type, min, max, step, ...native }: Native): Native {
  if (type !== "number") return { type, min, max, step, ...native };
  return { ...native, inputMode: step === undefined || Number(step) === 1 ? "numeric" : "decimal", autocomplete: "off" };
}

type FieldProps = FieldFrame & Native & Extra & { value?: string | number; rows?: number; list?: string };

/** A line of text, a number, a date or a secret with its label, hint and error. With `rows`: several lines; `list`: id of a `datalist`. */
export function Field({ name, label, hint, error, value, rows, ...native }: FieldProps) {
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => {
        const frame = framed(form, { name, label, hint, error });
        const shown = isKept(native) ? typedValue(form, name, value) : value;
        return (
          <Framed {...frame}>
            {rows ? (
              <textarea {...marks(frame)} rows={rows} {...(native as TextareaHTMLAttributes<HTMLTextAreaElement>)}>
                {shown}
              </textarea>
            ) : (
              <input {...marks(frame)} value={shown} {...(asText(native) as InputHTMLAttributes<HTMLInputElement>)} />
            )}
          </Framed>
        );
      }}
    </FormContext.Consumer>
  );
}

export type Option = { value: string; label: string };

type SelectProps = FieldFrame & Extra & { value?: string; options: readonly Option[]; submits?: boolean };

/** A choice. `submits`: choosing sends the form, for filters. */
export function Select({ name, label, hint, error, value, options, submits, ...rest }: SelectProps) {
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => {
        const frame = framed(form, { name, label, hint, error });
        const chosen = typedValue(form, name, value);
        return (
          <Framed {...frame}>
            <select {...marks(frame)} data-submit={submits || undefined} {...rest}>
              {options.map((option) => (
                <option key={option.value} value={option.value} selected={option.value === chosen}>
                  {option.label}
                </option>
              ))}
            </select>
          </Framed>
        );
      }}
    </FormContext.Consumer>
  );
}

type ToggleProps = { name: string; label: string; hint?: string; on: boolean; disabled?: boolean } & Extra;

/** On or off. The form has `name=on` when it is on, and nothing when it is off. */
export function Toggle({ name, label, hint, on, disabled, ...rest }: ToggleProps) {
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => (
        <div class="field toggle">
          <label>
            <input type="checkbox" name={name} value="on" checked={isTicked(form, name, "on", on)} disabled={disabled} {...rest} />
            <span>{label}</span>
          </label>
          {hint && <small>{hint}</small>}
        </div>
      )}
    </FormContext.Consumer>
  );
}

type ChoiceProps = Children & { type: "checkbox" | "radio"; name: string; value: string; checked: boolean } & Extra;

/** One of several boxes or radio buttons of a name; its label is what it contains. */
export function Choice({ type, name, value, checked, children, ...rest }: ChoiceProps) {
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => (
        <label>
          <input type={type} name={name} value={value} checked={isTicked(form, name, value, checked)} {...rest} />
          <span>{children}</span>
        </label>
      )}
    </FormContext.Consumer>
  );
}

type TinyProps = {
  label: string;
  name: string;
  wide?: boolean /** Id of what it proposes. */;
  list?: string;
  type?: "number";
} & Pick<InputHTMLAttributes<HTMLInputElement>, "value" | "min" | "max" | "step" | "required" | "maxLength" | "placeholder">;

/** A field in a row: its label lies around it, so that many stand on one page. */
export function Tiny({ label, wide, name, value, ...native }: TinyProps) {
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => {
        const error = form?.wrong[name];
        const id = `t-${form?.name ?? ""}-${name}-error`;
        return (
          <label class={["tiny", wide && "wide", error && "wrong"].filter(Boolean).join(" ")}>
            <span>{label}</span>
            <input
              name={name}
              value={typedValue(form, name, value as string | number | undefined)}
              {...invalid(error, id)}
              {...(asText(native as Native) as InputHTMLAttributes<HTMLInputElement>)}
            />
            {error && <FieldError id={id} error={error} />}
          </label>
        );
      }}
    </FormContext.Consumer>
  );
}

/** On or off, in a row. */
export function TinyToggle({ label, name, on }: { label: string; name: string; on: boolean }) {
  return (
    <FormContext.Consumer>
      {(form: FormState | null) => (
        <label class="tiny-toggle">
          <input type="checkbox" name={name} value="on" checked={isTicked(form, name, "on", on)} />
          <span>{label}</span>
        </label>
      )}
    </FormContext.Consumer>
  );
}
