// Usage page: sums of a time span by day, model, key or token, as plots, table and CSV.
import type { UsageRow } from "../src/db/ledger.ts";
import type { UsageGroup, UsageRange, UsageSort, UsageTotal } from "../src/gateway/reports/usage.ts";
import { Card, EmptyState, LinkButton, Stat, Stats, Tabs } from "./ui/controls.tsx";
import { Field, Select } from "./ui/fields.tsx";
import { Count, Dash, Duration, Money } from "./ui/figures.tsx";
import { formatCount, formatDuration, formatPercent, formatUsd } from "./ui/format.ts";
import { PageHead } from "./ui/layout.tsx";
import { alongTime, Plot, PlotScripts, type PlotSeries, type PlotUnit } from "./ui/plot.tsx";
import { Cell, type Column, Row, Table } from "./ui/table.tsx";
import type { View } from "./ui/view.ts";

/** What the address of the page says. */
export type UsageAddress = {
  range: UsageRange;
  by: UsageGroup;
  key?: { id: number; name: string };
  token?: { id: number; name: string };
  model?: string;
  sort: UsageSort;
  descending: boolean;
};

export type UsageData = UsageAddress & {
  total: UsageTotal;
  /** By hour or day, for the plots. */
  along: readonly UsageRow[];
  /** Of the table, in order; `all` is how many there are. */
  rows: readonly (UsageRow & { name: string })[];
  all: number;
  /** Ids of the families that can be chosen. */
  models: readonly string[];
};

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

/** The page at another place: what is not changed stays. */
function usageHref(
  at: UsageAddress,
  change: Partial<Record<"span" | "by" | "from" | "to" | "key" | "token" | "model", string>>,
  path = "",
) {
  const { span, from, to } = at.range;
  const own = span === "custom" ? { from: dayOf(from), to: dayOf(to - 1) } : {};
  const now = { span, by: at.by, ...own, key: at.key && `${at.key.id}`, token: at.token && `${at.token.id}`, model: at.model };
  const fields = Object.entries({ ...now, ...change }).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `/admin/usage${path}?${new URLSearchParams(fields)}`;
}

export function UsagePage({ view, data }: { view: View; data: UsageData }) {
  const { usage } = view.t;
  const csv = (
    <LinkButton href={usageHref(data, {}, "/csv")} small data-download="">
      {usage.csv}
    </LinkButton>
  );
  return (
    <>
      <PageHead title={usage.title} about={usage.about} actions={csv} />
      <Filters view={view} data={data} />
      {data.total.requests === 0 ? (
        <EmptyState title={usage.empty}>{usage.emptyAbout}</EmptyState>
      ) : (
        <div class="flow">
          <Totals view={view} total={data.total} />
          <UsagePlots view={view} rows={data.along} range={data.range} />
          <Groups view={view} data={data} />
        </div>
      )}
      <PlotScripts view={view} />
    </>
  );
}

function Filters({ view, data }: { view: View; data: UsageData }) {
  const { usage } = view.t;
  const { range, by, key, token, model, models } = data;
  const spans = (Object.keys(usage.spans) as (keyof typeof usage.spans)[]).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return (
    <form class="filters" method="get" action="/admin/usage" aria-label={usage.title}>
      <input type="hidden" name="by" value={by} />
      {key && <input type="hidden" name="key" value={key.id} />}
      {token && <input type="hidden" name="token" value={token.id} />}
      <Select
        name="span"
        label={usage.span}
        value={range.span}
        options={spans.map((value) => ({ value, label: usage.spans[value] }))}
        submits
      />
      {range.span === "custom" && (
        <>
          <Field name="from" label={usage.from} type="date" value={dayOf(range.from)} max={dayOf(view.now)} required />
          <Field name="to" label={usage.to} type="date" value={dayOf(range.to - 1)} max={dayOf(view.now)} required />
        </>
      )}
      <Select
        name="model"
        label={usage.model}
        value={model ?? ""}
        options={[{ value: "", label: usage.allModels }, ...models.map((value) => ({ value, label: value }))]}
        submits
      />
      <button type="submit" class="btn s">
        {usage.show}
      </button>
      {key && <Only view={view} what={`${usage.only.key}: ${key.name}`} href={usageHref(data, { key: "" })} />}
      {token && <Only view={view} what={`${usage.only.token}: ${token.name}`} href={usageHref(data, { token: "" })} />}
    </form>
  );
}

const ORDER = ["today", "7", "30", "custom"];

/** What is shown alone, and the way back. */
const Only = ({ view, what, href }: { view: View; what: string; href: string }) => (
  <a class="btn s only" href={href} aria-label={view.t.usage.remove(what)}>
    <span class="cut">{what}</span> ×
  </a>
);

function Totals({ view, total }: { view: View; total: UsageTotal }) {
  const { columns, errorShare, plots, slowest, unitsIn, unitsOut } = view.t.usage;
  const { requests, errors, images, videoSeconds, usd, inputTokens, outputTokens, p50Ms, p95Ms } = total;
  return (
    <Stats>
      <Stat label={columns.requests} note={errors > 0 ? errorShare(formatPercent(errors / requests, view.locale)) : undefined}>
        <Count view={view} value={requests} />
      </Stat>
      <Stat label={columns.images}>
        <Count view={view} value={images} />
      </Stat>
      <Stat label={columns.videoSeconds}>{videoSeconds > 0 ? formatDuration(videoSeconds * 1000) : <Dash />}</Stat>
      <Stat label={columns.usd}>
        <Money view={view} value={usd} />
      </Stat>
      <Stat label={unitsOut} note={unitsIn(compact(inputTokens, view))}>
        {compact(outputTokens, view)}
      </Stat>
      <Stat label={plots.latency} note={p95Ms === null ? undefined : slowest(formatDuration(p95Ms))}>
        {p50Ms === null ? <Dash /> : formatDuration(p50Ms)}
      </Stat>
    </Stats>
  );
}

const compact = (value: number, { locale }: View) =>
  new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);

/** Requests, money, and what else there was; for other pages too. Not for the page's live parts. */
export function UsagePlots({ view, rows, range }: { view: View; rows: readonly UsageRow[]; range: UsageRange }) {
  const { plots } = view.t.usage;
  const { times, values } = alongTime(rows, { ...range, to: Math.min(range.to, view.now) });
  const one = (title: string, unit: PlotUnit, series: PlotSeries[]) => (
    <Card key={title}>
      <Plot view={view} title={title} unit={unit} times={times} step={range.step} series={series} />
    </Card>
  );
  const has = (of: (row: UsageRow) => number) => rows.some((row) => of(row) > 0);
  if (rows.length === 0) return <EmptyState title={view.t.usage.empty} />;
  return (
    <div class="charts">
      {one(plots.requests, "count", [
        { label: plots.requests, values: values((row) => row.requests) },
        { label: plots.failed, values: values((row) => row.errors), tone: "bad" },
      ])}
      {one(plots.money, "usd", [{ label: view.t.usage.columns.usd, values: values((row) => row.usd), tone: "ok" }])}
      {has((row) => row.images) && one(plots.images, "count", [{ label: plots.images, values: values((row) => row.images), tone: "busy" }])}
      {has((row) => row.videoSeconds) &&
        one(plots.video, "seconds", [{ label: plots.video, values: values((row) => row.videoSeconds), tone: "busy" }])}
      {one(plots.latency, "ms", [
        { label: "p95", values: values((row) => row.p95Ms, null), tone: "warn", shape: "line" },
        { label: "p50", values: values((row) => row.p50Ms, null), shape: "line" },
      ])}
    </div>
  );
}

function Groups({ view, data }: { view: View; data: UsageData }) {
  const { usage } = view.t;
  const { by, rows, all, sort, descending } = data;
  const tabs = (["day", "model", "key", "token"] as const)
    // Rollups know a key's models and days, not its tokens.
    .filter((group) => group === by || (group !== "key" && group !== "token") || (!data.key && !data.token))
    .map((group) => ({ href: usageHref(data, { by: group }), label: usage.groups[group], current: group === by }));
  const sorting = {
    by: sort,
    descending,
    href: (name: string, isDescending: boolean) => `${usageHref(data, {})}&sort=${name}&order=${isDescending ? "desc" : "asc"}`,
  };
  return (
    <section id="sums" class="two-up">
      <Tabs label={usage.groupsLabel} tabs={tabs} />
      <Table view={view} label={usage.groups[by]} columns={columnsOf(view, by)} sorting={sorting}>
        {rows.map((row) => (
          <UsageLine key={row.group} view={view} data={data} row={row} />
        ))}
      </Table>
      {by === "token" && <p class="soft small-print">{usage.callsAbout}</p>}
      {rows.length < all && (
        <p class="soft small-print">{usage.shown(formatCount(rows.length, view.locale), formatCount(all, view.locale))}</p>
      )}
    </section>
  );
}

const FIGURES = ["requests", "errors", "images", "videoSeconds", "usd", "outputTokens", "p50Ms", "p95Ms"] as const;

function columnsOf(view: View, by: UsageGroup): Column[] {
  const { columns } = view.t.usage;
  const figures = FIGURES.filter((name) => by !== "token" || name !== "outputTokens").map((name) => ({
    key: name,
    label: by === "token" && name === "requests" ? columns.calls : columns[name],
    align: "end" as const,
    sortable: true,
  }));
  return [{ key: "group", label: columns[by], sortable: true }, ...figures];
}

function UsageLine({ view, data, row }: { view: View; data: UsageData; row: UsageRow & { name: string } }) {
  const { columns } = view.t.usage;
  const { by } = data;
  return (
    <Row view={view} id={`sum-${by}-${row.group}`}>
      <Cell>
        <a class={by === "model" ? "cut mono" : "cut"} href={closer(data, row)}>
          {row.name}
        </a>
      </Cell>
      <Cell label={by === "token" ? columns.calls : columns.requests} align="end">
        <Count view={view} value={row.requests} />
      </Cell>
      <Cell label={columns.errors} align="end">
        {row.errors > 0 ? <Count view={view} value={row.errors} /> : <Dash />}
      </Cell>
      <Cell label={columns.images} align="end">
        {row.images > 0 ? <Count view={view} value={row.images} /> : <Dash />}
      </Cell>
      <Cell label={columns.videoSeconds} align="end">
        {row.videoSeconds > 0 ? <Duration value={row.videoSeconds * 1000} /> : <Dash />}
      </Cell>
      <Cell label={columns.usd} align="end">
        <span class="nw">{formatUsd(row.usd, view.locale)}</span>
      </Cell>
      {by !== "token" && (
        <Cell label={columns.outputTokens} align="end">
          <span class="nw">
            {compact(row.inputTokens, view)} / {compact(row.outputTokens, view)}
          </span>
        </Cell>
      )}
      <Cell label={columns.p50Ms} align="end">
        <Duration value={row.p50Ms} />
      </Cell>
      <Cell label={columns.p95Ms} align="end">
        <Duration value={row.p95Ms} />
      </Cell>
    </Row>
  );
}

/** The row alone: a day by the hour, a model, key or token by day. */
function closer(data: UsageData, { group }: UsageRow): string {
  if (data.by === "day") return usageHref(data, { span: "custom", from: dayOf(Number(group)), to: dayOf(Number(group)), by: "model" });
  return usageHref(data, { [data.by]: `${group}`, by: "day" });
}
