// Keys page: usage, closest limit and state of each client key.

import type { KeyRow } from "../../src/domain/key.ts";
import type { KeyState } from "../../src/gateway/keys/manage-keys.ts";
import type { KeyUsage, LimitUse } from "../../src/gateway/limits/key-usage.ts";
import { Badge, type BadgeTone, EmptyState, LinkButton, Menu } from "../ui/controls.tsx";
import { Select } from "../ui/fields.tsx";
import { Dash, Progress, Time } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import { formatCount, formatDuration, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Cell, FilterBar, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

export type ShownKey = {
  row: KeyRow;
  state: KeyState;
  usage: KeyUsage;
  closest: LimitUse | null;
  /** It counts what the operator makes in the admin. */
  isOperator: boolean;
};

export type KeysData = {
  keys: readonly ShownKey[];
  query: { q: string; state: string };
  next: number | null;
  isFirst: boolean;
  counts: Record<KeyState, number>;
};

const STATE_TONES: Record<KeyState, BadgeTone> = { usable: "ok", disabled: "off", expired: "warn", deleted: "bad" };

export const KeyStateBadge = ({ view, state }: { view: View; state: KeyState }) => (
  <Badge tone={STATE_TONES[state]}>{view.t.keys.states[state]}</Badge>
);

export const keyHref = (id: number, path = ""): string => `/admin/keys/${id}${path}`;

const listHref = ({ q, state }: KeysData["query"], before?: number) => {
  const fields = new URLSearchParams({
    ...(q ? { q } : {}),
    ...(state !== "living" ? { state } : {}),
    ...(before ? { before: `${before}` } : {}),
  });
  return `/admin/keys${fields.size > 0 ? `?${fields}` : ""}`;
};

export function KeysPage({ view, data }: { view: View; data: KeysData }) {
  const { keys } = view.t;
  const { query, next, isFirst, counts } = data;
  const all = counts.usable + counts.disabled + counts.expired + counts.deleted;
  const create = (
    <LinkButton href="/admin/keys/new" tone="primary">
      {keys.create}
    </LinkButton>
  );
  const living = all - counts.deleted;
  const states = [
    { value: "living", label: `${keys.living} (${formatCount(living, view.locale)})` },
    ...(["usable", "disabled", "expired", "deleted"] as const).map((value) => ({
      value,
      label: `${keys.states[value]} (${formatCount(counts[value], view.locale)})`,
    })),
    { value: "all", label: `${keys.any} (${formatCount(all, view.locale)})` },
  ];
  return (
    <>
      <PageHead title={keys.title} about={keys.about} actions={create} />
      <FilterBar view={view} action="/admin/keys" query={query.q}>
        <Select name="state" label={keys.state} value={query.state} options={states} submits />
      </FilterBar>
      {data.keys.length === 0 ? (
        <EmptyState title={all === 0 ? keys.emptyAll : keys.empty} action={all === 0 ? create : undefined}>
          {all === 0 ? keys.emptyAbout : undefined}
        </EmptyState>
      ) : (
        <Table view={view} label={keys.title} columns={columnsOf(view)} hasLines>
          {data.keys.map((one) => (
            <KeyLine key={one.row.id} view={view} shown={one} />
          ))}
        </Table>
      )}
      <Pager view={view} next={next === null ? null : listHref(query, next)} first={isFirst ? null : listHref(query)} />
    </>
  );
}

function columnsOf(view: View) {
  const { columns } = view.t.keys;
  return (["name", "state", "today", "limits", "pace", "models", "expires", "actions"] as const).map((key) => ({
    key,
    label: columns[key],
    hidden: key === "actions",
  }));
}

/** One row; the response to what is done to it, too. */
export function KeyLine({ view, shown }: { view: View; shown: ShownKey }) {
  const { keys } = view.t;
  const { row, state, usage, closest, isOperator } = shown;
  return (
    <Row view={view} id={`key-${row.id}`}>
      <Cell place="name">
        <div class="lines">
          <a class="cut" href={keyHref(row.id)}>
            {row.name}
          </a>
          <small class="soft">{isOperator ? keys.operator : <span class="mono">{row.prefix}…</span>}</small>
        </div>
      </Cell>
      <Cell label={keys.columns.state} place="state">
        <KeyStateBadge view={view} state={state} />
      </Cell>
      <Cell label={keys.columns.today} place="about">
        {todayText(view, usage) ?? <Dash />}
      </Cell>
      <Cell label={keys.columns.limits} place="figure">
        {closest ? <LimitBar view={view} use={closest} /> : <Dash />}
      </Cell>
      <Cell label={keys.columns.pace}>
        <LatencyEstimate view={view} row={row} usage={usage} />
      </Cell>
      <Cell label={keys.columns.models}>
        <span title={row.models.join(", ") || undefined}>{row.models.length === 0 ? keys.all : keys.count(row.models.length)}</span>
      </Cell>
      <Cell label={keys.columns.expires}>{row.expiresAt === null ? <Dash /> : <Time view={view} value={row.expiresAt} ago />}</Cell>
      <Cell align="end">{state === "deleted" ? <RestoreButton view={view} row={row} /> : <Actions view={view} row={row} />}</Cell>
    </Row>
  );
}

export function RestoreButton({ view, row }: { view: View; row: KeyRow }) {
  return (
    <ActionButton view={view} action={keyHref(row.id, "/restore")} small>
      {view.t.keys.restore}
    </ActionButton>
  );
}

function Actions({ view, row }: { view: View; row: KeyRow }) {
  const { keys, controls } = view.t;
  return (
    <div class="row-actions">
      <LinkButton href={keyHref(row.id, "/edit")} small>
        {keys.edit}
      </LinkButton>
      <Menu label={`${controls.more}: ${row.name}`}>
        <EnabledButton view={view} row={row} target={`#key-${row.id}`} />
        <LinkButton href={`/admin/usage?key=${row.id}`}>{keys.toUsage}</LinkButton>
        <LinkButton href={`/admin/requests?key=${row.id}`}>{keys.toRequests}</LinkButton>
        <LinkButton href={keyHref(row.id, "/rotate")}>{keys.rotate}</LinkButton>
        <LinkButton href={`/admin/keys/new?from=${row.id}`}>{keys.duplicate}</LinkButton>
        <ActionButton view={view} action={keyHref(row.id, "/delete")} tone="danger">
          {keys.remove}
        </ActionButton>
      </Menu>
    </div>
  );
}

/** The switch of a key. `target`: the row that the response replaces; absent: a page follows. */
export function EnabledButton({ view, row, target }: { view: View; row: KeyRow; target?: string }) {
  const { keys } = view.t;
  const fields = { enabled: row.enabled ? "off" : "on", ...(target ? {} : { back: keyHref(row.id) }) };
  return (
    <ActionButton view={view} action={keyHref(row.id, "/enabled")} fields={fields} target={target}>
      {row.enabled ? keys.disable : keys.enable}
    </ActionButton>
  );
}

/** Of what is counted, what is not nothing. */
function todayText(view: View, { day }: KeyUsage): string | null {
  const parts = [
    day.images > 0 && view.t.requests.images(day.images),
    day.videoSeconds > 0 && formatDuration(day.videoSeconds * 1000),
    day.usd > 0 && formatUsd(day.usd, view.locale),
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(" · ") : null;
}

/** An amount in its unit. */
export const amountText = (view: View, unit: LimitUse["unit"], value: number): string =>
  unit === "usd" ? formatUsd(value, view.locale) : formatCount(value, view.locale);

/** How much of a limit is used, and of which where that is not said beside it. */
export function LimitBar({ view, use, isNamed = true }: { view: View; use: LimitUse; isNamed?: boolean }) {
  const { keys } = view.t;
  const { unit, period, used, limit } = use;
  const text = keys.ofLimit(amountText(view, unit, used), amountText(view, unit, limit));
  const isFull = used >= limit;
  const label = `${keys.units[unit]} ${keys.perPeriod[period]}`;
  return (
    <div class={isFull ? "limit full" : "limit"}>
      <span class="nw">{text}</span> {isNamed && <small class="soft">{label}</small>}
      <Progress value={Math.min(used, limit)} max={limit || 1} label={`${label}: ${text}`} />
    </div>
  );
}

function LatencyEstimate({ view, row: { limits }, usage }: { view: View; row: KeyRow; usage: KeyUsage }) {
  const { keys } = view.t;
  const of = (used: number, limit: number | null) => (limit === null ? `${used}` : keys.ofLimit(`${used}`, `${limit}`));
  if (limits.rpm === null && limits.concurrency === null && usage.inFlight === 0 && usage.requestsLastMinute === 0) return <Dash />;
  return (
    <div class="nw">
      {keys.inFlight(of(usage.inFlight, limits.concurrency))}
      <br />
      <small class="soft">{keys.perMinute(of(usage.requestsLastMinute, limits.rpm))}</small>
    </div>
  );
}
