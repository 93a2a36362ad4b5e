// Band of the overview: a sentence that says what can be made and until when, the figures, and the level of today.
import type { ComponentChildren } from "preact";
import type { Band, KindBand, Level } from "../../src/gateway/reports/band.ts";
import { ClockTime, Countdown } from "../ui/figures.tsx";
import { formatCount, formatPercent } from "../ui/format.ts";
import type { View } from "../ui/view.ts";
import { capacityReason } from "./board.tsx";
import { HOURS, HourAxis } from "./charts.tsx";

export function Sea({ view, band }: { view: View; band: Band }) {
  return (
    <section class="sea" id="ov-band" aria-labelledby="now">
      <LevelCurve level={band.level} />
      <h2 id="now">
        <Sentences view={view} band={band} />
      </h2>
      <p>
        <TokensLine view={view} band={band} />
      </p>
      <dl>
        <Left view={view} kind={band.image} />
        <Left view={view} kind={band.video} />
        <div>
          <dt>{view.t.overview.band.tokensReady}</dt>
          <dd>
            {formatCount(band.tokens.healthy, view.locale)}
            <small>{view.t.overview.band.of(formatCount(band.tokens.total, view.locale))}</small>
          </dd>
        </div>
      </dl>
      <HourAxis />
    </section>
  );
}

/** What both kinds share is said once. */
function Sentences({ view, band: { image, video } }: { view: View; band: Band }) {
  const { band: text } = view.t.overview;
  const kinds = [image, video].filter(({ state }) => state !== "none");
  if (kinds.length === 0) return <>{text.nothing}</>;
  const [first, second] = kinds;
  const plain = (one: KindBand | undefined) => (one?.state === "ready" && one.runsOutAt === null ? (one.left ? "lasts" : "ready") : null);
  const shared = plain(first);
  if (shared && shared === plain(second)) return <>{text[shared].both}</>;
  return (
    <>
      {kinds.map((kind, index) => (
        <>
          {index > 0 && " "}
          <Sentence key={kind.kind} view={view} kind={kind} />
        </>
      ))}
    </>
  );
}

function Sentence({ view, kind: { kind, state, until, reason, left, runsOutAt } }: { view: View; kind: KindBand }): ComponentChildren {
  const { band: text } = view.t.overview;
  if (state === "ready" || state === "busy") {
    if (runsOutAt !== null) return around(text.runsOut[kind], <ClockTime view={view} value={runsOutAt} />);
    if (state === "busy") return text.busy[kind];
    return left ? text.lasts[kind] : text.ready[kind];
  }
  if (state === "cooling" && until !== null) return around(text.back[kind], <Countdown view={view} value={until} />);
  return text.cannot[kind](reason ? capacityReason(view, reason) : "");
}

const around = ([before, after]: readonly [string, string], middle: ComponentChildren) => (
  <>
    {before}
    {middle}
    {after}
  </>
);

/** How many tokens are in which state, each a link. */
function TokensLine({ view, band: { image, video, tokens } }: { view: View; band: Band }) {
  const { band: text } = view.t.overview;
  const soonest = [image, video].find(({ runsOutAt }) => runsOutAt !== null);
  const parts = [
    ["cooling", tokens.cooling],
    ["blocked", tokens.blocked],
    ["disabled", tokens.disabled],
    ["partly", tokens.partly],
  ] as const;
  const shown = parts.filter(([, count]) => count > 0);
  return (
    <>
      {soonest?.left && `${text.pace[soonest.kind](formatCount(soonest.left.requests, view.locale))} `}
      {shown.length === 0
        ? text.allReady
        : shown.map(([state, count], index) => (
            <>
              {index > 0 && text.comma}
              <a key={state} href={`/admin/tokens?health=${state}`}>
                {text.states[state](formatCount(count, view.locale), count)}
              </a>
            </>
          ))}
      {shown.length > 0 && text.stop}
    </>
  );
}

function Left({ view, kind: { kind, left, made, credits, state } }: { view: View; kind: KindBand }) {
  const { band: text } = view.t.overview;
  const count = (value: number) => formatCount(value, view.locale);
  if (state === "none") return null;
  return (
    <div>
      <dt>{left ? text.left[kind] : text.made[kind]}</dt>
      <dd>
        {count(left ? left.requests : made)}
        <small>
          {left
            ? text.ofToday(formatPercent(left.of === 0 ? 0 : left.requests / left.of, view.locale))
            : credits !== null
              ? text.credits(count(credits))
              : text.noLimit}
        </small>
      </dd>
    </div>
  );
}

/** Water: what is left, from the start of the day until now, and where it leads. */
function LevelCurve({ level: { shares, end } }: { level: Level }) {
  const x = (hour: number) => Math.round((hour / HOURS) * 1000) / 10;
  const y = (share: number) => Math.round((94 - share * 88) * 10) / 10;
  const passed = Math.min(HOURS, shares.length - 1);
  const line = shares.slice(1).reduce(
    (path, share, index) => {
      const [from, to] = [x(index), x(index + 1)];
      const middle = Math.round(((from + to) / 2) * 10) / 10;
      return `${path}C${middle} ${y(shares[index]!)} ${middle} ${y(share)} ${to} ${y(share)}`;
    },
    `M0 ${y(shares[0] ?? 0)}`,
  );
  const [at, now, last] = [x(passed), y(shares.at(-1) ?? 0), y(end)];
  return (
    <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path class="body" d={`${line}L${at} 100L0 100Z`} />
      <path class="body" opacity=".45" d={`M${at} ${now}L100 ${last}L100 100L${at} 100Z`} />
      <path class="lip" d={line} />
      <path class="lip" opacity=".6" stroke-dasharray="2 5" d={`M${at} ${now}L100 ${last}`} />
      <path class="dot" d={`M${at} ${now}h0`} />
    </svg>
  );
}
