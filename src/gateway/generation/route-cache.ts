// Route cache: how a request is served, remembered by model and shape while pool, settings and catalogue stay as they are.

import type { Settings } from "../../config/settings-schema.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { ImageGeneration } from "./contract.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import type { Route } from "./plan-images.ts";

/** What a route was decided by, besides the request. */
type Basis = { revision: number; settings: Settings; catalogue: Catalogue };

const MAX_ROUTES = 1000;

export class RouteCache {
  readonly #routes = new Map<string, Basis & { route: Route }>();

  constructor(private readonly deps: Pick<GenerateDependencies, "pool" | "settings" | "catalogue">) {}

  /** The route of the request that is remembered and still holds; null: it has to be decided. */
  find(request: ImageGeneration): Route | null {
    const key = keyOf(request);
    const known = key === null ? undefined : this.#routes.get(key);
    if (!known || known.revision !== this.#revisionFor(request)) return null;
    return known.settings === this.deps.settings() && known.catalogue === this.deps.catalogue() ? known.route : null;
  }

  /** Requests with inputs or rare options are decided each time. */
  remember(request: ImageGeneration, route: Route): void {
    const key = keyOf(request);
    const revision = this.#revisionFor(request);
    if (key === null || revision === null) return;
    this.#routes.delete(key);
    if (this.#routes.size >= MAX_ROUTES) this.#routes.delete(this.#routes.keys().next().value!);
    this.#routes.set(key, { revision, settings: this.deps.settings(), catalogue: this.deps.catalogue(), route });
  }

  #revisionFor({ choice }: ImageGeneration): number | null {
    return this.deps.pool.revision?.(choice.families) ?? null;
  }
}

/** Null for a request whose route is decided by more than its model and shape. */
function keyOf({ choice, options, turns, shapeParams }: ImageGeneration): string | null {
  const { aspect, size, pixels, thinking, safety, search, temperature, topP, topK, personGeneration } = options;
  if ((safety ?? search ?? temperature ?? topP ?? topK ?? personGeneration) !== undefined) return null;
  for (const { parts } of turns) {
    if (parts.length === 0) return null;
    for (const { type } of parts) if (type !== "text") return null;
  }
  // Most requests ask for no shape: the model's name is the key.
  if ((aspect ?? size ?? pixels ?? thinking ?? shapeParams) === undefined) return choice.requested;
  const shape = pixels ? `${pixels.width}x${pixels.height}` : "";
  const exact = shapeParams ? `${shapeParams.aspect} ${shapeParams.size} ${shapeParams.thinking}` : "";
  return `${choice.requested} ${aspect} ${size} ${shape} ${thinking} ${exact}`;
}
