// Timeline of a request: a lane for each wait and each upstream call, all on one scale from its arrival to its end.
import type { AttemptRow } from "../../src/domain/request.ts";
import { Badge } from "../ui/controls.tsx";
import { formatClock, formatDuration } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import type { View } from "../ui/view.ts";
import { failureSentence } from "./failure-words.ts";
import { OutcomeBadge, outcomeTone, type ShownRequest } from "./outcome.tsx";

/** `why`: its reason in one machine word. */
export type ShownAttempt = AttemptRow & { label: string | null; why: string };

/** Gaps below are the program's own work, ms. */
const SHORTEST_GAP_MS = 20;
const WIDTH = 100;

type FallProps = { view: View; row: ShownRequest; attempts: readonly ShownAttempt[] };

export function Fall({ view, row, attempts }: FallProps) {
  const { requests } = view.t;
  const whole = Math.max(1, row.ms, ...attempts.map(({ startedAt, ms }) => startedAt + ms - row.at));
  let last = row.at;
  return (
    <section class="box" id="attempts" aria-labelledby="what-happened">
      <header>
        <h2 id="what-happened">{requests.timeline}</h2>
        {attempts.length > 0 && <Key view={view} />}
        <span class="push soft nw">{formatDuration(row.ms)}</span>
      </header>
      {attempts.length === 0 ? (
        <p class="soft">{requests.timelineNone}</p>
      ) : (
        <div class="fall">
          {attempts.map((attempt, index) => {
            const gap = attempt.startedAt - last;
            const from = last - row.at;
            last = attempt.startedAt + attempt.ms;
            return (
              <>
                <AttemptHead view={view} row={row} attempt={attempt} number={index + 1} />
                {gap >= SHORTEST_GAP_MS && <Lane name={requests.waiting} icon="clock" tone="p-q" from={from} length={gap} whole={whole} />}
                <Lane
                  name={requests.upstream}
                  icon="cloud"
                  tone={toneOf(attempt.outcome)}
                  from={attempt.startedAt - row.at}
                  length={attempt.ms}
                  whole={whole}
                />
              </>
            );
          })}
          {row.at + row.ms - last >= SHORTEST_GAP_MS && (
            <Lane name={requests.storing} icon="download" tone="p-t" from={last - row.at} length={row.at + row.ms - last} whole={whole} />
          )}
          <Scale view={view} from={row.at} whole={whole} />
        </div>
      )}
    </section>
  );
}

const toneOf = (outcome: string) => ({ ok: "p-u", warn: "p-w", off: "p-w", bad: "p-x", busy: "p-u" })[outcomeTone(outcome)];

const Key = ({ view: { t } }: { view: View }) => (
  <span class="key">
    <span class="k-q">{t.requests.waiting}</span>
    <span>{t.requests.upstream}</span>
    <span class="k-b">{t.requests.failure}</span>
  </span>
);

function AttemptHead({ view, row, attempt, number }: { view: View; row: ShownRequest; attempt: ShownAttempt; number: number }) {
  const { requests } = view.t;
  const { tokenId, label, outcome, why, upstreamStatus } = attempt;
  const failed = outcome !== "ok";
  return (
    <div class="att">
      <span>
        <b>{requests.call(number)}</b> <a href={`/admin/tokens/${tokenId}`}>{label ?? requests.gone(tokenId)}</a>
      </span>
      {/* The upstream answered the call, which is no success of a request that it refused. */}
      {!failed && row.outcome !== "ok" ? <Badge tone="off">{requests.answered}</Badge> : <OutcomeBadge view={view} outcome={outcome} />}
      <span class="soft">
        {failed && upstreamStatus !== null && `${requests.status(upstreamStatus)}. `}
        {failed && failureSentence(view, { outcome, reason: why })}
      </span>
      {attempt.family !== row.family && <small class="mono">{attempt.family}</small>}
    </div>
  );
}

type LaneProps = { name: string; icon: IconName; tone: string; from: number; length: number; whole: number };

function Lane({ name, icon, tone, from, length, whole }: LaneProps) {
  const width = Math.max(0.6, (length / whole) * WIDTH);
  const x = Math.max(0, Math.min(WIDTH - width, (from / whole) * WIDTH));
  return (
    <>
      <span>
        <Icon name={icon} />
        <span>{name}</span>
      </span>
      <div class="lane">
        <svg viewBox={`0 0 ${WIDTH} 12`} preserveAspectRatio="none" aria-hidden="true">
          <rect class={tone} x={x.toFixed(2)} width={width.toFixed(2)} height="12" />
        </svg>
      </div>
      <span class="end nw">{formatDuration(Math.max(0, length))}</span>
    </>
  );
}

/** Clock time of the arrival, and what has passed since at each third. */
const Scale = ({ view, from, whole }: { view: View; from: number; whole: number }) => (
  <div class="tk" aria-hidden="true">
    <span>{formatClock(from, view)}</span>
    {[1, 2, 3].map((third) => (
      <span key={third}>{`+ ${formatDuration((whole * third) / 3)}`}</span>
    ))}
  </div>
);
