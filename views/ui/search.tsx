// Search box of the top bar: Ctrl K leads to it.
import { Icon } from "./icon.tsx";
import type { View } from "./view.ts";

export function SearchBox({ view }: { view: View }) {
  return (
    <search>
      <form class="find" action="/admin/search">
        <input type="hidden" name="go" value="1" />
        <label class="row nowrap">
          <Icon name="search" />
          <span class="unseen">{view.t.search.label}</span>
          <input type="search" name="q" maxLength={200} placeholder={view.t.search.label} data-search-all />
        </label>
        <kbd class="desk">Ctrl K</kbd>
      </form>
    </search>
  );
}
