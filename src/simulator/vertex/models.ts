// What the simulated Vertex has, and where. Source: locations and model pages of docs.cloud.google.com, read 2026-11-29.
import { allModels, type GeminiModel } from "../gemini/models.ts";
import type { World } from "../world.ts";

/** Models that Vertex calls otherwise than the Gemini API does. */
const OWN_NAMES: Readonly<Record<string, string>> = { "gemini-omni-1.1-flash": "gemini-omni-1.1-flash-preview" };

export const vertexModels = (world: World): GeminiModel[] =>
  allModels(world).map((model) => ({ ...model, id: OWN_NAMES[model.id] ?? model.id, vertex: true }));

/** Models that are not at `global` alone. */
const REGIONAL: ReadonlySet<string> = new Set(["gemini-2.5-flash-image", "gemini-2.5-flash"]);

/** The model as this location has it, or undefined. */
export const modelAt = (world: World, id: string, location: string): GeminiModel | undefined =>
  vertexModels(world).find((model) => model.id === id && (location === "global" || REGIONAL.has(id)));

/** An entry of the list, which says nothing of the project. */
export const publisherModel = ({ id }: GeminiModel): Record<string, unknown> => ({
  name: `publishers/google/models/${id}`,
  versionId: "default",
  openSourceCategory: "PROPRIETARY",
  launchStage: id.endsWith("-preview") ? "PUBLIC_PREVIEW" : "GA",
  publisherModelTemplate: `projects/{user-project}/locations/{location}/publishers/google/models/${id}@default`,
});
