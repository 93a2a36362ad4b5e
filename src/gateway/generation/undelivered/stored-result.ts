// Result of a generation as it is stored for the next identical request.

import type { GenerateEvent } from "../../../domain/generation.ts";
import type { RunFacts } from "../contract.ts";
import type { Done } from "../done.ts";
import { createOutputRecorder } from "./image-output.ts";
import type { StoredResult } from "./undelivered.ts";

export function storedResult(events: readonly GenerateEvent[], done: Done, { n, facts }: { n: number; facts: RunFacts }): StoredResult {
  const recorder = createOutputRecorder(n);
  for (const event of [...events, done]) recorder.hear(event);
  const answer = recorder.answer();
  const mediaIds = answer.parts.flatMap((part) => (part.type === "image" ? [part.mediaId] : []));
  const { usage, provider } = done;
  return { ...facts, answer, mediaIds, usage, provider };
}
