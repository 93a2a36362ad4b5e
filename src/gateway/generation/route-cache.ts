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

  /**
   * The route of the request, decided by `decide` where none is remembered that still holds. Requests with inputs or rare options are
   * decided each time.
   */
  routeOf(request: ImageGeneration, decide: () => Route): Route {
    const key = keyOf(request);
    const revision = key === null ? null : (this.deps.pool.revision?.(request.choice.families) ?? null);
    if (key === null || revision === null) return decide();
    const settings = this.deps.settings();
    const catalogue = this.deps.catalogue();
    const known = this.#routes.get(key);
    if (known && known.revision === revision && known.settings === settings && known.catalogue === catalogue) return known.route;
    const route = decide();
    this.#routes.delete(key);
    if (this.#routes.size >= MAX_ROUTES) this.#routes.delete(this.#routes.keys().next().value!);
    this.#routes.set(key, { revision, settings, catalogue, route });
    return route;
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
  const shape = pixels ? `${pixels.width}x${pixels.height}` : "";
  const exact = shapeParams ? `${shapeParams.aspect} ${shapeParams.size} ${shapeParams.thinking}` : "";
  return `${choice.requested} ${aspect} ${size} ${shape} ${thinking} ${exact}`;
}
