// Generates images for a request: chooses the family, admits the key, and starts the Generation that makes them.

import type { Admission } from "../limits/contract.ts";
import { type ChosenFamily, requireFamily } from "../models/choose-family.ts";
import { takesAspect, withModel } from "../models/image-options.ts";
import { ignoredHeader } from "../models/model-options.ts";
import type { Generate, ImageGeneration } from "./contract.ts";
import { withDefaultShape } from "./default-shape.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { Generation } from "./generation.ts";
import { holdText } from "./inputs/request-text.ts";
import { planImages } from "./plan-images.ts";
import { imagePayload } from "./request-payload.ts";
import { GenerationRecord } from "./request-record.ts";
import { joinUndelivered } from "./undelivered/join.ts";

export function createGenerate(deps: GenerateDependencies): Generate {
  return async (request) => {
    const payload = deps.settings().requests.record_payloads ? imagePayload(request) : undefined;
    const record = new GenerationRecord(deps, { ...request, payload });
    let admission: Admission | null = null;
    let release = () => {};
    try {
      release = holdText(request, deps.holdBytes);
      if (deps.undelivered?.has(request.key.id) && !request.forJob) {
        const joined = await joinUndelivered({ ...deps, undelivered: deps.undelivered }, request, record);
        if (joined) {
          release();
          return joined;
        }
      }
      const { family, successorOf } = chooseServed(deps, request);
      record.serve(family);
      const plan = planImages(deps, request, family, record);
      deps.media.assertSpace();
      const { images, videoSeconds, usd } = plan.lease.estimate;
      const estimate = { images: images * request.n, videoSeconds, usd: usd * request.n };
      const { requestId, key, choice, forJob } = request;
      admission = await deps.limits.admit(key.id, { requestId, kind: "image", model: choice.requested, family, estimate, forJob });
      const run = new Generation(deps, plan, admission, { family, successorOf });
      void run.ended.then(release);
      run.start();
      await run.events.begun();
      deps.media.claimInputs(requestId);
      const events = run.read(request.signal, run.delivery);
      const usualMs = deps.pool.usualMs?.("image", family);
      return {
        // A request for a model that turns out to be retired changes over to a successor while it runs.
        get family() {
          return run.facts.family;
        },
        get successorOf() {
          return run.facts.successorOf;
        },
        get headers() {
          return ignoredHeader(run.ignored);
        },
        usualMs,
        events,
        delivered: run.delivery.delivered,
      };
    } catch (error) {
      release();
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
  return requireFamily(choice, deps.pool, { successors, fits: (family) => takesAspect(family, asked), log: deps.log });
}
