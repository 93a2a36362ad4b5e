// Generates images for a request: chooses the family, admits the key, and starts the Generation that makes them.

import type { Admission } from "../limits/contract.ts";
import { MemoryBudget } from "../media/memory-budget.ts";
import { type ChosenFamily, requireFamily } from "../models/choose-family.ts";
import { takesAspect, withModel } from "../models/image-options.ts";
import type { Generate, ImageGeneration } from "./contract.ts";
import { withDefaultShape } from "./default-shape.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { Generation } from "./generation.ts";
import { holdText } from "./inputs/request-text.ts";
import { ImagePlan, planImages } from "./plan-images.ts";
import { imagePayload } from "./request-payload.ts";
import { GenerationRecord } from "./request-record.ts";
import { RouteCache } from "./route-cache.ts";
import { RunningGenerations } from "./running-generations.ts";
import { joinUndelivered } from "./undelivered/join.ts";

export function createGenerate(deps: GenerateDependencies): Generate {
  const routes = new RouteCache(deps);
  const running = deps.running ?? new RunningGenerations(deps.shutdown);
  const memory = deps.memory ?? new MemoryBudget();

  /** By a remembered route; else a new one, which may be that of a successor. */
  function plan(request: ImageGeneration, record: GenerationRecord): ImagePlan {
    let made: ImagePlan | null = null;
    const route = routes.routeOf(request, () => {
      const chosen = chooseServed(deps, request);
      record.serve(chosen.family);
      made = planImages(deps, request, chosen, record);
      return made.route;
    });
    if (made) return made;
    const { family, successorOf } = route;
    record.serve(family);
    if (successorOf !== null) deps.log.info("A retired model is served by its successor", { requested: successorOf, family });
    return new ImagePlan(deps, { request, route, turns: request.turns, record });
  }

  return async (request) => {
    const payload = deps.settings().requests.record_payloads ? imagePayload(request) : undefined;
    const record = new GenerationRecord(deps, payload ? { ...request, payload } : request);
    let admission: Admission | null = null;
    let release: (() => void) | null = null;
    try {
      release = holdText(request, deps.holdBytes);
      if (deps.undelivered?.has(request.key.id) && !request.forJob) {
        const joined = await joinUndelivered({ ...deps, undelivered: deps.undelivered }, request, record);
        if (joined) {
          release?.();
          return joined;
        }
      }
      const planned = plan(request, record);
      const { family } = planned;
      deps.media.assertSpace();
      const { requestId, key, choice, forJob, n } = request;
      const { images, videoSeconds, usd } = planned.lease.estimate;
      const estimate = { images: images * n, videoSeconds, usd: usd * n };
      admission = await deps.limits.admit(key.id, { requestId, kind: "image", model: choice.requested, family, estimate, forJob });
      const generation = new Generation(deps, planned, { running, admission, memory, release });
      generation.start();
      if (!generation.events.hasBegun) await generation.events.begun();
      deps.media.claimInputs(requestId);
      return generation.toRun(deps.pool.usualMs?.("image", family));
    } catch (error) {
      release?.();
      record.fail(error);
      record.close(admission);
      throw error;
    }
  };
}

/** The first living family of the choice that the pool can serve; one that has the shape asked for goes first. */
function chooseServed(deps: GenerateDependencies, { choice, options, turns }: ImageGeneration): ChosenFamily {
  const asked = withDefaultShape(withModel(choice.params, options), turns);
  const { successors } = deps.settings().generation;
  const catalogue = deps.catalogue();
  const fits = (family: string) => takesAspect(catalogue.imageFamily(family), asked);
  return requireFamily(choice, deps.pool, { successors, fits, log: deps.log });
}
