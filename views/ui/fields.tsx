// Form fields, each with label, hint and error.
import type { ComponentChildren, InputHTMLAttributes, TextareaHTMLAttributes } from "preact";
import type { Extra } from "./controls.tsx";

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

function Framed({ name, label, hint, error, children }: FieldFrame & Children) {
  return (
    <div class={error ? "field wrong" : "field"}>
      <label for={`f-${name}`}>{label}</label>
      {children}
      {hint && <small id={`f-${name}-hint`}>{hint}</small>}
      {error && (
        <small id={`f-${name}-error`} class="err">
          {error}
        </small>
      )}
    </div>
  );
}

const marks = ({ name, hint, error }: FieldFrame) => ({
  id: `f-${name}`,
  name,
  "aria-invalid": error ? ("true" as const) : undefined,
  "aria-describedby": [hint && `f-${name}-hint`, error && `f-${name}-error`].filter(Boolean).join(" ") || undefined,
});

/** A line of text, a number, a date or a secret with its label, hint and error. With `rows`: several lines; `list`: id of a `datalist`. */
export function Field({
  name,
  label,
  hint,
  error,
  value,
  rows,
  ...native
}: FieldFrame & Native & Extra & { value?: string | number; rows?: number; list?: string }) {
  const frame = { name, label, hint, error };
  return (
    <Framed {...frame}>
      {rows ? (
        <textarea {...marks(frame)} rows={rows} {...(native as TextareaHTMLAttributes<HTMLTextAreaElement>)}>
          {value}
        </textarea>
      ) : (
        <input {...marks(frame)} value={value} {...(native as InputHTMLAttributes<HTMLInputElement>)} />
      )}
    </Framed>
  );
}

export type Option = { value: string; label: string };

/** A choice. `submits`: choosing sends the form, for filters. */
export function Select({
  name,
  label,
  hint,
  error,
  value,
  options,
  submits,
  ...rest
}: FieldFrame & Extra & { value?: string; options: readonly Option[]; submits?: boolean }) {
  const frame = { name, label, hint, error };
  return (
    <Framed {...frame}>
      <select {...marks(frame)} data-submit={submits || undefined} {...rest}>
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
    </Framed>
  );
}

/** On or off. The form has `name=on` when it is on, and nothing when it is off. */
export function Toggle({
  name,
  label,
  hint,
  on,
  disabled,
  ...rest
}: { name: string; label: string; hint?: string; on: boolean; disabled?: boolean } & Extra) {
  return (
    <div class="field toggle">
      <label>
        <input type="checkbox" name={name} value="on" checked={on} disabled={disabled} {...rest} />
        <span>{label}</span>
      </label>
      {hint && <small>{hint}</small>}
    </div>
  );
}
