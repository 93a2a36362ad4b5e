// The list of keyboard shortcuts, which `?` opens.
import { buttonClass } from "./controls.tsx";
import type { View } from "./view.ts";

export function Shortcuts({ view }: { view: View }) {
  const { shortcuts } = view.t.shell;
  const rows: readonly [string, string][] = [
    ["g", shortcuts.go],
    ["/", shortcuts.search],
    ["Ctrl K", shortcuts.searchAll],
    ["j k", shortcuts.rows],
    ["x", shortcuts.select],
    ["Enter", shortcuts.open],
    ["?", shortcuts.help],
  ];
  return (
    <dialog id="shortcuts" aria-label={shortcuts.title}>
      <h2>{shortcuts.title}</h2>
      <dl>
        {rows.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" class={buttonClass()}>
          {shortcuts.close}
        </button>
      </form>
    </dialog>
  );
}
