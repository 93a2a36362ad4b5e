// Parts of a request's page: cost, facts, recorded prompt, and how many failed like it.

import type { ComponentChildren } from "preact";
import type { Json } from "../../src/domain/generation.ts";
import type { JobState } from "../../src/domain/job.ts";
import type { RequestPayload } from "../../src/domain/request.ts";
import type { RequestsLike } from "../../src/gateway/reports/requests-like.ts";
import { Dash, Time } from "../ui/figures.tsx";
import { formatCount, formatHour, formatUsd } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { ShownMedia } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";
import { failureWord } from "./failure-words.ts";
import type { ShownAttempt } from "./fall.tsx";
import { requestsHref } from "./href.ts";
import { resultText, type ShownRequest } from "./outcome.tsx";

export type ShownLike = Omit<RequestsLike, "tokens"> & { tokens: readonly { tokenId: number; count: number; label: string | null }[] };

export type RequestData = {
  row: ShownRequest;
  attempts: readonly ShownAttempt[];
  /** Results that are still there. */
  media: readonly ShownMedia[];
  /** The job that it made; null: it made none. */
  job: { id: string; state: JobState } | null;
  /** Null: it did not fail. */
  like: ShownLike | null;
  /** Whether requests of now are recorded with what they ask for. */
  isRecording: boolean;
};

type PartProps = { view: View; data: RequestData };

/** The way back to the list, and what kind of request this is. */
export function Crumbs({ view, children }: { view: View; children?: ComponentChildren }) {
  return (
    <p class="row crumbs">
      <a href="/admin/requests">
        <Icon name="left" />
        {view.t.requests.back}
      </a>
      <span class="soft">{children}</span>
    </p>
  );
}

export function Cost({ view, data: { row } }: PartProps) {
  const { requests } = view.t;
  return (
    <section class="box">
      <h2>{requests.costTitle}</h2>
      <p class="figure mt-s">{formatUsd(row.usd, view.locale)}</p>
      <p class="soft">{row.usd > 0 ? (resultText(view, row) ?? requests.chargedWithout) : requests.notCharged}</p>
    </section>
  );
}

export function Facts({ view, data: { row, job } }: PartProps) {
  const { requests } = view.t;
  const { facts } = requests;
  const last = row.attempts.at(-1);
  const lines: [string, ComponentChildren][] = [
    [facts.id, <span class="mono">{row.id}</span>],
    [facts.key, row.keyId === null ? <Dash /> : <a href={`/admin/keys/${row.keyId}`}>{row.keyName ?? requests.gone(row.keyId)}</a>],
    [requests.token, last ? <a href={`/admin/tokens/${last.tokenId}`}>{row.tokenLabel ?? requests.gone(last.tokenId)}</a> : <Dash />],
    [facts.job, job && <a href={`/admin/jobs/${encodeURIComponent(job.id)}`}>{job.id}</a>],
    [facts.model, row.model && <span class="mono">{row.model}</span>],
    [facts.family, row.family && row.family !== row.model && <span class="mono">{row.family}</span>],
    [facts.began, <Time view={view} value={row.at} />],
    [facts.ended, <Time view={view} value={row.at + row.ms} />],
    [facts.route, <span class="mono">{row.route}</span>],
    [facts.answer, row.refusal ? null : row.stream ? facts.stream : facts.whole],
    [facts.address, row.refusal?.address && <span class="mono">{row.refusal.address}</span>],
    [
      facts.units,
      row.inputTokens + row.outputTokens > 0 &&
        `${formatCount(row.inputTokens, view.locale)} / ${formatCount(row.outputTokens, view.locale)}`,
    ],
  ];
  return (
    <section class="box">
      <h2 class="unseen">{facts.title}</h2>
      <dl class="facts">
        {lines.map(
          ([name, value]) =>
            value && (
              <>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </>
            ),
        )}
      </dl>
    </section>
  );
}

export function Prompt({ view, payload, isRecording }: { view: View; payload?: RequestPayload; isRecording: boolean }) {
  const { requests } = view.t;
  return (
    <section class="box" id="payload">
      <header>
        <h2>{requests.prompt}</h2>
      </header>
      {payload ? (
        <div class="flow">
          <p class="said">{payload.prompt}</p>
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
    </section>
  );
}

/** As one says it: pixels as `1536 × 1024`, anything else as it is. */
function parameterText(value: Json): string {
  if (typeof value === "string") return value;
  const { width, height } = (value ?? {}) as { width?: unknown; height?: unknown };
  return width !== undefined && height !== undefined ? `${width} × ${height}` : JSON.stringify(value);
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BAR = 4;

/** How many failed alike that day, when, and with which tokens; each leads to its requests. */
export function Like({ view, like }: { view: View; like: ShownLike }) {
  const { requests } = view.t;
  const { day, outcome, reason, family, count, hours, tokens } = like;
  const span = { from: day, to: day + DAY_MS };
  const isToday = view.now < day + DAY_MS;
  const most = Math.max(1, ...hours.map((hour) => hour.count));
  const heightOf = (value: number) => Math.max(3, Math.round((value / most) * 38));
  return (
    <section class="box" aria-labelledby="like">
      <header>
        <h2 id="like">{isToday ? requests.likeToday : requests.likeThatDay}</h2>
        <a class="push" href={requestsHref({ outcome, reason, family, ...span })}>
          {requests.likeAll(formatCount(count, view.locale))}
        </a>
      </header>
      <p class="soft">
        {failureWord(view, { outcome, reason })}
        {family && (
          <>
            , <span class="mono">{family}</span>
          </>
        )}
      </p>
      <svg class="plot mt-s short" viewBox={`0 0 ${24 * BAR} 40`} preserveAspectRatio="none" aria-label={requests.likeHours}>
        {hours.map((hour) => {
          const x = ((hour.group - day) / HOUR_MS) * BAR + 0.4;
          const label = requests.likeHour(formatHour(hour.group, view), formatCount(hour.count, view.locale));
          return (
            <a
              key={hour.group}
              href={requestsHref({ outcome, reason, family, from: hour.group, to: hour.group + HOUR_MS })}
              aria-label={label}
            >
              <rect class="hit" x={x} width={BAR - 0.8} y="0" height="40" />
              <rect class="no" x={x} width={BAR - 0.8} y={40 - heightOf(hour.count)} height={heightOf(hour.count)}>
                <title>{label}</title>
              </rect>
            </a>
          );
        })}
      </svg>
      <div class="axis" aria-hidden="true">
        {[0, 6, 12, 18, 24].map((hour) => (
          <span key={hour}>{formatHour(day + hour * HOUR_MS, view)}</span>
        ))}
      </div>
      {tokens.length > 0 && (
        <ul class="list mt" aria-label={requests.likeTokens}>
          {tokens.map(({ tokenId, label, count: calls }) => (
            <li key={tokenId}>
              <a class="grow cut" href={`/admin/tokens/${tokenId}`}>
                {label ?? requests.gone(tokenId)}
              </a>
              <a class="nw" href={requestsHref({ token: tokenId, attempt: "failed", ...span })}>
                {formatCount(calls, view.locale)}
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
