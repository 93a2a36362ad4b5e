// Progress, cost and actions of a job, for the list and its page.

import type { JobRow } from "../../src/db/jobs.ts";
import type { Job, JobState } from "../../src/domain/job.ts";
import { JobBadge } from "../ui/controls.tsx";
import { Dash, Money, Progress } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import type { View } from "../ui/view.ts";

/** With its queue position among those that wait for a token. */
export type ShownJob = JobRow & Pick<Job, "place">;

export const jobHref = (id: string, rest = "") => `/admin/jobs/${encodeURIComponent(id)}${rest}`;

const OPEN: ReadonlySet<JobState> = new Set(["queued", "submitting", "running", "storing"]);

const ENDED: ReadonlySet<JobState> = new Set(["completed", "failed", "cancelled"]);

/** State, and how far it is while it goes on; asks for itself as long as it does. `page`: alone on the job's page, which is loaded again at the end. */
export function JobProgress({ view, job, page }: { view: View; job: ShownJob; page?: boolean }) {
  const { controls, jobs } = view.t;
  const isOpen = OPEN.has(job.state);
  const asks = isOpen
    ? { "hx-get": jobHref(job.id, page ? "/state?page" : "/state"), "hx-trigger": "every 2s", "hx-swap": "outerHTML" }
    : {};
  return (
    <div class="job-state" id={`state-${job.id}`} {...asks}>
      <JobBadge view={view} state={job.state} />
      {job.place && <small class="soft">{jobs.place(job.place.position)}</small>}
      {isOpen && (
        <Progress label={`${jobs.progress}: ${controls.job[job.state]}`} {...(job.progress > 0 ? { value: job.progress, max: 100 } : {})} />
      )}
    </div>
  );
}

export function JobCost({ view, job }: { view: View; job: JobRow }) {
  return job.charged || OPEN.has(job.state) ? <Money view={view} value={job.usd} /> : <Dash />;
}

/** What can be done about a job in its state. */
export function JobActions({ view, job, small }: { view: View; job: JobRow; small?: boolean }) {
  const { jobs } = view.t;
  const target = small ? `#job-${job.id}` : undefined;
  const act = (name: string, label: string, fields?: Record<string, string>) => (
    <ActionButton view={view} action={jobHref(job.id, `/${name}`)} small={small} target={target} fields={fields}>
      {label}
    </ActionButton>
  );
  if (job.state === "unknown")
    return (
      <span class="row">
        {act("decide", jobs.charged, { charged: "on" })}
        {act("decide", jobs.notCharged)}
      </span>
    );
  if (ENDED.has(job.state))
    return (
      <ActionButton view={view} action={jobHref(job.id, "/retry")} small={small} tone={small ? "quiet" : "plain"}>
        {jobs.retry}
      </ActionButton>
    );
  return job.state === "storing" || job.cancelAsked ? null : act("cancel", jobs.cancel);
}
