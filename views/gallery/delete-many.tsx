// Question before many media items are deleted: names how many.

import { Button, LinkButton } from "../ui/controls.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";

type Props = { view: View; count: number; back: string /** Absent: everything that `back` shows. */; ids: readonly string[] | null };

export function DeleteManyPage({ view, count, back, ids }: Props) {
  const { gallery, controls } = view.t;
  const shown = formatCount(count, view.locale);
  return (
    <div class="medium flow">
      <h1>{gallery.deleteMany(shown)}</h1>
      <Hint tone="bad">{gallery.deleteManyAbout}</Hint>
      <Form view={view} action="/admin/gallery/delete" class="row">
        <input type="hidden" name="back" value={back} />
        <input type="hidden" name="sure" value="on" />
        {ids === null ? (
          <input type="hidden" name="every" value="on" />
        ) : (
          ids.map((id) => <input key={id} type="hidden" name="id" value={id} />)
        )}
        <Button tone="kill" icon="trash">
          {gallery.deleteManyNow(shown)}
        </Button>
        <LinkButton href={back} tone="quiet" data-focus>
          {controls.cancel}
        </LinkButton>
      </Form>
    </div>
  );
}
