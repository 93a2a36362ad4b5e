// Admin API: jobs, and what can be done with them.
import { t } from "elysia";
import type { JobRow } from "../../db/jobs.ts";
import { JOB_STATES } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { cancelWork } from "../../gateway/jobs/cancel-work.ts";
import { bareUrl, jobParameters, pageOfJobs, STATE_GROUPS, type StateGroup } from "../../gateway/jobs/list-jobs.ts";
import { retryJob } from "../../gateway/jobs/retry-job.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, isoOf, isoOrNull, PAGE_ROWS, PAGING, pageOf, route, TIME } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const KINDS = ["image", "video"] as const;
const GROUPS = Object.keys(STATE_GROUPS) as StateGroup[];

const JOB = t.Object({
  id: t.String(),
  kind: oneOf(KINDS),
  state: oneOf(JOB_STATES),
  key_id: whole(),
  request_id: t.String(),
  model: t.String(),
  family: t.String(),
  provider: orNull(t.String()),
  token_id: orNull(whole()),
  prompt: t.String(),
  options: t.Array(t.String(), { description: "In short words, e.g. `16:9`, `8 s`" }),
  progress: t.Number(),
  usd: t.Number(),
  charged: t.Boolean({ description: "An upstream may have charged for it" }),
  cancel_asked: t.Boolean(),
  media_ids: t.Array(t.String()),
  webhook: orNull(t.String({ description: "Without query and credentials" })),
  error: orNull(t.Object({ type: t.String(), message: t.String(), reason: orNull(t.String()) })),
  created_at: TIME,
  submitted_at: orNull(TIME),
  ended_at: orNull(TIME),
});

function showJob(job: JobRow) {
  const { id, kind, state, keyId, requestId, model, family, provider, tokenId, prompt, progress, usd, charged, mediaIds, error } = job;
  return {
    ...{ id, kind, state, key_id: keyId, request_id: requestId, model, family, provider, token_id: tokenId, prompt },
    ...{ options: jobParameters(job), progress, usd: usd ?? 0, charged, cancel_asked: job.cancelAsked, media_ids: mediaIds },
    webhook: job.webhookUrl ? bareUrl(job.webhookUrl) : null,
    error: error && { type: error.kind, message: error.message, reason: error.reason ?? null },
    ...{ created_at: isoOf(job.createdAt), submitted_at: isoOrNull(job.submittedAt), ended_at: isoOrNull(job.endedAt) },
  };
}

export function jobRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { store, jobs, audit } = ctx;
  const find = async (id = ""): Promise<JobRow> => {
    const job = await store.getJob(id);
    if (!job) throw new AppError("not_found", `There is no job ${id.slice(0, 80)}.`, { param: "id" });
    return job;
  };
  return [
    route({
      ...{ method: "GET", path: "/jobs", tag: "Jobs", summary: "Jobs, newest first" },
      query: t.Object({
        ...PAGING,
        state: t.Optional(oneOf(GROUPS)),
        kind: t.Optional(oneOf(KINDS)),
        key_id: t.Optional(whole({ minimum: 1 })),
      }),
      response: pageOf(JOB),
      async run({ query: { limit = PAGE_ROWS, cursor, state, kind, key_id } }) {
        const found = await pageOfJobs(
          store,
          { state: state ?? "", kind: kind ?? "", key: key_id === undefined ? "" : `${key_id}`, after: cursor ?? "" },
          limit,
        );
        return { data: found.jobs.map(showJob), next: found.next };
      },
    }),
    route({
      ...{ method: "GET", path: "/jobs/{id}", tag: "Jobs", summary: "One job" },
      response: JOB,
      run: async ({ params }) => showJob(await find(params.id)),
    }),
    route({
      ...{ method: "POST", path: "/jobs/{id}/cancel", tag: "Jobs", summary: "Cancel a job that has not ended" },
      response: JOB,
      async run({ params, by }) {
        const before = await find(params.id);
        const outcome = await cancelWork(ctx, before.id);
        await audit.record({ action: "job.cancel", subject: `job ${before.id}`, before: { state: before.state }, after: { outcome } }, by);
        return showJob(await find(params.id));
      },
    }),
    route({
      ...{ method: "POST", path: "/jobs/{id}/decide", tag: "Jobs", summary: "Decide whether a job with an unknown end was charged" },
      body: t.Object({ charged: t.Boolean() }),
      response: JOB,
      async run({ params, body: { charged }, by }) {
        const before = await find(params.id);
        if (before.state !== "unknown") throw new AppError("conflict", "This job has nothing to decide.");
        await jobs.decide(before.id, charged);
        await audit.record({ action: "job.decide", subject: `job ${before.id}`, after: { charged } }, by);
        return showJob(await find(params.id));
      },
    }),
    route({
      ...{ method: "POST", path: "/jobs/{id}/retry", tag: "Jobs", summary: "Make an ended job again, as a new job of the same key" },
      status: 201,
      creates: { secrets: [] },
      response: JOB,
      async run({ params, by }) {
        const before = await find(params.id);
        const job = await retryJob(ctx, before.id);
        await audit.record({ action: "job.retry", subject: `job ${before.id}`, after: { job: job.id } }, by);
        return showJob(await find(job.id));
      },
    }),
  ];
}
