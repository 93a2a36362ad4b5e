// Bell of the top bar: leads to what needs a person.
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

export const Bell = ({ view }: { view: View }) => (
  <a class="icon" id="bell" href="/admin#needs" aria-label={view.t.shell.bell} title={view.t.shell.bell}>
    <Icon name="bell" />
  </a>
);
