// The row of the request log for a video job that has ended. Pure.
import { elapsedMs } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { TracedAttempt } from "../../traces.ts";
import { videoPayload } from "../generation/request-payload.ts";
import { tokensOf } from "./job-cost.ts";

type Facts = { now: number; recordPayload: boolean };

export function requestOf(row: JobRow, attempts: readonly TracedAttempt[], { now, recordPayload }: Facts) {
  const outcome = row.state === "completed" ? "ok" : (row.error?.kind ?? "cancelled");
  const entry = {
    id: row.requestId,
    at: row.createdAt,
    ms: elapsedMs(row.createdAt, now),
    dialect: row.dialect,
    route: row.route,
    keyId: row.keyId,
    model: row.model.slice(0, 200),
    family: row.family,
    kind: row.kind,
    outcome,
    message: row.error ? row.error.message.slice(0, 200) : null,
    images: 0,
    videoSeconds: row.charged ? (row.seconds ?? 0) : 0,
    ...tokensOf(row),
    usd: row.charged ? row.usd : 0,
    stream: false,
    mediaIds: row.mediaIds,
    attempts: [...attempts],
    payload: recordPayload ? videoPayload(row) : undefined,
  };
  const lastCall = entry.attempts.at(-1)?.call;
  if (lastCall) Object.assign(lastCall, { usage: row.usage, videoSeconds: entry.videoSeconds, usd: entry.usd });
  return entry;
}
