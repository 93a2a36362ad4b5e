// Search box of the top bar: Ctrl K leads to it.
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

export function SearchBox({ view }: { view: View }) {
  const { shell } = view.t;
  return (
    <search>
      <form class="find" action="/admin/requests">
        <label class="row nowrap">
          <Icon name="search" />
          <span class="unseen">{shell.searchAll}</span>
          <input type="search" name="q" maxLength={200} placeholder={shell.searchAll} data-search-all />
        </label>
        <kbd class="desk">Ctrl K</kbd>
      </form>
    </search>
  );
}
