// What a generation under way does now, read from its events.

import type { GenerateEvent } from "../../domain/generation.ts";
import type { ImageGeneration, RunFacts } from "./contract.ts";
import type { EventLog } from "./event-log.ts";
import type { RunningGeneration } from "./running-generations.ts";

type Observed = { readonly request: ImageGeneration; readonly facts: RunFacts; readonly events: EventLog<GenerateEvent> };

export function activityOf(
  { request, facts, events }: Observed,
  { isSent, isLeft }: Pick<RunningGeneration, "isSent" | "isLeft">,
): RunningGeneration {
  const { requestId, key, choice, forJob = false, startedAt } = request;
  let token: RunningGeneration["token"] = null;
  let queued: { position: number; waitMs: number | null } | null = null;
  for (const event of events.all()) {
    if (event.type === "queued") queued = event;
    if (event.type !== "token") continue;
    token = { label: event.label, provider: event.provider };
    queued = null;
  }
  return {
    ...{
      requestId,
      kind: choice.kind,
      keyId: key.id,
      model: choice.requested,
      family: facts.family,
      forJob,
      startedAt,
      token,
      isSent,
      isLeft,
    },
    state: queued ? "queued" : "running",
    position: queued?.position ?? null,
    waitMs: queued?.waitMs ?? null,
  };
}
