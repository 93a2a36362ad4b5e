// Payload and timeline of one request.

import type { Json } from "../../src/domain/generation.ts";
import type { AttemptRow, RequestPayload } from "../../src/domain/request.ts";
import { reasonWord } from "../tokens/token-history.tsx";
import { Card, EmptyState } from "../ui/controls.tsx";
import { Duration } from "../ui/figures.tsx";
import { formatDuration } from "../ui/format.ts";
import type { ShownMedia } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";
import { OutcomeBadge, outcomeTone, type ShownRequest } from "./requests.tsx";

export type ShownAttempt = AttemptRow & { label: string | null };

export type RequestData = {
  row: ShownRequest;
  attempts: readonly ShownAttempt[];
  /** Results that are still there. */
  media: readonly ShownMedia[];
  /** Whether requests of now are recorded with what they ask for. */
  isRecording: boolean;
};

/** A bar for each call, all on one scale from the arrival to the end. */
export function Timeline({ view, data: { row, attempts } }: { view: View; data: RequestData }) {
  const { requests } = view.t;
  return (
    <Card title={requests.timeline} id="attempts">
      {attempts.length === 0 ? (
        <EmptyState title={requests.timelineNone} />
      ) : (
        <>
          <p class="soft">{requests.timelineAbout}</p>
          <ol class="calls">
            {attempts.map((attempt, index) => (
              <Call key={attempt.startedAt} view={view} row={row} attempt={attempt} number={index + 1} />
            ))}
          </ol>
        </>
      )}
    </Card>
  );
}

type CallProps = { view: View; row: ShownRequest; attempt: ShownAttempt; number: number };

function Call({ view, row, attempt, number }: CallProps) {
  const { requests } = view.t;
  const { tokenId, label, family, outcome, reason, upstreamStatus, startedAt, ms } = attempt;
  const start = Math.max(0, startedAt - row.at);
  return (
    <li>
      <div class="row">
        <a class="cut" href={`/admin/tokens/${tokenId}`}>
          {label ?? requests.gone(tokenId)}
        </a>
        <OutcomeBadge view={view} outcome={outcome} />
        {reason && <small>{reasonWord(view, reason)}</small>}
        {upstreamStatus !== null && outcome !== "ok" && <small class="soft">{requests.status(upstreamStatus)}</small>}
        <span class="grow" />
        <small class="soft nw">{requests.waited(formatDuration(start))}</small>
        <Duration value={ms} />
      </div>
      <Bar
        label={requests.bar(number, formatDuration(start), formatDuration(ms))}
        start={start}
        length={ms}
        whole={row.ms}
        outcome={outcome}
      />
      {family !== row.family && <small class="soft mono">{family}</small>}
    </li>
  );
}

const WIDTH = 1000;

function Bar({ label, start, length, whole, outcome }: { label: string; start: number; length: number; whole: number; outcome: string }) {
  const scale = WIDTH / Math.max(whole, start + length, 1);
  const width = Math.max(6, Math.round(length * scale));
  return (
    <svg class="call-bar" viewBox={`0 0 ${WIDTH} 8`} preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="off" x="0" y="0" width={WIDTH} height="8" />
      <rect class={outcomeTone(outcome)} x={Math.min(WIDTH - width, Math.round(start * scale))} y="0" width={width} height="8" />
    </svg>
  );
}

export function Payload({ view, payload, isRecording }: { view: View; payload?: RequestPayload; isRecording: boolean }) {
  const { requests } = view.t;
  return (
    <Card title={requests.payload} id="payload">
      {payload ? (
        <div class="flow">
          <div>
            <h3>{requests.prompt}</h3>
            <p class="said">{payload.prompt}</p>
          </div>
          <dl class="facts">
            {Object.entries(payload.parameters).map(([name, value]) => [
              <dt key={name}>{requests.parameters[name] ?? <code>{name}</code>}</dt>,
              <dd key={`${name} value`}>{parameterText(value)}</dd>,
            ])}
          </dl>
        </div>
      ) : (
        <p class="soft">
          {isRecording ? requests.payloadNone : requests.payloadOff}{" "}
          <a href="/admin/settings?q=requests.record_payloads">{requests.payloadSetting}</a>
        </p>
      )}
    </Card>
  );
}

/** As one says it: pixels as `1536 × 1024`, anything else as it is. */
function parameterText(value: Json): string {
  if (typeof value === "string") return value;
  const { width, height } = (value ?? {}) as { width?: unknown; height?: unknown };
  return width !== undefined && height !== undefined ? `${width} × ${height}` : JSON.stringify(value);
}
