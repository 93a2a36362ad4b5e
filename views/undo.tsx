// Last actions: each can be undone for ten minutes; the list of the menu, and a page of its own.
import type { UndoEntry } from "../src/domain/undo.ts";
import { Button } from "./ui/controls.tsx";
import { Time } from "./ui/figures.tsx";
import { Form } from "./ui/form.tsx";
import { PageHead } from "./ui/layout.tsx";
import type { View } from "./ui/view.ts";

type ListProps = { view: View; actions: readonly UndoEntry[] /** Where an undo leads. */; back: string };

export function UndoList({ view, actions, back }: ListProps) {
  const { undo } = view.t;
  if (actions.length === 0) return <p class="soft">{undo.none}</p>;
  return (
    <ul class="list">
      {actions.map((action) => (
        <li key={action.id}>
          <span class="grow">{undo.did(action)}</span>
          <span class="soft">
            <Time view={view} value={action.at} />
          </span>
          <Form view={view} action={`/admin/undo/${action.id}`} class="action">
            <input type="hidden" name="back" value={back} />
            <Button small>
              {undo.undo}
              <span class="unseen"> {undo.did(action)}</span>
            </Button>
          </Form>
        </li>
      ))}
    </ul>
  );
}

export function UndoPage({ view, actions }: Omit<ListProps, "back">) {
  const { undo } = view.t;
  return (
    <div class="medium flow">
      <PageHead title={undo.title} about={undo.about} />
      <section class="box">
        <UndoList view={view} actions={actions} back="/admin/undo" />
      </section>
    </div>
  );
}
