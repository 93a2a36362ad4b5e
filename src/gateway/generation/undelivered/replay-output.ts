// Replays a stored output as the events of a generation: its words and images in order, and how it ended.

import { type GenerateEvent, NO_USAGE } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { AppError } from "../../../errors.ts";
import type { MediaStore } from "../../media/contract.ts";
import type { Affinity } from "../inputs/affinity.ts";
import { partsOf } from "./image-output.ts";

/** Where the images of a stored output are, and what their upstream signed. */
export type OutputReader = { media: Pick<MediaStore, "get">; affinity: Pick<Affinity, "recall"> };

export type StoredOutput = Pick<Job, "answer" | "mediaIds" | "usage"> & { provider: string };

/** A stored output as the events of a generation. @throws {AppError} `not_found` when none of its results is left */
export async function* replayOutput({ media, affinity }: OutputReader, stored: StoredOutput): AsyncGenerator<GenerateEvent> {
  const events = await Promise.all(
    partsOf(stored).map(async (part): Promise<GenerateEvent | null> => {
      if ("text" in part) return part;
      const { type, mediaId, signature = (await affinity.recall(mediaId))?.signature } = part;
      const found = await media.get(mediaId);
      return found && { type, media: found, signature };
    }),
  );
  if (stored.mediaIds.length > 0 && !events.some((event) => event?.type === "image"))
    throw new AppError("not_found", "The results of this job are past their age.", { reason: "job_deleted" });
  yield* events.filter((event) => event !== null);
  const end = stored.answer?.end ?? { finish: "stop", upstreamReason: "STOP" };
  yield { type: "done", ...end, usage: stored.usage ?? NO_USAGE, provider: stored.provider };
}
