// Generates images for a request: chooses the family, admits the key, and starts the Generation that makes them.

import type { Admission, AdmissionRequest } from "../limits/contract.ts";
import { MemoryBudget } from "../media/memory-budget.ts";
import { type ChosenFamily, requireFamily } from "../models/choose-family.ts";
import { takesAspect, withModel } from "../models/image-options.ts";
import type { Generate, ImageGeneration } from "./contract.ts";
import { withDefaultShape } from "./default-shape.ts";
import type { GenerateDependencies, GenerationDependencies } from "./dependencies.ts";
import { type Admitted, admitWithLease } from "./early-lease.ts";
import { Generation } from "./generation.ts";
import { holdText } from "./inputs/request-text.ts";
import { ImagePlan, planImages } from "./plan-images.ts";
import { imagePayload } from "./request-payload.ts";
import { GenerationRecord } from "./request-record.ts";
import { RouteCache } from "./route-cache.ts";
import { RunningGenerations } from "./running-generations.ts";
import { joinUndelivered } from "./undelivered/join.ts";

export function createGenerate(all: GenerateDependencies): Generate {
  const running = all.running ?? new RunningGenerations(all.shutdown, all.clock);
  const deps: GenerationDependencies = { ...all, running, memory: all.memory ?? new MemoryBudget() };
  const routes = new RouteCache(deps);

  /** By a remembered route; else a new one, which may be that of a successor. */
  function plan(request: ImageGeneration, record: GenerationRecord): ImagePlan {
    const route = routes.find(request);
    if (route === null) return planAnew(request, record);
    record.serve(route.family);
    if (route.successorOf !== null)
      deps.log.info("A retired model is served by its successor", { requested: route.successorOf, family: route.family });
    return new ImagePlan(deps, request, route);
  }

  function planAnew(request: ImageGeneration, record: GenerationRecord): ImagePlan {
    const chosen = chooseServed(deps, request);
    record.serve(chosen.family);
    const made = planImages(deps, request, chosen);
    routes.remember(request, made.route);
    return made;
  }

  return async (request) => {
    const record = new GenerationRecord(deps, deps.settings().requests.record_payloads ? withPayload(request) : request);
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
      deps.media.assertSpace();
      const admitting = deps.limits.admit(request.key.id, admissionOf(request, planned));
      const admitted: Admitted = deps.pool.leaseEarly
        ? await admitWithLease(deps, planned, admitting)
        : { admission: await admitting, lease: null };
      admission = admitted.admission;
      const generation = new Generation(deps, planned, record, admitted);
      generation.release = release;
      generation.start();
      if (!generation.events.hasBegun) await generation.events.begun();
      deps.media.claimInputs(request.requestId);
      return generation.toRun(deps.pool.usualMs?.("image", planned.family));
    } catch (error) {
      release?.();
      record.fail(error);
      record.close(admission);
      throw error;
    }
  };
}

const withPayload = (request: ImageGeneration) => ({ ...request, payload: imagePayload(request) });

function admissionOf({ requestId, choice, forJob, n }: ImageGeneration, { family, lease }: ImagePlan): AdmissionRequest {
  const { images, videoSeconds, usd } = lease.estimate;
  const estimate = n === 1 ? lease.estimate : { images: images * n, videoSeconds, usd: usd * n };
  return { requestId, kind: "image", model: choice.requested, family, estimate, forJob };
}

/** The first living family of the choice that the pool can serve; one that has the shape asked for goes first. */
function chooseServed(deps: GenerateDependencies, { choice, options, turns }: ImageGeneration): ChosenFamily {
  const asked = withDefaultShape(withModel(choice.params, options), turns);
  const { successors } = deps.settings().generation;
  const catalogue = deps.catalogue();
  const fits = (family: string) => takesAspect(catalogue.imageFamily(family), asked);
  return requireFamily(choice, deps.pool, { successors, fits, log: deps.log });
}
