// Lets a pool and the adapters follow the catalogue that is in force.

import type { Kind } from "../../domain/generation.ts";
import type { ProviderModels } from "../../providers/provider.ts";
import type { Leases } from "../pool/lease-contract.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";

/** Hides the families that are switched off from callers of this pool. Changes and returns it. */
export function withCatalogue<P extends Leases>(pool: P, catalogue: () => Catalogue): P & Required<Pick<Leases, "isOff">> {
  const canServe = pool.canServe.bind(pool);
  const families = pool.families.bind(pool);
  const isOff = (family: string) => catalogue().isOff(family);
  const revision = pool.revision?.bind(pool);
  return Object.assign(pool, {
    isOff,
    // Both only grow: no two states have the same sum.
    ...(revision ? { revision: (ids: readonly string[]) => sumOf(revision(ids), catalogue().revision) } : {}),
    canServe: (...[kind, family, providers]: Parameters<Leases["canServe"]>) => !isOff(family) && canServe(kind, family, providers),
    families: (kind: Kind) => families(kind).difference(catalogue().off),
  });
}

const sumOf = (revision: number | null, more: number): number | null => (revision === null ? null : revision + more);

/** The families of a provider, as the catalogue has them at each call. */
export function modelsFor(catalogue: () => Catalogue, provider: string): ProviderModels {
  const now = () => catalogue().ofProvider(provider);
  return {
    find: (family) => now().find(family),
    familiesOf: (wire) => now().familiesOf(wire),
    isName: (id) => now().isName(id),
    assumed: () => now().assumed(),
  };
}
