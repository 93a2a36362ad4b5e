// Last actions of the top bar: each can be undone for ten minutes, on every page.
import { Icon } from "./icon.tsx";
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
