// Packages that the program needs at run time, as bun.lock has them: names, versions, sums, and what each depends on.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

type Needs = {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalPeers?: string[];
};
type Lock = { workspaces: Record<string, Needs & { devDependencies?: Record<string, string> }>; packages: Record<string, unknown[]> };

export type LockedPackage = {
  /** Place in the tree, e.g. `a/@b/c`: `@b/c` below `a`. */
  key: string;
  name: string;
  version: string;
  /** As in the lock, e.g. `sha512-…` in base64. */
  integrity: string;
  /** Keys. */
  dependencies: string[];
  /** From the root of the project. */
  folder: string;
};

export type Locked = { direct: string[]; packages: LockedPackage[] };

/** Names of the path `a/@b/c`: `a`, `@b/c`. */
export const namesOf = (key: string): string[] => key.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];

/**
 * Everything that the dependencies of the project reach: their own, optional ones that are locked, and peers that they demand. A peer that
 * the project has for development only (a compiler of types) is not needed at run time.
 */
export function productionPackages(lockText: string): Locked {
  const lock = Bun.JSONC.parse(lockText) as Lock;
  const { dependencies = {}, devDependencies = {} } = lock.workspaces[""]!;
  const found = new Map<string, LockedPackage>();
  const visit = (name: string, from: string): string | null => {
    const key = placeOf(lock, name, from);
    if (key === null || found.has(key)) return key;
    const [id, , needs, integrity] = lock.packages[key] as [string, string, Needs, string];
    const at = id.lastIndexOf("@");
    const locked: LockedPackage = {
      key,
      name: id.slice(0, at),
      version: id.slice(at + 1),
      integrity,
      dependencies: [],
      folder: `node_modules/${namesOf(key).join("/node_modules/")}`,
    };
    found.set(key, locked);
    const peers = Object.keys(needs.peerDependencies ?? {}).filter(
      (peer) => !needs.optionalPeers?.includes(peer) && !(peer in devDependencies && !(peer in dependencies)),
    );
    const needed = [...Object.keys(needs.dependencies ?? {}), ...Object.keys(needs.optionalDependencies ?? {}), ...peers];
    const keys = needed.map((dependency) => visit(dependency, key)).filter((dependency) => dependency !== null);
    locked.dependencies = [...new Set(keys)].sort();
    return key;
  };
  const direct = Object.keys(dependencies).map((name) => {
    const key = visit(name, "");
    if (key === null) throw new Error(`bun.lock does not have ${name}: run bun install`);
    return key;
  });
  return { direct: direct.sort(), packages: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

/** The nearest package of this name, from below `from` up to the root; null: it is not locked (an optional one for another platform). */
function placeOf({ packages }: Lock, name: string, from: string): string | null {
  for (const above = namesOf(from); ; above.pop()) {
    const key = [...above, name].join("/");
    if (key in packages) return key;
    if (above.length === 0) return null;
  }
}

export const readLocked = (): Locked => productionPackages(readFileSync(join(ROOT, "bun.lock"), "utf8"));
