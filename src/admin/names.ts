// Names of keys and tokens by id, for pages.
import type { AdminContext } from "./context.ts";

/** Keys among which a filter lets choose: a page with thousands of them helps nobody. */
const MAX_KEYS = 200;

/** The latest keys for a filter, with the one that is chosen. */
export function keyChoices({ keys }: Pick<AdminContext, "keys">, chosen: string): { value: string; label: string }[] {
  const shown = keys.latest(MAX_KEYS);
  const current = keys.get(Number(chosen));
  return [...(current && !shown.includes(current) ? [current] : []), ...shown].map(({ id, name }) => ({ value: `${id}`, label: name }));
}

/** Labels of the pool's tokens by id; only those asked for are looked up. */
export const tokenLabels = ({ pool }: Pick<AdminContext, "pool">): Pick<ReadonlyMap<number, string>, "get"> => ({
  get: (id) => pool.view(id)?.label,
});
