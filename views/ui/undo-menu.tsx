// Last actions of the top bar: each can be undone for ten minutes, on every page.
import type { UndoAction } from "../../src/domain/undo.ts";
import { Button } from "./controls.tsx";
import { Time } from "./figures.tsx";
import { Form } from "./form.tsx";
import { Icon } from "./icon.tsx";
import { PageHead } from "./layout.tsx";
import type { View } from "./view.ts";

/** Opens without JavaScript, too: then it leads to the page of the same list. */
export function UndoMenu({ view }: { view: View }) {
  const { undo } = view.t;
  return (
    <details class="menu undo-menu">
      <summary class="icon" aria-label={undo.title} title={undo.title} hx-get="/admin/undo" hx-target="#last-actions" hx-swap="innerHTML">
        <Icon name="undo" />
      </summary>
      <div class="menu-items" id="last-actions">
        <a href="/admin/undo">{undo.title}</a>
      </div>
    </details>
  );
}

type ListProps = { view: View; actions: readonly UndoAction[] /** Where an undo leads. */; back: string };

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
