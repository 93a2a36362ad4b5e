// Usage page: sums of a time span by day, model, key or token, as plots, table and CSV.
import type { UsageRow } from "../../src/db/ledger.ts";
import type { Kind } from "../../src/domain/generation.ts";
import type { UsageByKind, UsageRange } from "../../src/gateway/reports/usage.ts";
import { type RequestFields, requestsHref } from "../requests/href.ts";
import { Card, EmptyState, LinkButton, Stat, Stats } from "../ui/controls.tsx";
import { Field, Select } from "../ui/fields.tsx";
import { Count, Dash, Money } from "../ui/figures.tsx";
import { formatDuration, formatPercent } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { alongTime, Plot, PlotScripts, type PlotSeries, type PlotUnit } from "../ui/plot.tsx";
import type { View } from "../ui/view.ts";
import { dayOf, requestsOf, type UsageAddress, type UsageData, usageHref } from "./usage-address.ts";
import { compact, Groups } from "./usage-table.tsx";

export function UsagePage({ view, data }: { view: View; data: UsageData }) {
  const { usage } = view.t;
  const actions = (
    <>
      <LinkButton href={usageHref(data, {}, "/billing")} small icon="coins">
        {usage.billing}
      </LinkButton>
      {data.by !== "reason" && (
        <LinkButton href={usageHref(data, {}, "/csv")} small icon="download" data-download="">
          {usage.csv}
        </LinkButton>
      )}
    </>
  );
  return (
    <>
      <PageHead title={usage.title} about={usage.about} actions={actions} />
      <UsageFilters view={view} data={data} />
      {data.total.requests === 0 && data.by !== "reason" ? (
        <EmptyState title={usage.empty}>{usage.emptyAbout}</EmptyState>
      ) : (
        <div class="flow">
          <Totals view={view} data={data} />
          {data.by !== "reason" && <UsagePlots view={view} along={data.along} range={data.range} only={requestsOf(data)} />}
          <Groups view={view} data={data} />
        </div>
      )}
      <PlotScripts view={view} />
    </>
  );
}

/** Span, model, and what is shown alone. `path`: of the page within the usage pages. */
export function UsageFilters({ view, data, path = "" }: { view: View; data: UsageAddress & { models: readonly string[] }; path?: string }) {
  const { usage } = view.t;
  const { range, by, key, token, model, models } = data;
  const spans = (Object.keys(usage.spans) as (keyof typeof usage.spans)[]).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return (
    <form class="filters" method="get" action={`/admin/usage${path}`} aria-label={usage.title}>
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
      {key && <Only view={view} what={`${usage.only.key}: ${key.name}`} href={usageHref(data, { key: "" }, path)} />}
      {token && <Only view={view} what={`${usage.only.token}: ${token.name}`} href={usageHref(data, { token: "" }, path)} />}
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

function Totals({ view, data }: { view: View; data: UsageData }) {
  const { total } = data;
  const own = requestsOf(data);
  const { columns, errorShare, unitsIn, unitsOut } = view.t.usage;
  const { requests, errors, images, videoSeconds, usd, inputTokens, outputTokens } = total;
  return (
    <Stats>
      <Stat
        label={columns.requests}
        note={
          errors > 0 ? (
            <a href={requestsHref({ ...own, ...(own.token ? { attempt: "failed" } : { outcome: "failed" }) })}>
              {errorShare(formatPercent(errors / requests, view.locale))}
            </a>
          ) : undefined
        }
      >
        <a href={requestsHref(own)}>
          <Count view={view} value={requests} />
        </a>
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
    </Stats>
  );
}

type PlotsProps = {
  view: View;
  along: UsageByKind;
  range: UsageRange;
  /** What narrows the requests that bars lead to. */
  only?: RequestFields;
};

/** Requests, money, and what else there was; for other pages too. Not for the page's live parts. */
export function UsagePlots({ view, along, range, only = {} }: PlotsProps) {
  const { plots } = view.t.usage;
  const rows = along.all;
  const span = { ...range, to: Math.min(range.to, view.now) };
  const { times, values } = alongTime(rows, span);
  const one = (title: string, unit: PlotUnit, series: PlotSeries[], more: RequestFields = {}) => (
    <Card key={title}>
      <Plot
        view={view}
        title={title}
        unit={unit}
        times={times}
        step={range.step}
        series={series}
        href={(from, to) => requestsHref({ ...only, ...more, from, to })}
      />
    </Card>
  );
  const latency = (kind: Kind) => {
    const { values: of } = alongTime(along[kind], span);
    const series: PlotSeries[] = [
      { label: "p95", values: of((row) => row.p95Ms, null), tone: "warn", shape: "line" },
      { label: "p50", values: of((row) => row.p50Ms, null), shape: "line" },
    ];
    return (
      along[kind].some(({ p50Ms }) => p50Ms !== null) && one(view.t.overview.today.timeTo[kind], "ms", series, { kind, outcome: "ok" })
    );
  };
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
      {latency("image")}
      {latency("video")}
    </div>
  );
}
