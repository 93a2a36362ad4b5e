// Jobs page: list with live rows, filters by state, and the actions on each job.

import type { JobState } from "../../src/domain/job.ts";
import type { JobListQuery, StateGroup } from "../../src/gateway/jobs/list-jobs.ts";
import { EmptyState, LinkButton, Tabs } from "../ui/controls.tsx";
import { type Option, Select } from "../ui/fields.tsx";
import { Dash, Time } from "../ui/figures.tsx";
import { formatCount } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { PageHead } from "../ui/layout.tsx";
import { type ShownMedia, Thumb } from "../ui/media.tsx";
import { Cell, FilterBar, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { JobActions, JobCost, JobProgress, jobHref, type ShownJob } from "./job-parts.tsx";

export type JobNames = {
  /** By id. */
  keys: ReadonlyMap<number, string>;
  tokens: Pick<ReadonlyMap<number, string>, "get">;
  /** First results, by the id of the media item. */
  media: Pick<ReadonlyMap<string, ShownMedia>, "get">;
};

export type JobsData = {
  query: JobListQuery;
  jobs: readonly ShownJob[];
  next: string | null;
  /** By state, each up to `mostCounted`. */
  counts: Record<JobState, number>;
  mostCounted: number;
  names: JobNames;
  keyChoices: readonly Option[];
};

const STATES: Record<StateGroup, readonly JobState[]> = {
  open: ["queued", "submitting", "running", "storing"],
  unknown: ["unknown"],
  completed: ["completed"],
  failed: ["failed"],
  cancelled: ["cancelled"],
};
const GROUPS: readonly (StateGroup | "")[] = ["", "open", "unknown", "completed", "failed", "cancelled"];

function jobsHref(query: JobListQuery, change: Partial<JobListQuery>): string {
  const params = new URLSearchParams(Object.entries({ ...query, after: "", ...change }).filter(([, value]) => value !== ""));
  const text = params.toString();
  return text ? `/admin/jobs?${text}` : "/admin/jobs";
}

export function JobsPage({ view, data }: { view: View; data: JobsData }) {
  const { jobs } = view.t;
  const { query } = data;
  const label = (group: StateGroup | "") => (group === "" ? jobs.all : jobs[group]);
  const count = (group: StateGroup | "") =>
    group === "" || query.kind !== "" || query.key !== "" ? undefined : countOf(view, data, group);
  const tabs = GROUPS.map((state) => ({
    href: jobsHref(query, { state }),
    label: label(state),
    current: query.state === state,
    count: count(state),
  }));
  return (
    <>
      <PageHead title={jobs.title} about={jobs.about} />
      <Tabs label={jobs.tabs} tabs={tabs} />
      <Filters view={view} data={data} />
      {data.jobs.length === 0 ? <Nothing view={view} query={query} /> : <List view={view} data={data} />}
    </>
  );
}

/** How many are in a group; with a sign where it was not counted to the end. */
function countOf(view: View, { counts, mostCounted }: JobsData, group: StateGroup): string {
  const states = STATES[group].map((state) => counts[state]);
  const isMore = states.some((count) => count >= mostCounted);
  return `${formatCount(
    states.reduce((sum, count) => sum + count, 0),
    view.locale,
  )}${isMore ? "+" : ""}`;
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
        hasLines
        columns={[
          { key: "result", label: jobs.result, hidden: true },
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

const ENDED_BADLY: ReadonlySet<JobState> = new Set(["failed", "unknown"]);

/** Its first result, or the icon of its kind. */
function JobThumb({ job, media }: { job: ShownJob; media: JobNames["media"] }) {
  const first = media.get(job.mediaIds[0] ?? "");
  return (
    <span class="job-thumb" aria-hidden="true">
      {first ? <Thumb media={first} label="" /> : <Icon name={job.kind} />}
    </span>
  );
}

type JobProps = { view: View; job: ShownJob; names: JobNames };

/** One row. What changes by itself is asked for again until it has ended; then the whole row is. */
export function JobRowView({ view, job, names }: JobProps) {
  const { jobs, gallery } = view.t;
  return (
    <Row view={view} id={`job-${job.id}`}>
      <Cell place="check">
        <JobThumb job={job} media={names.media} />
      </Cell>
      <Cell label={jobs.state} place="state">
        <JobProgress view={view} job={job} />
      </Cell>
      <Cell label={jobs.prompt} gives place="name">
        <div class="lines">
          <a class="cut" href={jobHref(job.id)} title={job.prompt}>
            {job.prompt || job.id}
          </a>
          <small class="soft cut">{job.model}</small>
          {job.error && ENDED_BADLY.has(job.state) && <small class="why">{job.error.message}</small>}
        </div>
      </Cell>
      <Cell label={jobs.key} place="about">
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
      <Cell label={jobs.created} place="figure">
        <Time view={view} value={job.createdAt} />
      </Cell>
      <Cell align="end">
        <JobActions view={view} job={job} small />
      </Cell>
    </Row>
  );
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
