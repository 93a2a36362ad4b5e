// Live badge of the top bar: forms.js shows it where the page listens to an event stream, with what the stream does.
import type { View } from "./view.ts";

export function Live({ view }: { view: View }) {
  const { shell } = view.t;
  return (
    <span class="live" role="status" data-live={shell.live} data-reconnecting={shell.reconnecting} data-paused={shell.paused} hidden>
      <span>{shell.live}</span>
    </span>
  );
}
