// Why a job that has ended has nothing to give.
import { AppError } from "../../errors.ts";
import type { Job } from "../../gateway/job.ts";

/** The failure of a job that ended without a result; null while it goes on and when it completed. */
export function failureOf({ state, error }: Pick<Job, "state" | "error">): AppError | null {
  if (state === "cancelled") return new AppError("cancelled", "The generation was cancelled.");
  if (state === "unknown") {
    return new AppError("upstream_unknown_outcome", "The upstream took the request and never answered; it is not repeated by itself.", {
      charged: true,
    });
  }
  if (state !== "failed") return null;
  if (!error) return new AppError("upstream_unavailable", "The generation failed.");
  const { kind, message, reason, detail, charged } = error;
  return new AppError(kind, message, { reason: reason ?? undefined, detail: detail ?? undefined, charged });
}
