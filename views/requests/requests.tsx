// Request log page: newest first, live, filtered and searched.
import { Badge, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Dash, Duration, Time } from "../ui/figures.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { failureSentence, recordedMessage } from "./failure-words.ts";
import { requestsHref } from "./href.ts";
import { OutcomeBadge, ReasonNote, resultText, type ShownRequest } from "./outcome.tsx";
import { type FilterData, RequestFilters } from "./request-filters.tsx";

export type RequestsData = FilterData & {
  rows: readonly ShownRequest[];
  /** Id of the last row when there are more. */
  next: string | null;
  /** Id of the newest row of all; null: the log is empty. */
  newest: string | null;
};

/** Rows that the page holds while it follows: older ones leave at the end. */
const MOST_ROWS = 200;

export function RequestsPage({ view, data }: { view: View; data: RequestsData }) {
  const { requests } = view.t;
  const { query, rows, next } = data;
  const isFirst = query.before === undefined;
  const isFiltered = Object.keys(query).length > 0;
  const actions = (
    <>
      {isFirst && <Following view={view} data={data} />}
      <LinkButton href={requestsHref({ ...query, before: undefined }, "/admin/requests/csv")} small icon="download" data-download="">
        {requests.csv}
      </LinkButton>
    </>
  );
  return (
    <>
      <PageHead title={requests.title} about={requests.about} actions={actions} />
      <RequestFilters view={view} data={data} />
      <div class="followed">
        <Table view={view} label={requests.title} columns={columnsOf(view)} id="request-rows" most={MOST_ROWS} hasLines>
          <RequestRows view={view} rows={rows} />
        </Table>
        <EmptyState title={isFiltered ? requests.empty : requests.emptyAll}>{isFirst ? requests.emptyAbout : undefined}</EmptyState>
      </div>
      <Pager
        view={view}
        next={next && requestsHref({ ...query, before: next })}
        first={isFirst ? null : requestsHref({ ...query, before: undefined })}
      />
    </>
  );
}

/** Listens for rows that come; what takes its place when paused listens no more. */
function Following({ view, data: { query, newest } }: { view: View; data: RequestsData }) {
  const { requests } = view.t;
  const source = requestsHref(query, "/admin/events/requests");
  return (
    <div class="row" id="following">
      <LinkButton
        href={requestsHref({ ...query, before: newest ?? undefined })}
        small
        icon="pause"
        hx-get={requestsHref(query, "/admin/requests/paused")}
        hx-target="#following"
        hx-swap="outerHTML"
      >
        {requests.pause}
      </LinkButton>
      <span
        {...{ "hx-sse:connect": newest ? `${source}${source.includes("?") ? "&" : "?"}after=${newest}` : source }}
        hx-target="#request-rows"
        hx-swap="afterbegin"
      />
    </div>
  );
}

/** In the place of what follows: rows stay as they are. */
export function PausedHint({ view, query }: { view: View; query: RequestsData["query"] }) {
  const { requests } = view.t;
  return (
    <div class="row" id="following">
      <Badge tone="off">{requests.paused}</Badge>
      <LinkButton href={requestsHref(query)} small>
        {requests.resume}
      </LinkButton>
    </div>
  );
}

function columnsOf(view: View) {
  const { columns } = view.t.requests;
  const ends = new Set(["took", "result", "usd"]);
  return (["when", "outcome", "model", "key", "token", "took", "result", "usd"] as const).map((key) => ({
    key,
    label: columns[key],
    align: ends.has(key) ? ("end" as const) : undefined,
  }));
}

/** Also what is sent when requests have ended: newest first. */
export const RequestRows = ({ view, rows }: { view: View; rows: readonly ShownRequest[] }) => (
  <>
    {rows.map((row) => (
      <RequestLine key={row.id} view={view} row={row} />
    ))}
  </>
);

function RequestLine({ view, row }: { view: View; row: ShownRequest }) {
  const { requests } = view.t;
  const { columns } = requests;
  const times = row.refusal?.times ?? 1;
  return (
    <Row view={view} id={`request-${row.id}`}>
      <Cell place="name">
        <a href={`/admin/requests/${encodeURIComponent(row.id)}`}>
          <Time view={view} value={row.at + row.ms} />
        </a>
        <span class="phone mono">{row.model || row.route}</span>
      </Cell>
      <Cell label={columns.outcome} place="state">
        <div class="lines">
          <OutcomeBadge view={view} outcome={row.outcome} title={messageText(view, row)} />
          <ReasonNote view={view} outcome={row.outcome} reason={row.why} />
          {times > 1 && <small title={view.t.failures.refusedMany(formatCount(times, view.locale))}>{requests.attempts(times)}</small>}
        </div>
      </Cell>
      <Cell label={columns.model} gives>
        <span class="mono cut" title={row.model || row.route}>
          {row.model || row.route}
        </span>
        {row.message && <small class="cut soft">{messageText(view, row)}</small>}
      </Cell>
      <Cell label={columns.key} place="about">
        <span class="phone">{aboutOf(view, row)}</span>
        {row.keyId === null ? (
          <Dash />
        ) : (
          <a class="cut" href={requestsHref({ key: row.keyId })}>
            {row.keyName ?? requests.gone(row.keyId)}
          </a>
        )}
      </Cell>
      <Cell label={columns.token}>
        <LastToken view={view} row={row} />
      </Cell>
      <Cell label={columns.took} align="end">
        <Duration value={row.ms} />
      </Cell>
      <Cell label={columns.result} align="end" place="figure">
        {resultText(view, row) ?? <Dash />}
      </Cell>
      <Cell label={columns.usd} align="end">
        {row.usd > 0 ? <span class="nw">{formatUsd(row.usd, view.locale)}</span> : <Dash />}
      </Cell>
    </Row>
  );
}

/** What is to know of it on a phone: who asked, and whom; of a failure why. */
function aboutOf(view: View, row: ShownRequest): string {
  const why = row.outcome === "ok" ? null : messageText(view, row);
  return why ?? [row.keyName, row.tokenLabel].filter(Boolean).join(" · ");
}

/** As recorded, which is English; in another language what it means. */
function messageText(view: View, { message, outcome, why }: ShownRequest): string | undefined {
  const sentence = view.locale === "en" ? null : failureSentence(view, { outcome, reason: why });
  const recorded = recordedMessage(view, message);
  return recorded?.word ? recorded.text : (sentence ?? recorded?.text);
}

function LastToken({ view, row: { attempts, tokenLabel } }: { view: View; row: ShownRequest }) {
  const { requests } = view.t;
  const last = attempts.at(-1);
  if (!last) return <Dash />;
  return (
    <div class="row">
      <a class="cut" href={requestsHref({ token: last.tokenId })}>
        {tokenLabel ?? requests.gone(last.tokenId)}
      </a>
      {attempts.length > 1 && (
        <small class="soft nw" title={requests.attemptsTitle(attempts.length)}>
          {requests.attempts(attempts.length)}
        </small>
      )}
    </div>
  );
}
