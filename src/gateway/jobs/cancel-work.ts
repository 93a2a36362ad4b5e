// Cancels what runs or waits, for the operator: a request by its generation, a job by its row.

import type { Job } from "../../domain/job.ts";
import type { Cancellation, RunningGenerations } from "../generation/running-generations.ts";
import type { Jobs } from "./contract.ts";

/** `asked`: the upstream was asked to stop a video, which it may finish nevertheless. `over`: it has ended by itself. */
export type WorkCancellation = Cancellation | "asked" | "over";

type Dependencies = { running: Pick<RunningGenerations, "cancel">; jobs: Pick<Jobs, "get" | "cancel"> };

/** @param id of a request, or of a job */
export async function cancelWork({ running, jobs }: Dependencies, id: string): Promise<WorkCancellation> {
  if (id.startsWith("req_")) return running.cancel(id) ?? "over";
  const before = await jobs.get(id, null);
  if (!before || isOver(before)) return "over";
  const after = await jobs.cancel(id, null);
  if (!after || after.state === "completed" || after.state === "failed") return "over";
  if (after.state === "cancelled") return before.state === "queued" ? "released" : "aborted";
  return after.kind === "image" ? "finishes" : "asked";
}

const isOver = ({ state }: Job): boolean => ["completed", "failed", "cancelled", "unknown"].includes(state);
