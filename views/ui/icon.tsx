// Icon: one of the set in icons.ts, drawn from one sheet that the browser stores.
import { h } from "preact";
import { render } from "preact-render-to-string";
import { ICONS, type IconName } from "./icons.ts";

export type { IconName } from "./icons.ts";

/** All icons as symbols: an SVG document, made once. */
export const ICON_SHEET = render(
  <svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true">
    {Object.entries(ICONS).map(([name, shapes]) => (
      <symbol key={name} id={name} viewBox="0 0 24 24">
        {shapes.map(([tag, attributes]) => h(tag, attributes))}
      </symbol>
    ))}
  </svg>,
);

/** Its address, which changes with its content: a fragment needs no sheet of its own, and no page carries one. */
export const ICON_SHEET_URL = `/admin/assets/i-${Bun.hash(ICON_SHEET).toString(36)}.svg`;

/** Beside a word. `label` names one that stands alone. */
export function Icon({ name, label, spins }: { name: IconName; label?: string; spins?: boolean }) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return h("svg", { class: spins ? "i spin" : "i", ...named }, <use href={`${ICON_SHEET_URL}#${name}`} />);
}
