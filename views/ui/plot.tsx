// Plots of values over time, drawn by uPlot, with the same numbers in a table for no-JavaScript use.
import { Time } from "./figures.tsx";
import { formatCount, formatDuration, formatExact, formatUsd } from "./format.ts";
import type { View } from "./view.ts";

/** What the numbers are, and so how they are written. `seconds` of video, `ms` of waiting. */
export type PlotUnit = "count" | "usd" | "ms" | "seconds";

export type PlotSeries = {
  label: string;
  /** One for each time; null: nothing to show there. */
  values: readonly (number | null)[];
  /** A token of app.css; absent: the accent. */
  tone?: "accent" | "ok" | "warn" | "bad" | "busy";
  shape?: "bars" | "line";
};

type PlotProps = {
  view: View;
  /** What is shown, above the plot. */
  title: string;
  unit: PlotUnit;
  /** Starts of hours or UTC days, epoch ms, ascending and evenly apart; gaps are filled by {@link alongTime}. */
  times: readonly number[];
  step: "hour" | "day";
  /** Drawn in this order, so that the last one is on top. */
  series: readonly PlotSeries[];
  /** Where the requests of a time are, epoch ms; absent: a bar leads nowhere. */
  href?: (from: number, to: number) => string;
};

/** A figure of fixed height. Once on a page stands {@link PlotScripts}. */
export function Plot({ view, title, unit, times, step, series, href }: PlotProps) {
  const hrefs = href && times.map((time) => href(time, time + STEP_MS[step]));
  const data = { unit, step, times, series, hrefs };
  return (
    <figure class="chart" data-plot={JSON.stringify(data)}>
      <figcaption>
        <strong>{title}</strong>
        <span class="chart-legend" aria-hidden="true">
          {series.map(({ label, tone = "accent" }) => (
            <span key={label} class={`chart-mark ${tone}`}>
              {label}
            </span>
          ))}
        </span>
        {/* In its own place: what it says under the pointer moves nothing. */}
        <span class="chart-now" aria-hidden="true">
          <span class="soft nw" data-plot-when />
          {series.map(({ label, tone = "accent" }, index) => (
            <span key={label} class={`chart-mark ${tone}`}>
              <b class="nw" data-plot-value={index} />
            </span>
          ))}
        </span>
      </figcaption>
      <div class="chart-area" aria-hidden="true" />
      <PlotNumbers view={view} title={title} unit={unit} times={times} step={step} series={series} hrefs={hrefs} />
    </figure>
  );
}

/** Hours are the reader's; days are counted in UTC. */
function PlotNumbers({ view, title, unit, times, step, series, hrefs }: Omit<PlotProps, "href"> & { hrefs?: readonly string[] }) {
  const timeOf = (time: number) => (step === "day" ? formatExact(time).slice(0, 10) : <Time view={view} value={time} />);
  return (
    <details>
      <summary>{view.t.plot.numbers}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <div class="chart-numbers" tabIndex={0}>
        <table>
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{view.t.plot[step]}</th>
              {series.map(({ label }) => (
                <th key={label} scope="col" class="end">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.map((time, index) => (
              <tr key={time}>
                <th scope="row">{hrefs ? <a href={hrefs[index]}>{timeOf(time)}</a> : timeOf(time)}</th>
                {series.map(({ label, values }) => (
                  <td key={label} class="end">
                    {formatPlotted(view, values[index] ?? null, unit)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function formatPlotted(view: View, value: number | null, unit: PlotUnit): string {
  if (value === null) return "–";
  if (unit === "usd") return formatUsd(value, view.locale);
  if (unit === "ms") return formatDuration(value);
  if (unit === "seconds") return formatDuration(value * 1000);
  return formatCount(value, view.locale);
}

/** What draws plots; a page that has one puts it at its end. */
export function PlotScripts({ view }: { view: View }) {
  return (
    <>
      <link rel="stylesheet" href={view.assets["uPlot.min.css"]} />
      <script src={view.assets["uPlot.iife.min.js"]} defer />
      <script src={view.assets["plot.js"]} type="module" />
    </>
  );
}

const STEP_MS = { hour: 3_600_000, day: 86_400_000 } as const;

/**
 * Every step of [from, to), epoch ms, with what `rows` have there. For rows of `readUsage` by hour or day, which leave empty ones out.
 * @param none value where there is no row: 0 of counts, null of latencies
 */
export function alongTime<R extends { group: number | string }>(
  rows: readonly R[],
  { from, to, step }: { from: number; to: number; step: "hour" | "day" },
) {
  const length = STEP_MS[step];
  const start = from - (from % length);
  const times = Array.from({ length: Math.max(0, Math.ceil((to - start) / length)) }, (_, index) => start + index * length);
  const byTime = new Map(rows.map((row) => [Number(row.group), row]));
  const values = (of: (row: R) => number | null, none: number | null = 0): (number | null)[] =>
    times.map((time) => {
      const row = byTime.get(time);
      return row ? of(row) : none;
    });
  return { times, values };
}
