// State of a refused form: values as typed and what is wrong by field; the fields of the form read it.
import { createContext } from "preact";

export type FormState = {
  /** Address that the form was sent to, and its name where a page has several with that address. */
  action: string;
  name: string;
  /** As they were sent. */
  values: { has(name: string): boolean; get(name: string): string | null; getAll(name: string): string[] };
  /** By field, in plain words. */
  wrong: Readonly<Record<string, string>>;
};

/** Null: the form was not refused, or it is another one of the page. */
export const FormContext = createContext<FormState | null>(null);

/** The value of a field: as it was typed, else as it is stored. */
export function typedValue<V>(form: FormState | null, name: string, value: V): V | string {
  return form?.values.has(name) ? form.values.get(name)! : value;
}

/** Whether a box is ticked: as it was sent, else as it is stored. A box that is off is not sent. */
export const isTicked = (form: FormState | null, name: string, value: string, on: boolean): boolean =>
  form ? form.values.getAll(name).includes(value) : on;
