// Request page: outcome, timeline of upstream calls, results, and the recorded payload of one request.

import { Card, CopyButton } from "../ui/controls.tsx";
import { Dash, Duration, Time } from "../ui/figures.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { mediaHref, Thumb } from "../ui/media.tsx";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";
import { Payload, type RequestData, Timeline } from "./request-parts.tsx";
import { OutcomeBadge, outcomeTone, resultText, type ShownRequest } from "./requests.tsx";

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
        <Hint tone={outcomeTone(row.outcome) === "bad" ? "bad" : "warn"}>
          <strong>{requests.failure}</strong>
          <p>{row.message}</p>
        </Hint>
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
          {media.length < row.mediaIds.length && <p class="soft">{requests.mediaGone(row.mediaIds.length - media.length)}</p>}
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
        <dd class="nw">{formatUsd(row.usd, view.locale)}</dd>
        <dt>{facts.units}</dt>
        <dd class="nw">
          {formatCount(row.inputTokens, view.locale)} / {formatCount(row.outputTokens, view.locale)}
        </dd>
      </dl>
    </Card>
  );
}
