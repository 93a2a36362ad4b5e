// Plan for the successor of a retired image model: the next family of the model id, within the same request.
import { AppError } from "../../errors.ts";
import { chooseFamily } from "../models/choose-family.ts";
import { takesAspect } from "../models/image-options.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { type ImagePlan, planImages } from "./plan-images.ts";

/**
 * Null: no family of the model id is left that can serve the request.
 * @param tried families that were refused for this request, that of `plan` included
 */
export function planSuccessor(
  deps: Pick<GenerateDependencies, "pool" | "affinity" | "catalogue" | "settings">,
  plan: ImagePlan,
  tried: ReadonlySet<string>,
): ImagePlan | null {
  if (!deps.settings().generation.successors) return null;
  const { request, options } = plan;
  const [first, ...others] = request.choice.families.filter((family) => !tried.has(family) && !deps.pool.isOff?.(family));
  if (!first) return null;
  const catalogue = deps.catalogue();
  const chosen = chooseFamily(
    { ...request.choice, families: [first, ...others], retired: true },
    {
      canServe: (family) => deps.pool.canServe("image", family),
      successors: true,
      fits: (family) => takesAspect(catalogue.imageFamily(family), options),
    },
  );
  if (!chosen) return null;
  try {
    return planImages(deps, request, chosen);
  } catch (error) {
    // What the successor cannot express is not reported to the client, which named another model.
    if (error instanceof AppError) return null;
    throw error;
  }
}
