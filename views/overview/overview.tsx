// Overview page: current activity, alerts for the operator, and usage.
import type { OverviewNow, OverviewPlots, OverviewState } from "../../src/gateway/reports/overview.ts";
import type { UsageTotal } from "../../src/gateway/reports/usage.ts";
import { ThreeSteps } from "../auth/setup.tsx";
import { SideCallsCard } from "../side-calls.tsx";
import { Card, EmptyState, LinkButton, Stat, Stats } from "../ui/controls.tsx";
import { Count, Dash, Duration, Money } from "../ui/figures.tsx";
import { formatPercent } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { NAV } from "../ui/nav.ts";
import { alongTime, Plot, PlotScripts, type PlotSeries, type PlotUnit } from "../ui/plot.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { NeedRow, needCounts } from "./needs.tsx";

/** `origin`: where clients find this server. */
type OverviewProps = { view: View; look: OverviewState; plots: OverviewPlots; origin: string };

export function OverviewPage({ view, look, plots, origin }: OverviewProps) {
  const { overview } = view.t;
  const isEmpty = look.needs.some(({ kind }) => kind === "noTokens" || kind === "unfinished");
  const figures = look.month.requests === 0 ? <Quiet view={view} /> : <Plots view={view} plots={plots} />;
  return (
    <>
      <PageHead title={overview.title} about={overview.about} />
      <div class="flow">
        <div class="flow" {...{ "hx-sse:connect": "/admin/events/overview" }} hx-swap="innerHTML">
          <OverviewLive view={view} look={look} />
        </div>
        {isEmpty ? <ThreeSteps view={view} origin={origin} /> : figures}
      </div>
      <PlotScripts view={view} />
    </>
  );
}

/** The part that is sent again whenever it changes. */
export function OverviewLive({ view, look: { now, needs, today, month, sideCalls } }: { view: View; look: OverviewState }) {
  const { overview } = view.t;
  return (
    <>
      <Now view={view} now={now} />
      {needs.length === 0 ? (
        <Hint tone="ok">{overview.needsNothing}</Hint>
      ) : (
        <Card title={overview.needs}>
          <p class="soft">{needCounts(view, needs)}</p>
          <ul class="needs">
            {needs.map((need) => (
              <NeedRow key={need.id} view={view} need={need} />
            ))}
          </ul>
        </Card>
      )}
      <Sums view={view} today={today} month={month} />
      <SideCallsCard view={view} look={sideCalls} />
    </>
  );
}

function Now({ view, now: { inFlight, queued, jobs, tokens } }: { view: View; now: OverviewNow }) {
  const { overview } = view.t;
  const total = tokens.healthy + tokens.cooling + tokens.blocked + tokens.disabled;
  return (
    <Stats>
      <Stat label={overview.inFlight} note={`${inFlight.image} ${overview.images} · ${inFlight.video} ${overview.videos}`}>
        <Count view={view} value={inFlight.image + inFlight.video} />
      </Stat>
      <Stat label={overview.queued}>
        <Count view={view} value={queued} />
      </Stat>
      <Stat label={overview.jobs} href="/admin/jobs?state=open" note={overview.jobsNote(jobs.waiting, jobs.unknown)}>
        <Count view={view} value={jobs.running} />
      </Stat>
      <Stat label={overview.healthy} href="/admin/tokens?health=healthy" note={overview.healthyNote(total, tokens.disabled)}>
        <Count view={view} value={tokens.healthy} />
      </Stat>
      <Stat label={overview.cooling} href="/admin/tokens?health=cooling">
        <Count view={view} value={tokens.cooling} />
      </Stat>
      <Stat label={overview.blocked} href="/admin/tokens?health=blocked">
        <Count view={view} value={tokens.blocked} />
      </Stat>
    </Stats>
  );
}

/** Today and the last 30 days, one below the other. */
function Sums({ view, today, month }: { view: View; today: UsageTotal; month: UsageTotal }) {
  const { overview, usage } = view.t;
  const names = ["requests", "errors", "images", "videoSeconds", "usd", "p50Ms", "p95Ms"] as const;
  const columns = names.map((name) => ({ key: name, label: usage.columns[name], align: "end" as const }));
  return (
    <Table view={view} label={overview.sums} columns={[{ key: "span", label: overview.sums }, ...columns]}>
      <SumRow view={view} span="today" sums={today} />
      <SumRow view={view} span="30" sums={month} />
    </Table>
  );
}

function SumRow({ view, span, sums }: { view: View; span: "today" | "30"; sums: UsageTotal }) {
  const { columns, spans } = view.t.usage;
  const { requests, errors, images, videoSeconds, usd, p50Ms, p95Ms } = sums;
  return (
    <Row view={view} id={`sums-${span}`}>
      <Cell>
        <a href={`/admin/usage?span=${span}`}>{spans[span]}</a>
      </Cell>
      <Cell label={columns.requests} align="end">
        <Count view={view} value={requests} />
      </Cell>
      <Cell label={columns.errors} align="end">
        {errors === 0 ? (
          <Dash />
        ) : (
          <span>
            <Count view={view} value={errors} /> <span class="soft nw">{formatPercent(errors / requests, view.locale)}</span>
          </span>
        )}
      </Cell>
      <Cell label={columns.images} align="end">
        {images === 0 ? <Dash /> : <Count view={view} value={images} />}
      </Cell>
      <Cell label={columns.videoSeconds} align="end">
        {videoSeconds === 0 ? <Dash /> : <Duration value={videoSeconds * 1000} />}
      </Cell>
      <Cell label={columns.usd} align="end">
        <Money view={view} value={usd} />
      </Cell>
      <Cell label={columns.p50Ms} align="end">
        <Duration value={p50Ms} />
      </Cell>
      <Cell label={columns.p95Ms} align="end">
        <Duration value={p95Ms} />
      </Cell>
    </Row>
  );
}

/** Nothing was generated yet: where it begins. */
function Quiet({ view }: { view: View }) {
  const { overview, shell } = view.t;
  const playground = NAV.find(({ name }) => name === "playground");
  const action = playground && (
    <LinkButton href={playground.path} tone="primary">
      {shell.nav.playground}
    </LinkButton>
  );
  return (
    <EmptyState title={overview.quiet} action={action}>
      {overview.quietAbout}
    </EmptyState>
  );
}

function Plots({ view, plots: { day, month } }: { view: View; plots: OverviewPlots }) {
  const { overview, usage } = view.t;
  const drawn = (title: string, unit: PlotUnit, { range, rows }: OverviewPlots["day"], series: (values: Values) => PlotSeries[]) => {
    const { times, values } = alongTime(rows, { ...range, to: Math.min(range.to, view.now) });
    return (
      <Card>
        <Plot view={view} title={title} unit={unit} times={times} step={range.step} series={series(values)} />
      </Card>
    );
  };
  const requests = (values: Values): PlotSeries[] => [
    { label: usage.plots.requests, values: values((row) => row.requests) },
    { label: usage.plots.failed, values: values((row) => row.errors), tone: "bad" },
  ];
  return (
    <div class="charts">
      {drawn(overview.plots.day, "count", day, requests)}
      {drawn(overview.plots.month, "count", month, requests)}
      {drawn(overview.plots.money, "usd", month, (values) => [{ label: usage.columns.usd, values: values((row) => row.usd), tone: "ok" }])}
      {drawn(overview.plots.latency, "ms", month, (values) => [
        { label: "p95", values: values((row) => row.p95Ms, null), tone: "warn", shape: "line" },
        { label: "p50", values: values((row) => row.p50Ms, null), shape: "line" },
      ])}
    </div>
  );
}

type Values = ReturnType<typeof alongTime<OverviewPlots["day"]["rows"][number]>>["values"];
