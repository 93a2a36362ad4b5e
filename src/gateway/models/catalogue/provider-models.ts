// The families of one provider as its adapter sees them: by public id and by the provider's own. Pure.

import type { ProviderModels, WireModel } from "../../../providers/provider.ts";
import type { Family } from "../family.ts";

/** @param isName whether an id is a name of a known model */
export function providerModels(families: readonly Family[], provider: string, isName: (id: string) => boolean): ProviderModels {
  const models = new Map<string, WireModel>();
  const byWire = new Map<string, string[]>();
  const assumed: string[] = [];
  for (const family of families) {
    const limits = family.providers[provider];
    if (!limits) continue;
    models.set(family.id, toWire(family, provider));
    byWire.set(limits.wire, [...(byWire.get(limits.wire) ?? []), family.id]);
    if (!limits.onlyWhenLearned) assumed.push(family.id);
  }
  return { isName, find: (id) => models.get(id) ?? null, familiesOf: (wire) => byWire.get(wire) ?? [], assumed: () => assumed };
}

function toWire(family: Family, provider: string): WireModel {
  if (family.kind === "video") {
    const { wire, aspects } = family.providers[provider]!;
    return { kind: "video", wire, aspects, sizes: [], levels: null, thinks: false };
  }
  const { wire, aspects, sizes, levels, thinks } = family.providers[provider]!;
  return { kind: "image", wire, aspects, sizes, levels, thinks };
}
