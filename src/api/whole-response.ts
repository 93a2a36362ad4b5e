// Reads a generation for a response in one piece: its events, then how it ended.

import type { GenerateEvent } from "../domain/generation.ts";
import { hearAll, type Listener } from "../gateway/generation/event-log.ts";

export type Done = Extract<GenerateEvent, { type: "done" }>;

/** Gives each event to the listener, and resolves with the last, its end. @throws what the generation fails with, what the listener throws */
export const readWhole = async (events: AsyncIterable<GenerateEvent>, listener: Listener<GenerateEvent>): Promise<Done> =>
  asDone(await hearAll(events, listener));

/** The end of a generation, its last event. */
export function asDone(last: GenerateEvent | undefined): Done {
  if (last?.type !== "done") throw new Error("A generation ended without an end");
  return last;
}
