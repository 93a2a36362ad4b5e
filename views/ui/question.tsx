// Question before harm: what would happen, in numbers, and a form that does it.
import { Button, LinkButton } from "./controls.tsx";
import { Field } from "./fields.tsx";
import { Form } from "./form.tsx";
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

export type QuestionData = {
  title: string;
  about: string;
  /** What is true after it: name and value. */
  facts?: readonly (readonly [string, string])[];
  /** Where the answer goes, with what it was asked with. */
  action: string;
  fields: readonly (readonly [string, string])[];
  /** What is sent as `confirmed`. */
  confirm: string;
  /** The number is typed, not only clicked: label of the field, and whether it was typed wrong. */
  typed?: { label: string; error?: string };
  go: string;
  keep: string;
  /** A page follows, also where the question came into a list. */
  plain?: boolean;
  /** Where "no" leads. */
  back: string;
};

export function Question({ view, data }: { view: View; data: QuestionData }) {
  const { title, about, facts = [], action, fields, confirm, typed, go, keep, plain, back } = data;
  return (
    <Form view={view} action={action} class="box form" label={title} plain={plain}>
      <h2>{title}</h2>
      <p>{about}</p>
      {facts.length > 0 && (
        <dl class="facts">{facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}</dl>
      )}
      {fields.map(([name, value], index) => (
        <input key={`${name} ${index}`} type="hidden" name={name} value={value} />
      ))}
      {typed ? (
        <Field name="confirmed" label={typed.label} error={typed.error} inputMode="numeric" autocomplete="off" data-focus />
      ) : (
        <input type="hidden" name="confirmed" value={confirm} />
      )}
      <div class="foot">
        <Button tone="kill">
          <Icon name="warn" />
          {go}
        </Button>
        <LinkButton href={back} tone="quiet" data-keep>
          {keep}
        </LinkButton>
      </div>
    </Form>
  );
}
