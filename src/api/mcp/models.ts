// Tool list_models: the models that the key may use and the pool serves, with what each can make.

import type { Kind } from "../../domain/generation.ts";
import { modelsFor } from "../../gateway/keys/served-models.ts";
import type { Family } from "../../gateway/models/family.ts";
import type { Api, Call, ToolResult } from "./call.ts";
import type { ModelsArguments } from "./schema.ts";

export function listModels(api: Api, { key }: Call, { kind }: ModelsArguments): ToolResult {
  const { generation } = api.settings.current();
  const kinds: Kind[] = api.jobs ? ["image", "video"] : ["image"];
  const catalogue = api.catalogue();
  const served = { catalogue, pool: api.pool, successors: generation.successors, kinds, listsAll: false };
  const all = modelsFor(served, key, false).filter((entry) => !kind || entry.kind === kind);
  // Other names of a family only where the key names them.
  const entries = all.filter(({ id, family }) => id === family || !all.some((one) => one.id === family));
  const models = entries.map((entry) => ({
    id: entry.id,
    kind: entry.kind,
    description: entry.description,
    ...(entry.id === catalogue.defaultFamily(entry.kind) ? { default: true } : {}),
    ...optionsOf(catalogue.familyOf(entry.family), (provider) => api.pool.canServe(entry.kind, entry.family, [provider])),
  }));
  if (models.length === 0) return { content: [{ type: "text", text: "No model can be used now: ask the operator of this server." }] };
  return { content: [{ type: "text", text: JSON.stringify({ models }) }] };
}

/** What some provider that serves it can make. */
function optionsOf(family: Family | null, serves: (provider: string) => boolean) {
  if (!family) return {};
  const all = <T>(lists: readonly (readonly T[])[]) => [...new Set(lists.flat())];
  if (family.kind === "image") {
    const limits = Object.entries(family.providers).flatMap(([provider, one]) => (serves(provider) ? [one] : []));
    return {
      aspect_ratios: all(limits.map(({ aspects }) => aspects)),
      sizes: all(limits.map(({ sizes }) => sizes)),
      max_input_images: Math.max(0, ...limits.map(({ maxInputs }) => maxInputs)),
    };
  }
  const limits = Object.entries(family.providers).flatMap(([provider, one]) => (serves(provider) ? [one] : []));
  return {
    aspect_ratios: all(limits.map(({ aspects }) => aspects)),
    resolutions: all(limits.map(({ resolutions }) => resolutions)),
    starts_from: all(limits.map(({ modes }) => Object.keys(modes))),
    seconds: all(
      limits.map(({ modes }) =>
        Object.values(modes).map(({ seconds }) => seconds.values?.join(", ") ?? `${seconds.min} to ${seconds.max}`),
      ),
    ),
  };
}
