// Interactions that are complete and show nothing: polled on for a while, as the result may come late, then left to the operator.
import { AppError } from "../../errors.ts";
import { RecentMap } from "../../recent-map.ts";
import type { VideoStatus } from "../provider.ts";

/** Interactions that are watched at once; the oldest are forgotten beyond it. */
const MAX_WATCHED = 10_000;

export class SilenceWatch {
  /** Epoch ms at which each was first seen complete without a result. */
  readonly #since = new RecentMap<string, number>(MAX_WATCHED);

  /** @param silenceMs how long to poll on; 0: the upstream's word is taken at once */
  constructor(private readonly silenceMs: number) {}

  /** The status as the job is to see it. */
  judge(id: string, status: VideoStatus, word: unknown, now: number): VideoStatus {
    const isSilent = word === "completed" && status.state === "failed" && status.error.kind === "no_result";
    if (this.silenceMs === 0 || !isSilent) {
      this.#since.delete(id);
      return status;
    }
    const since = this.#since.get(id) ?? now;
    if (now - since < this.silenceMs) {
      this.#since.set(id, since);
      return { state: "pending", progress: null };
    }
    this.#since.delete(id);
    const { cause, upstreamStatus } = status.error;
    const message = "The upstream says that the video is complete and has shown none for two minutes. It may have been charged.";
    const detail = { scope: "request", reason: "no_output" } as const;
    return { state: "unknown", error: new AppError("upstream_unknown_outcome", message, { charged: true, detail, cause, upstreamStatus }) };
  }
}
