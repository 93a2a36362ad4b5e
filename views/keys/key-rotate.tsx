// Rotation of a key: how long the former secret stays valid.
import { Button, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import type { View } from "../ui/view.ts";
import { keyHref, type ShownKey } from "./keys.tsx";

/** A day: long enough for a client that is restarted each night. */
const USUAL_HOURS = 24;

export function RotatePage({ view, shown: { row } }: { view: View; shown: ShownKey }) {
  const { keys, controls } = view.t;
  return (
    <div class="medium flow">
      <PageHead up={{ href: keyHref(row.id), label: row.name }} title={keys.rotateTitle(row.name)} about={keys.rotateAbout} />
      <Form view={view} action={keyHref(row.id, "/rotate")} class="box form">
        <Field
          name="hours"
          label={keys.rotateHours}
          hint={keys.rotateHoursHint}
          type="number"
          min={0}
          max={720}
          step="any"
          value={USUAL_HOURS}
          required
          data-focus
        />
        <div class="foot">
          <Button tone="primary">{keys.rotateNow}</Button>
          <LinkButton href={keyHref(row.id)} tone="quiet">
            {controls.cancel}
          </LinkButton>
        </div>
      </Form>
    </div>
  );
}
