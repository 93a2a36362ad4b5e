// Request log page: newest first, live, filtered and searched.
import type { RequestRow } from "../../src/domain/request.ts";
import type { ErrorKind } from "../../src/errors.ts";
import { outcomeText } from "../tokens/token-fields.tsx";
import { Badge, type BadgeTone, EmptyState, LinkButton } from "../ui/controls.tsx";
import { Field, type Option, Select } from "../ui/fields.tsx";
import { Dash, Duration, Time } from "../ui/figures.tsx";
import { formatDuration, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Cell, FilterBar, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

/** A row with the names of what it went through. */
export type ShownRequest = RequestRow & { keyName: string | null /** Of the token that was tried last. */; tokenLabel: string | null };

/** Fields of the page's address, as they were sent. */
export type RequestQuery = Partial<Record<"q" | "outcome" | "kind" | "key" | "token" | "model" | "from" | "to" | "before", string>>;

export type RequestsData = {
  query: RequestQuery;
  rows: readonly ShownRequest[];
  /** Id of the last row when there are more. */
  next: string | null;
  /** Id of the newest row of all; null: the log is empty. */
  newest: string | null;
  keys: readonly Option[];
  tokenName: string | null;
  models: readonly string[];
};

/** Rows that the page holds while it follows: older ones leave at the end. */
const MOST_ROWS = 200;

function hrefOf(path: string, query: RequestQuery): string {
  const fields = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return fields.length > 0 ? `${path}?${new URLSearchParams(fields)}` : path;
}

const requestsHref = (query: RequestQuery) => hrefOf("/admin/requests", query);

export function RequestsPage({ view, data }: { view: View; data: RequestsData }) {
  const { requests } = view.t;
  const { query, rows, next } = data;
  const isFirst = query.before === undefined;
  const isFiltered = Object.keys(query).length > 0;
  return (
    <>
      <PageHead title={requests.title} about={requests.about} actions={isFirst ? <Following view={view} data={data} /> : undefined} />
      <Filters view={view} data={data} />
      <div class="followed two-up">
        <Table view={view} label={requests.title} columns={columnsOf(view)} id="request-rows" most={MOST_ROWS}>
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
  const source = hrefOf("/admin/events/requests", query);
  return (
    <div class="row" id="following">
      <Badge tone="ok">{requests.live}</Badge>
      <span
        {...{ "hx-sse:connect": newest ? `${source}${source.includes("?") ? "&" : "?"}after=${newest}` : source }}
        hx-target="#request-rows"
        hx-swap="afterbegin"
      />
      <LinkButton
        href={requestsHref({ ...query, before: newest ?? undefined })}
        small
        hx-get={hrefOf("/admin/requests/paused", query)}
        hx-target="#following"
        hx-swap="outerHTML"
      >
        {requests.pause}
      </LinkButton>
    </div>
  );
}

/** In the place of what follows: rows stay as they are. */
export function PausedHint({ view, query }: { view: View; query: RequestQuery }) {
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

function Filters({ view, data: { query, keys, tokenName, models } }: { view: View; data: RequestsData }) {
  const { requests } = view.t;
  const { outcomes } = view.t.tokens;
  const failures = (Object.keys(outcomes) as (ErrorKind | "ok")[]).filter((kind) => kind !== "ok");
  const isMore = Boolean(query.model || query.from || query.to);
  return (
    <FilterBar view={view} action="/admin/requests" query={query.q ?? ""}>
      <Select
        name="outcome"
        label={requests.outcome}
        value={query.outcome ?? ""}
        submits
        options={[
          { value: "", label: requests.any },
          { value: "ok", label: outcomes.ok },
          { value: "failed", label: requests.failed },
          ...failures.map((value) => ({ value, label: `– ${outcomes[value]}` })),
          { value: "internal", label: `– ${requests.internal}` },
        ]}
      />
      <Select
        name="kind"
        label={requests.kind}
        value={query.kind ?? ""}
        submits
        options={[
          { value: "", label: requests.anyKind },
          ...(["image", "video"] as const).map((value) => ({ value, label: requests.kinds[value] })),
        ]}
      />
      <Select name="key" label={requests.key} value={query.key ?? ""} submits options={[{ value: "", label: requests.anyKey }, ...keys]} />
      {query.token && <input type="hidden" name="token" value={query.token} />}
      <details class="more-filters" open={isMore}>
        <summary class="btn bare s">{requests.more}</summary>
        <div class="row">
          <Field name="model" label={requests.model} hint={requests.modelHint} value={query.model ?? ""} maxLength={200} list="models" />
          <Field name="from" label={requests.from} type="datetime-local" value={query.from ?? ""} />
          <Field name="to" label={requests.to} type="datetime-local" value={query.to ?? ""} />
        </div>
        <datalist id="models">
          {models.map((model) => (
            <option key={model} value={model} />
          ))}
        </datalist>
      </details>
      {tokenName && (
        <a class="btn s only" href={requestsHref({ ...query, token: undefined, before: undefined })}>
          <span class="cut">{`${requests.token}: ${tokenName}`}</span> ×
        </a>
      )}
      {Object.keys(query).some((name) => name !== "before") && (
        <LinkButton href="/admin/requests" tone="quiet" small>
          {requests.clear}
        </LinkButton>
      )}
    </FilterBar>
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
  return (
    <Row view={view} id={`request-${row.id}`}>
      <Cell>
        <a href={`/admin/requests/${encodeURIComponent(row.id)}`}>
          <Time view={view} value={row.at + row.ms} />
        </a>
      </Cell>
      <Cell label={columns.outcome}>
        <OutcomeBadge view={view} outcome={row.outcome} title={row.message ?? undefined} />
      </Cell>
      <Cell label={columns.model} gives>
        <span class="mono cut" title={row.model}>
          {row.model}
        </span>
        {row.message && <small class="cut soft">{row.message}</small>}
      </Cell>
      <Cell label={columns.key}>
        {row.keyId === null ? (
          <Dash />
        ) : (
          <a class="cut" href={requestsHref({ key: `${row.keyId}` })}>
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
      <Cell label={columns.result} align="end">
        {resultText(view, row) ?? <Dash />}
      </Cell>
      <Cell label={columns.usd} align="end">
        {row.usd > 0 ? <span class="nw">{formatUsd(row.usd, view.locale)}</span> : <Dash />}
      </Cell>
    </Row>
  );
}

function LastToken({ view, row: { attempts, tokenLabel } }: { view: View; row: ShownRequest }) {
  const { requests } = view.t;
  const last = attempts.at(-1);
  if (!last) return <Dash />;
  return (
    <div class="row">
      <a class="cut" href={requestsHref({ token: `${last.tokenId}` })}>
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

/** What came of it, in words; null: nothing. */
export function resultText(view: View, { images, videoSeconds }: Pick<RequestRow, "images" | "videoSeconds">): string | null {
  if (images > 0) return view.t.requests.images(images);
  return videoSeconds > 0 ? formatDuration(videoSeconds * 1000) : null;
}

/** Ours to mend, the client's, or nobody's. */
const TONES: Partial<Record<string, BadgeTone>> = {
  ok: "ok",
  cancelled: "off",
  content_policy: "warn",
  invalid_request: "warn",
  limit_exceeded: "warn",
  forbidden: "warn",
};

export const outcomeTone = (outcome: string): BadgeTone => TONES[outcome] ?? "bad";

export const OutcomeBadge = ({ view, outcome, title }: { view: View; outcome: string; title?: string }) => (
  <Badge tone={outcomeTone(outcome)} title={title}>
    {outcome === "internal" ? view.t.requests.internal : outcomeText(view, outcome)}
  </Badge>
);
