// Request page: outcome, timeline of upstream calls, results, and the recorded payload of one request.

import type { Json } from "../../src/domain/generation.ts";
import type { AttemptRow, RequestPayload } from "../../src/domain/request.ts";
import { reasonWord } from "../tokens/token-history.tsx";
import { Card, CopyButton, EmptyState } from "../ui/controls.tsx";
import { Dash, Duration, Time } from "../ui/figures.tsx";
import { formatCount, formatDuration, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { mediaHref, type ShownMedia, Thumb } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";
import { OutcomeBadge, outcomeTone, resultText, type ShownRequest } from "./requests.tsx";

export type ShownAttempt = AttemptRow & { label: string | null };

export type RequestData = {
  row: ShownRequest;
  attempts: readonly ShownAttempt[];
  /** Results that are still there. */
  media: readonly ShownMedia[];
  /** Whether requests of now are recorded with what they ask for. */
  isRecording: boolean;
};

export function RequestPage({ view, data }: { view: View; data: RequestData }) {
  const { requests } = view.t;
  const { row, media } = data;
  return (
    <>
      <PageHead
        up={{ href: "/admin/requests", label: requests.back }}
        title={
          <>
            {requests.oneTitle} <OutcomeBadge view={view} outcome={row.outcome} />
          </>
        }
      />
      {row.message && (
        <div class={`alert ${outcomeTone(row.outcome) === "bad" ? "bad" : "warn"}`}>
          <strong>{requests.failure}</strong>
          <p>{row.message}</p>
        </div>
      )}
      <div class="columns">
        <Facts view={view} row={row} />
        <Timeline view={view} data={data} />
      </div>
      {row.mediaIds.length > 0 && (
        <Card title={requests.media}>
          <div class="results">
            {media.map((one) => (
              <a key={one.id} href={mediaHref(one.id)}>
                <Thumb media={one} label={one.id} />
              </a>
            ))}
          </div>
          {media.length < row.mediaIds.length && <p class="muted">{requests.mediaGone(row.mediaIds.length - media.length)}</p>}
        </Card>
      )}
      <Payload view={view} payload={row.payload} isRecording={data.isRecording} />
    </>
  );
}

function Facts({ view, row }: { view: View; row: ShownRequest }) {
  const { requests } = view.t;
  const { facts } = requests;
  return (
    <Card>
      <dl class="facts">
        <dt>{facts.id}</dt>
        <dd>
          <code>{row.id}</code> <CopyButton view={view} text={row.id} />
        </dd>
        <dt>{facts.began}</dt>
        <dd>
          <Time view={view} value={row.at} />
        </dd>
        <dt>{facts.took}</dt>
        <dd>
          <Duration value={row.ms} />
        </dd>
        <dt>{facts.route}</dt>
        <dd>
          <code>{row.route}</code>
        </dd>
        <dt>{facts.answer}</dt>
        <dd>{row.stream ? facts.stream : facts.whole}</dd>
        <dt>{facts.key}</dt>
        <dd>{row.keyId === null ? <Dash /> : <a href={`/admin/keys/${row.keyId}`}>{row.keyName ?? requests.gone(row.keyId)}</a>}</dd>
        <dt>{facts.model}</dt>
        <dd>
          <code>{row.model}</code>
        </dd>
        {row.family && row.family !== row.model && (
          <>
            <dt>{facts.family}</dt>
            <dd>
              <code>{row.family}</code>
            </dd>
          </>
        )}
        <dt>{facts.result}</dt>
        <dd>{resultText(view, row) ?? <Dash />}</dd>
        <dt>{facts.usd}</dt>
        <dd class="figure">{formatUsd(row.usd, view.locale)}</dd>
        <dt>{facts.units}</dt>
        <dd class="figure">
          {formatCount(row.inputTokens, view.locale)} / {formatCount(row.outputTokens, view.locale)}
        </dd>
      </dl>
    </Card>
  );
}

/** A bar for each call, all on one scale from the arrival to the end. */
function Timeline({ view, data: { row, attempts } }: { view: View; data: RequestData }) {
  const { requests } = view.t;
  return (
    <Card title={requests.timeline} id="attempts">
      {attempts.length === 0 ? (
        <EmptyState title={requests.timelineNone} />
      ) : (
        <>
          <p class="muted">{requests.timelineAbout}</p>
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
        {upstreamStatus !== null && outcome !== "ok" && <small class="muted">{requests.status(upstreamStatus)}</small>}
        <span class="grow" />
        <small class="muted figure">{requests.waited(formatDuration(start))}</small>
        <Duration value={ms} />
      </div>
      <Bar
        label={requests.bar(number, formatDuration(start), formatDuration(ms))}
        start={start}
        length={ms}
        whole={row.ms}
        outcome={outcome}
      />
      {family !== row.family && <small class="muted mono">{family}</small>}
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

function Payload({ view, payload, isRecording }: { view: View; payload?: RequestPayload; isRecording: boolean }) {
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
        <p class="muted">
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
