// Job page: state, result or failure, parameters, upstream calls and webhook deliveries of one job.

import type { ComponentChildren } from "preact";
import type { DeliveryRow } from "../../src/db/jobs.ts";
import type { Media } from "../../src/domain/generation.ts";
import type { AttemptRow } from "../../src/domain/request.ts";
import { Attempts } from "../gallery/gallery-item.tsx";
import { Badge, type BadgeTone, Card, JobBadge, LinkButton } from "../ui/controls.tsx";
import { Countdown, Duration, Time } from "../ui/figures.tsx";
import { PageHead } from "../ui/layout.tsx";
import { mediaHref, WholeMedia } from "../ui/media.tsx";
import { Hint } from "../ui/messages.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { JobActions, JobCost, JobProgress, jobHref, type ShownJob } from "./job-parts.tsx";
import type { JobNames } from "./jobs.tsx";

export type JobData = {
  job: ShownJob;
  names: JobNames;
  parameters: readonly string[];
  /** Its results that are still there. */
  media: readonly Media[];
  attempts: readonly AttemptRow[];
  deliveries: readonly (DeliveryRow & { /** Without what may be secret. */ shownUrl: string })[];
  webhookUrl: string | null;
};

type Props = { view: View; data: JobData };

export function JobPage({ view, data }: Props) {
  const { jobs, gallery } = view.t;
  const { job } = data;
  return (
    <>
      <PageHead
        up={{ href: "/admin/jobs", label: jobs.title }}
        title={
          <>
            {gallery.one[job.kind]} <JobBadge view={view} state={job.state} />
          </>
        }
        about={<span class="mono">{job.id}</span>}
        actions={
          <>
            <LinkButton href={`/admin/playground?job=${encodeURIComponent(job.id)}`}>{jobs.reuse}</LinkButton>
            {job.state !== "unknown" && <JobActions view={view} job={job} />}
          </>
        }
      />
      {job.state === "unknown" && (
        <Hint tone="warn">
          <strong>{jobs.decideTitle}</strong>
          <p>{jobs.decide}</p>
          <div class="foot">
            <JobActions view={view} job={job} />
          </div>
        </Hint>
      )}
      <div class="beside">
        <Card title={jobs.result}>
          <Result view={view} data={data} />
        </Card>
        <div class="flow">
          <Card title={jobs.prompt}>
            <p class="prompt">{job.prompt}</p>
          </Card>
          <Card title={jobs.details}>
            <Facts view={view} data={data} />
          </Card>
        </div>
      </div>
      <Card title={jobs.attempts}>
        <Attempts view={view} attempts={data.attempts} tokens={data.names.tokens} />
      </Card>
      <Card title={jobs.webhooks}>
        <Deliveries view={view} deliveries={data.deliveries} />
      </Card>
    </>
  );
}

function Result({ view, data: { job, media } }: Props) {
  const { jobs, gallery } = view.t;
  if (job.error && job.state !== "cancelled")
    return (
      <div class="flow">
        <p>
          <Badge tone="bad">{job.error.kind}</Badge> <span class="soft">{job.error.detail?.reason ?? job.error.reason}</span>
        </p>
        <p class="prompt">{job.error.message}</p>
        {job.state === "failed" && <p class="soft">{job.charged ? jobs.failureCharged : jobs.failureFree}</p>}
      </div>
    );
  if (media.length > 0)
    return (
      <div class="flow">
        {media.map((one) => (
          <div key={one.id} class="flow">
            <WholeMedia view={view} media={one} label={gallery.one[one.kind]} />
            <LinkButton href={mediaHref(one.id)} small>
              {gallery.details}
            </LinkButton>
          </div>
        ))}
      </div>
    );
  if (job.state === "completed") return <p class="soft">{jobs.pastAge}</p>;
  // Its own page is loaded again when it has ended.
  return job.state === "cancelled" ? <p class="soft">{jobs.noResult}</p> : <JobProgress view={view} job={job} page />;
}

function Facts({ view, data: { job, names, parameters, webhookUrl } }: Props) {
  const { jobs, gallery } = view.t;
  const rows: [string, ComponentChildren][] = [
    [jobs.kind, gallery.one[job.kind]],
    [jobs.model, job.model === job.family ? job.model : `${job.model} → ${job.family}`],
    [jobs.parameters, parameters.join(" · ")],
    [jobs.key, names.keys.get(job.keyId) ?? gallery.unknownKey(job.keyId)],
    [
      jobs.token,
      job.tokenId !== null && (
        <a href={`/admin/tokens/${job.tokenId}`}>{names.tokens.get(job.tokenId) ?? gallery.unknownToken(job.tokenId)}</a>
      ),
    ],
    [jobs.cost, <JobCost key="cost" view={view} job={job} />],
    [jobs.created, <Time key="created" view={view} value={job.createdAt} />],
    [jobs.submitted, job.submittedAt !== null && <Time view={view} value={job.submittedAt} />],
    [jobs.ended, job.endedAt !== null && <Time view={view} value={job.endedAt} />],
    [jobs.elapsed, job.endedAt !== null && <Duration value={job.endedAt - job.createdAt} />],
    [jobs.deadline, job.endedAt === null && job.state !== "unknown" && <Countdown view={view} value={job.deadlineAt} />],
    [
      jobs.source,
      job.sourceJobId !== null && (
        <a class="mono" href={jobHref(job.sourceJobId)}>
          {job.sourceJobId}
        </a>
      ),
    ],
    [jobs.webhookUrl, webhookUrl],
    [
      jobs.request,
      <a key="request" class="mono" href={`/admin/requests/${encodeURIComponent(job.requestId)}`}>
        {job.requestId}
      </a>,
    ],
    [jobs.route, <code key="route">{job.route}</code>],
  ];
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== false && value !== "" && value !== null)
        .flatMap(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}-value`}>{value}</dd>])}
    </dl>
  );
}

const DELIVERY_TONES: Record<DeliveryRow["state"], BadgeTone> = { waiting: "busy", delivered: "ok", failed: "bad" };

function Deliveries({ view, deliveries }: { view: View; deliveries: JobData["deliveries"] }) {
  const { jobs } = view.t;
  if (deliveries.length === 0) return <p class="soft">{jobs.noWebhooks}</p>;
  return (
    <Table
      view={view}
      label={jobs.webhooks}
      columns={[
        { key: "state", label: jobs.deliveryState },
        { key: "event", label: jobs.event },
        { key: "url", label: jobs.webhookUrl },
        { key: "tries", label: jobs.tries, align: "end" },
        { key: "answer", label: jobs.answer },
        { key: "next", label: jobs.next },
      ]}
    >
      {deliveries.map((one) => (
        <Row key={one.id} view={view} id={`delivery-${one.id}`}>
          <Cell label={jobs.deliveryState}>
            <Badge tone={DELIVERY_TONES[one.state]}>{jobs.delivery[one.state]}</Badge>
          </Cell>
          <Cell label={jobs.event}>{one.type}</Cell>
          <Cell label={jobs.webhookUrl}>
            <span class="cut" title={one.shownUrl}>
              {one.shownUrl}
            </span>
          </Cell>
          <Cell label={jobs.tries} align="end">
            {one.attempts}
          </Cell>
          <Cell label={jobs.answer}>{[one.lastStatus, one.lastError].filter((part) => part !== null).join(" · ")}</Cell>
          <Cell label={jobs.next}>{one.nextAt !== null && <Countdown view={view} value={one.nextAt} />}</Cell>
        </Row>
      ))}
    </Table>
  );
}
