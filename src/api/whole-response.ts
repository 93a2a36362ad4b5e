// Reads a generation for a response in one piece: its events, then how it ended.

import type { GenerateEvent } from "../domain/generation.ts";
import { hearAll } from "../gateway/generation/event-log.ts";

type Done = Extract<GenerateEvent, { type: "done" }>;

/** Gives each event but the last to `hear`, and resolves with the last. @throws what the generation fails with, what `hear` throws */
export async function readWhole(events: AsyncIterable<GenerateEvent>, hear: (event: GenerateEvent) => void | Promise<void>): Promise<Done> {
  const end: { done: Done | null } = { done: null };
  await hearAll(events, (event) => {
    if (event.type !== "done") return hear(event);
    end.done = event;
  });
  if (!end.done) throw new Error("A generation ended without an end");
  return end.done;
}
