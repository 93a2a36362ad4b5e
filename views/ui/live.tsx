// Live badge of the top bar: shown by app.js where the page listens to an event stream.
import type { View } from "./view.ts";

export function Live({ view }: { view: View }) {
  return (
    <span class="live push" data-live hidden>
      <span>{view.t.shell.live}</span>
    </span>
  );
}
