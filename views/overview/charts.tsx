// Small charts of a day by the hour, as SVG that stretches; words and axes are HTML. Each hour leads to its requests.
import type { ComponentChildren } from "preact";

export const HOURS = 24;
/** Units of the drawing. */
const [WIDTH, HEIGHT, HOUR] = [96, 40, 4];
/** Drawn below it: bars of one request are still seen. */
const TOP = 2;

const round = (value: number) => Math.round(value * 10) / 10;
const yOf = (value: number, most: number) => round(HEIGHT - (most > 0 ? (value / most) * (HEIGHT - TOP) : 0));

/** Bars that stand on the axis; those without anything are left out. */
export const barsPath = (values: readonly number[], most: number): string =>
  values
    .map((value, hour) =>
      value > 0 ? `M${round(hour * HOUR + 0.4)} ${HEIGHT}V${Math.min(yOf(value, most), HEIGHT - 1)}h3.2V${HEIGHT}z` : "",
    )
    .join("");

type Point = readonly [x: number, y: number];

const pathOf = (points: readonly Point[]): string => points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${round(x)} ${y}`).join("");

/** A line through the middles of the hours; where there is nothing it breaks off. */
export function linePath(values: readonly (number | null)[], most: number): string {
  return runsOf(values)
    .map((run) => pathOf(run.map(([hour, value]) => [hour * HOUR + 2, yOf(value, most)])))
    .join("");
}

/** Between two lines; where one has nothing it breaks off. */
export function areaPath(low: readonly (number | null)[], high: readonly (number | null)[], most: number): string {
  return runsOf(high.map((value, hour) => (low[hour] === null ? null : value)))
    .map((run) => {
      const top = run.map(([hour, value]): Point => [hour * HOUR + 2, yOf(value, most)]);
      const bottom = run.map(([hour]): Point => [hour * HOUR + 2, yOf(low[hour] ?? 0, most)]).reverse();
      return `${pathOf([...top, ...bottom])}Z`;
    })
    .join("");
}

function runsOf(values: readonly (number | null)[]): [hour: number, value: number][][] {
  const runs: [number, number][][] = [[]];
  for (const [hour, value] of values.entries()) {
    if (value !== null) runs.at(-1)!.push([hour, value]);
    else if (runs.at(-1)!.length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

/** A sum that grows, from the start of the day; `end` closes it down to the axis. */
export function sumPath(sums: readonly number[], most: number, { closed = false }: { closed?: boolean } = {}): string {
  const points: Point[] = [[0, HEIGHT], ...sums.map((sum, hour): Point => [(hour + 1) * HOUR, yOf(sum, most)])];
  return closed ? `${pathOf([...points, [points.at(-1)![0], HEIGHT]])}Z` : pathOf(points);
}

type ChartProps = {
  label: string;
  /** What the highest value is, at its height. */
  top: string;
  /** What each hour is, for its tooltip; and where its requests are. */
  hours: readonly { title: string; href: string }[];
  children: ComponentChildren;
};

/** One tab stop; arrow keys go from hour to hour (app.js). */
export function Chart({ label, top, hours, children }: ChartProps) {
  return (
    <>
      <div class="plot-box">
        <small>{top}</small>
        <svg
          class="plot"
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          {...{ role: "group" }}
          aria-label={label}
          data-chart=""
        >
          {children}
          {hours.map(({ title, href }, hour) => (
            <a key={title} href={href} tabindex={hour === hours.length - 1 ? 0 : -1} aria-label={title}>
              <title>{title}</title>
              <rect class="hit" x={hour * HOUR} width={HOUR} height={HEIGHT} />
            </a>
          ))}
        </svg>
      </div>
      <HourAxis />
    </>
  );
}

const MARKS = [0, 6, 12, 18, 24];

/** Hours of the reader's day. */
export const HourAxis = () => (
  <div class="axis" aria-hidden="true">
    {MARKS.map((hour) => (
      <span key={hour}>{`${hour}`.padStart(2, "0")}</span>
    ))}
  </div>
);
