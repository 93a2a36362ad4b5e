// Today in four small charts, images and videos apart, and what was spent against yesterday.
import type { Kind } from "../../src/domain/generation.ts";
import type { KeySpend } from "../../src/gateway/reports/overview.ts";
import type { DayOfKind, HourOfKind, Today } from "../../src/gateway/reports/today.ts";
import { requestsHref } from "../requests/href.ts";
import { formatCount, formatDuration, formatHour, formatPercent, formatUsd } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { View } from "../ui/view.ts";
import { areaPath, barsPath, Chart, HOURS, HourAxis, linePath, sumPath } from "./charts.tsx";

const HOUR_MS = 3_600_000;
type KindProps = { view: View; kind: Kind; day: DayOfKind; from: number };

export function TodaySection({ view, today: { kinds, from } }: { view: View; today: Today }) {
  const { today: text } = view.t.overview;
  return (
    <section class="box a-traf" id="ov-today" aria-labelledby="traf">
      <header>
        <h2 id="traf">{text.title}</h2>
        <span class="key">
          <span>{text.ok}</span>
          <span class="k-b">{text.failed}</span>
          <span class="k-w">{text.yesterday}</span>
        </span>
        <a class="push" href="/admin/usage?span=today">
          {text.usage}
        </a>
      </header>
      <div class="small4">
        <Counts view={view} kind="image" day={kinds.image} from={from} />
        <Counts view={view} kind="video" day={kinds.video} from={from} />
        <Times view={view} kind="image" day={kinds.image} from={from} />
        <Times view={view} kind="video" day={kinds.video} from={from} />
      </div>
    </section>
  );
}

type Hours = { kind: Kind; from: number; outcome?: "ok" | "failed" };

/** Requests of one hour of the day; `hour` null: of the whole day. */
function requestsIn({ kind, from, outcome }: Hours, hour: number | null): string {
  const iso = (hours: number) => `${new Date(from + hours * HOUR_MS).toISOString().slice(0, 16)}Z`;
  const [first, last] = hour === null ? [0, HOURS] : [hour, hour + 1];
  return requestsHref({ kind, ...(outcome && { outcome }), from: iso(first), to: iso(last) });
}

function Counts({ view, kind, day, from }: KindProps) {
  const { today: text } = view.t.overview;
  const count = (value: number) => formatCount(value, view.locale);
  const served = day.hours.map((hour) => hour.served + hour.failed);
  const most = Math.max(1, ...served, ...day.yesterday);
  const total = day.served + day.failed;
  const title = ({ served: ok, failed }: HourOfKind, hour: number) =>
    text.hourCounts(formatHour(from + hour * HOUR_MS, view), count(ok), count(failed));
  return (
    <figure>
      <figcaption>
        <span class="soft row">
          <Icon name={kind} />
          {text.kinds[kind]}
        </span>
        <b class="push">{count(day.served)}</b>
      </figcaption>
      <Chart
        label={text.countsLabel[kind](count(day.served), count(day.failed))}
        top={text.perHour(count(most))}
        hours={day.hours.map((hour, index) => ({ title: title(hour, index), href: requestsIn({ kind, from }, index) }))}
      >
        <path class="up" d={barsPath(served, most)} />
        <path
          class="no"
          d={barsPath(
            day.hours.map(({ failed }) => failed),
            most,
          )}
        />
        <path class="was" d={linePath(day.yesterday, most)} />
      </Chart>
      <p class="soft">
        {day.failed === 0 ? (
          text.noneFailed
        ) : (
          <a href={requestsIn({ kind, from, outcome: "failed" }, null)}>{text.failedCount(count(day.failed))}</a>
        )}
        {day.failed > 0 && `, ${formatPercent(day.failed / total, view.locale)}`}
      </p>
    </figure>
  );
}

function Times({ view, kind, day, from }: KindProps) {
  const { today: text } = view.t.overview;
  const [p50, p95] = [day.hours.map((hour) => hour.p50Ms), day.hours.map((hour) => hour.p95Ms)];
  const most = Math.max(1000, ...p95.map((ms) => ms ?? 0));
  const title = ({ p50Ms, p95Ms }: HourOfKind, hour: number) => {
    const clock = formatHour(from + hour * HOUR_MS, view);
    return p50Ms === null || p95Ms === null ? text.hourNone(clock) : text.hourTimes(clock, formatDuration(p50Ms), formatDuration(p95Ms));
  };
  return (
    <figure>
      <figcaption>
        <span class="soft row">
          <Icon name={kind} />
          {text.timeTo[kind]}
        </span>
        <b class="push">{day.p50Ms === null ? "–" : formatDuration(day.p50Ms)}</b>
      </figcaption>
      <Chart
        label={text.timesLabel[kind](day.p50Ms === null ? "–" : formatDuration(day.p50Ms))}
        top={formatDuration(most)}
        hours={day.hours.map((hour, index) => ({ title: title(hour, index), href: requestsIn({ kind, from, outcome: "ok" }, index) }))}
      >
        <path class="area" d={areaPath(p50, p95, most)} />
        <path class="now" d={linePath(p50, most)} />
      </Chart>
      <p class="soft">{day.p95Ms === null ? text.noTimes : text.within(formatDuration(day.p95Ms))}</p>
    </figure>
  );
}

export function SpendSection({ view, today: { spend }, keys }: { view: View; today: Today; keys: readonly KeySpend[] }) {
  const { spend: text } = view.t.overview;
  const usd = (value: number) => formatUsd(value, view.locale);
  const most = Math.max(0.01, spend.hours.at(-1) ?? 0, spend.yesterday.at(-1) ?? 0);
  const label = text.label(usd(spend.today), usd(spend.yesterday.at(-1) ?? 0));
  return (
    <section class="box a-spend" id="ov-spend" aria-labelledby="spend">
      <header>
        <h2 id="spend">{text.title}</h2>
        <a class="push" href="/admin/usage?span=today&by=key">
          {text.byKey}
        </a>
      </header>
      <div class="row">
        <b class="figure">{usd(spend.today)}</b>
        <span class="soft">
          {Math.abs(spend.more) < 0.005 ? text.same : spend.more > 0 ? text.more(usd(spend.more)) : text.less(usd(-spend.more))}
        </span>
      </div>
      <div class="plot-box">
        <small>{usd(most)}</small>
        <svg class="plot" viewBox="0 0 96 40" preserveAspectRatio="none" role="img" aria-label={label}>
          <title>{label}</title>
          <path class="area" d={sumPath(spend.hours, most, { closed: true })} />
          <path class="was" d={sumPath(spend.yesterday, most)} />
          <path class="now" d={sumPath(spend.hours, most)} />
        </svg>
      </div>
      <HourAxis />
      {keys.length > 0 && (
        <dl class="facts mt">
          {keys.map(({ id, name, usd: spent, limit }) => (
            <>
              <dt key={id}>
                <a href={`/admin/keys/${id}`}>{name ?? id}</a>
              </dt>
              <dd class="end">{limit === null ? usd(spent) : text.of(usd(spent), usd(limit))}</dd>
            </>
          ))}
        </dl>
      )}
    </section>
  );
}
