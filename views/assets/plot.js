// Draws what [data-plot] holds with uPlot: bars and lines over time, in the page's colours and language. See views/plot.tsx.
const root = document.documentElement;
const HEIGHT = 168;
const number = (options) => new Intl.NumberFormat(root.lang, options).format;
/** Hours are the reader's; days are counted in UTC. */
const time = (options) => new Intl.DateTimeFormat(root.lang, options).format;

const length = (ms) =>
  ms === 0 ? "0" : ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${+(ms / 1000).toFixed(1)} s` : ms < 3600000 ? `${+(ms / 60000).toFixed(1)} min` : `${+(ms / 3600000).toFixed(1)} h`;
const count = number({ notation: "compact", maximumFractionDigits: 1 });
const usd = number({ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", minimumFractionDigits: 0, maximumFractionDigits: 2 });
const cents = number({ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", maximumFractionDigits: 4 });
const WRITE = { count, usd: (value) => (value && Math.abs(value) < 0.1 ? cents : usd)(value), ms: length, seconds: (value) => length(value * 1000) };
const EXACT = { ...WRITE, count: number({ maximumFractionDigits: 1 }) };
const WHEN = { day: time({ month: "short", day: "numeric", timeZone: "UTC" }), hour: time({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) };
const WHEN_EXACT = { day: time({ dateStyle: "medium", timeZone: "UTC" }), hour: time({ dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }) };
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000, 86400, 172800, 432000, 864000];
const STEPS = { ms: [50, 100, 200, 500, ...SECONDS.map((seconds) => seconds * 1000)], seconds: SECONDS };
const STEP = { hour: 3600, day: 86400 };

/** The roles of tones. */
const ROLES = { ok: "beat", busy: "edge" };
/** The colour that a role of the stylesheet has now; light-dark() is only resolved on an element. */
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);
function colour(token) {
  probe.style.color = `var(--${ROLES[token] ?? token})`;
  return getComputedStyle(probe).color;
}
const faded = (token, share) => colour(token).replace(/^rgba?\(([^)]+?)\)$/, (_, parts) => `rgba(${parts.split(/[ ,/]+/).slice(0, 3).join(", ")}, ${share})`);

const drawn = new Map();

function draw(figure) {
  const { unit, step, times, series, hrefs } = JSON.parse(figure.dataset.plot);
  const area = figure.querySelector(".chart-area");
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: () => colour("soft"), font, grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false } };
  const show = (index) => {
    figure.querySelector("[data-plot-when]").textContent = index == null ? "" : WHEN_EXACT[step](times[index]);
    for (const one of figure.querySelectorAll("[data-plot-value]")) {
      const value = index == null ? null : series[one.dataset.plotValue].values[index];
      one.textContent = value == null ? "" : EXACT[unit](value);
    }
  };
  const plot = new uPlot(
    {
      width: area.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      // Half a step on both sides, so that the outer bars are whole.
      scales: {
        x: { range: (_, from, to) => [from - STEP[step] / 2, to + STEP[step] / 2] },
        y: { range: (_, from, to) => [Math.min(0, from ?? 0), Math.max(to ?? 0, unit === "usd" ? 0.01 : unit === "ms" ? 100 : 4) * 1.05] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 24, gap: 4, space: 56, splits: () => spread(times, area.clientWidth).map((at) => at / 1000), values: (_, at) => at.map((one) => WHEN[step](one * 1000)) },
        { ...axis, size: 52, gap: 6, space: 32, incrs: STEPS[unit], values: (_, at) => at.map((one) => (unit === "count" && one % 1 ? "" : WRITE[unit](one))) },
      ],
      series: [
        {},
        ...series.map(({ label, tone = "accent", shape = "bars" }) => ({
          label,
          stroke: () => colour(tone),
          width: shape === "bars" ? 0 : 1.75,
          fill: shape === "bars" ? () => faded(tone, 0.75) : undefined,
          paths: shape === "bars" ? uPlot.paths.bars({ size: [0.72, 40], radius: 0.08 }) : undefined,
          points: { show: shape === "line", size: 5, fill: () => colour(tone) },
          spanGaps: false,
        })),
      ],
      hooks: { setCursor: [({ cursor }) => show(cursor.idx)] },
    },
    [times.map((at) => at / 1000), ...series.map(({ values }) => values)],
    area,
  );
  if (hrefs) {
    area.classList.add("leads");
    area.addEventListener("click", () => plot.cursor.idx != null && location.assign(hrefs[plot.cursor.idx]));
  }
  const sizes = new ResizeObserver(() => plot.setSize({ width: area.clientWidth, height: HEIGHT }));
  sizes.observe(area);
  drawn.set(figure, { plot, end: () => { sizes.disconnect(); plot.destroy(); } });
}

/** As many of the times as have room for their label. */
function spread(times, width) {
  const every = Math.max(1, Math.ceil(times.length / Math.max(1, Math.floor((width - 60) / 64))));
  return times.filter((_, index) => index % every === 0);
}

function look() {
  for (const [figure, { end }] of drawn)
    if (!figure.isConnected) {
      end();
      drawn.delete(figure);
    }
  for (const figure of document.querySelectorAll("[data-plot]")) if (!drawn.has(figure)) draw(figure);
}
const redraw = () => drawn.forEach(({ plot }) => plot.redraw());
new MutationObserver(redraw).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
document.addEventListener("htmx:after:swap", look);
look();
