// Jobs page: list with live rows, filters by state, and the actions on each job.
import type { JobRow } from "../../src/db/jobs.ts";
import type { Job, JobState } from "../../src/domain/job.ts";
import type { JobListQuery, StateGroup } from "../../src/gateway/jobs/list-jobs.ts";
import { ActionButton, EmptyState, JobBadge, LinkButton, Tabs } from "../ui/controls.tsx";
import { type Option, Select } from "../ui/fields.tsx";
import { Dash, Money, Progress, Time } from "../ui/figures.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Cell, FilterBar, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

export type JobNames = {
  /** By id. */
  keys: ReadonlyMap<number, string>;
  tokens: Pick<ReadonlyMap<number, string>, "get">;
};

/** With its place among those that wait for a token. */
export type ShownJob = JobRow & Pick<Job, "place">;

export type JobsData = {
  query: JobListQuery;
  jobs: readonly ShownJob[];
  next: string | null;
  names: JobNames;
  keyChoices: readonly Option[];
};

const GROUPS: readonly (StateGroup | "")[] = ["", "open", "unknown", "completed", "failed", "cancelled"];
const OPEN: ReadonlySet<JobState> = new Set(["queued", "submitting", "running", "storing"]);
const ENDED: ReadonlySet<JobState> = new Set(["completed", "failed", "cancelled"]);

export const jobHref = (id: string, rest = "") => `/admin/jobs/${encodeURIComponent(id)}${rest}`;

function jobsHref(query: JobListQuery, change: Partial<JobListQuery>): string {
  const params = new URLSearchParams(Object.entries({ ...query, after: "", ...change }).filter(([, value]) => value !== ""));
  const text = params.toString();
  return text ? `/admin/jobs?${text}` : "/admin/jobs";
}

export function JobsPage({ view, data }: { view: View; data: JobsData }) {
  const { jobs } = view.t;
  const { query } = data;
  const label = (group: StateGroup | "") => (group === "" ? jobs.all : jobs[group]);
  const tabs = GROUPS.map((state) => ({ href: jobsHref(query, { state }), label: label(state), current: query.state === state }));
  return (
    <>
      <PageHead title={jobs.title} about={jobs.about} />
      <Tabs label={jobs.tabs} tabs={tabs} />
      <Filters view={view} data={data} />
      {data.jobs.length === 0 ? <Nothing view={view} query={query} /> : <List view={view} data={data} />}
    </>
  );
}

function Filters({ view, data: { query, keyChoices } }: { view: View; data: JobsData }) {
  const { jobs } = view.t;
  const kinds = [
    { value: "", label: jobs.anyKind },
    { value: "image", label: jobs.image },
    { value: "video", label: jobs.video },
  ];
  return (
    <FilterBar view={view} action="/admin/jobs">
      {query.state !== "" && <input type="hidden" name="state" value={query.state} />}
      <Select name="kind" label={jobs.kind} value={query.kind} options={kinds} submits />
      <Select name="key" label={jobs.key} value={query.key} options={[{ value: "", label: jobs.anyKey }, ...keyChoices]} submits />
    </FilterBar>
  );
}

function List({ view, data }: { view: View; data: JobsData }) {
  const { jobs } = view.t;
  const { query, next, names } = data;
  return (
    <>
      <Table
        view={view}
        label={jobs.list}
        columns={[
          { key: "state", label: jobs.state },
          { key: "prompt", label: jobs.prompt },
          { key: "key", label: jobs.key },
          { key: "token", label: jobs.token },
          { key: "cost", label: jobs.cost, align: "end" },
          { key: "created", label: jobs.created },
          { key: "actions", label: jobs.actions, hidden: true },
        ]}
      >
        {data.jobs.map((job) => (
          <JobRowView key={job.id} view={view} job={job} names={names} />
        ))}
      </Table>
      <Pager view={view} next={next && jobsHref(query, { after: next })} first={query.after ? jobsHref(query, {}) : null} />
    </>
  );
}

type JobProps = { view: View; job: ShownJob; names: JobNames };

/** One row. What changes by itself is asked for again until it has ended; then the whole row is. */
export function JobRowView({ view, job, names }: JobProps) {
  const { jobs, gallery } = view.t;
  return (
    <Row view={view} id={`job-${job.id}`}>
      <Cell label={jobs.state}>
        <JobProgress view={view} job={job} />
      </Cell>
      <Cell label={jobs.prompt} gives>
        <div class="lines">
          <a class="cut" href={jobHref(job.id)} title={job.prompt}>
            {job.prompt || job.id}
          </a>
          <small class="muted cut">{job.model}</small>
        </div>
      </Cell>
      <Cell label={jobs.key}>
        <a class="cut" href={`/admin/keys/${job.keyId}`}>
          {names.keys.get(job.keyId) ?? gallery.unknownKey(job.keyId)}
        </a>
      </Cell>
      <Cell label={jobs.token}>
        {job.tokenId === null ? (
          <Dash />
        ) : (
          <a class="cut" href={`/admin/tokens/${job.tokenId}`}>
            {names.tokens.get(job.tokenId) ?? gallery.unknownToken(job.tokenId)}
          </a>
        )}
      </Cell>
      <Cell label={jobs.cost} align="end">
        <JobCost view={view} job={job} />
      </Cell>
      <Cell label={jobs.created}>
        <Time view={view} value={job.createdAt} />
      </Cell>
      <Cell align="end">
        <JobActions view={view} job={job} small />
      </Cell>
    </Row>
  );
}

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
      {job.state === "failed" && job.error && (
        <small class="muted cut" title={job.error.message}>
          {job.error.message}
        </small>
      )}
      {job.place && <small class="muted">{jobs.place(job.place.position)}</small>}
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

function Nothing({ view, query }: { view: View; query: JobListQuery }) {
  const { jobs } = view.t;
  const isFiltered = Object.values(query).some((value) => value !== "");
  if (isFiltered) return <EmptyState title={jobs.emptyFiltered} action={<LinkButton href="/admin/jobs">{jobs.clear}</LinkButton>} />;
  return (
    <EmptyState title={jobs.empty} action={<LinkButton href="/admin/playground">{jobs.toPlayground}</LinkButton>}>
      {jobs.emptyHint}
    </EmptyState>
  );
}
