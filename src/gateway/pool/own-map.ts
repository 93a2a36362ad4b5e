// Maps by family that most tokens and groups have no entry of: all share one empty map until their first.

/** Never changed. Ten thousand tokens would else begin with seventy thousand maps. */
export const NONE: ReadonlyMap<string, never> = new Map<string, never>();

/** The map with the entry, changed in place unless it is {@link NONE}: it takes the place of the one that was given. */
export function withEntry<V>(map: ReadonlyMap<string, V>, name: string, value: V): ReadonlyMap<string, V> {
  const own = map === NONE ? new Map<string, V>() : (map as Map<string, V>);
  return own.set(name, value);
}

/** The map without the entry, changed in place. */
export function withoutEntry<V>(map: ReadonlyMap<string, V>, name: string): ReadonlyMap<string, V> {
  if (map !== NONE) (map as Map<string, V>).delete(name);
  return map.size === 0 ? NONE : map;
}
