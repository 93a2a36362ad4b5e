// Page of a request that has no end yet: it runs, or nobody knows whether it was charged.
import type { OpenRequest } from "../../src/gateway/reports/requests.ts";
import { CopyButton, JobBadge, LinkButton } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { formatDuration, formatUsd } from "../ui/format.ts";
import type { View } from "../ui/view.ts";
import { failureSentence } from "./failure-words.ts";
import { Crumbs, Prompt } from "./request-parts.tsx";

export type OpenData = OpenRequest & { keyName: string | null };

export function OpenRequestPage({ view, data }: { view: View; data: OpenData }) {
  const { requests } = view.t;
  const { row, jobId, state, position, reservedUsd } = data;
  const isUnknown = state === "unknown";
  const elapsed = formatDuration(Math.max(0, view.now - row.at));
  return (
    <>
      <Crumbs view={view}>
        {row.kind && `${requests.kinds[row.kind]}, `}
        <Time view={view} value={row.at} />
      </Crumbs>
      <div class="two mt-s">
        <div class="stack">
          <div class={`verdict ${isUnknown ? "bad" : "busy"}`}>
            <p class="row">
              <JobBadge view={view} state={state} />
              <span class="soft nw">{requests.since(elapsed)}</span>
              {position !== null && <span class="soft nw">{requests.inQueue(position)}</span>}
              <span class="soft mono">{row.model}</span>
            </p>
            <h1>{isUnknown ? failureSentence(view, { outcome: "upstream_unknown_outcome" }) : requests.stillRuns}</h1>
            <div class="row mt">
              {jobId !== null && (
                <LinkButton tone={isUnknown ? "primary" : "plain"} href={`/admin/jobs/${encodeURIComponent(jobId)}`}>
                  {isUnknown ? requests.decide : requests.openJob}
                </LinkButton>
              )}
              <CopyButton view={view} text={row.id} label={requests.copyId} />
            </div>
          </div>
          {row.message && (
            <section class="box">
              <header>
                <h2>{view.t.failures.asRecorded}</h2>
              </header>
              <p lang="en">{row.message}</p>
            </section>
          )}
        </div>
        <aside class="stack" aria-label={requests.facts.title}>
          {reservedUsd !== null && (
            <section class="box">
              <h2>{requests.costTitle}</h2>
              <p class="figure mt-s">{requests.upTo(formatUsd(reservedUsd, view.locale))}</p>
              <p class="soft">{requests.reservedUntil}</p>
            </section>
          )}
          <OpenFacts view={view} data={data} />
          {row.payload && <Prompt view={view} payload={row.payload} isRecording />}
        </aside>
      </div>
    </>
  );
}

function OpenFacts({ view, data: { row, jobId, keyName, tokenLabel } }: { view: View; data: OpenData }) {
  const { requests } = view.t;
  const { facts } = requests;
  const token = row.attempts.at(-1);
  return (
    <section class="box">
      <h2 class="unseen">{facts.title}</h2>
      <dl class="facts">
        <dt>{facts.id}</dt>
        <dd class="mono">{row.id}</dd>
        {jobId !== null && (
          <>
            <dt>{facts.job}</dt>
            <dd>
              <a class="mono" href={`/admin/jobs/${encodeURIComponent(jobId)}`}>
                {jobId}
              </a>
            </dd>
          </>
        )}
        {row.keyId !== null && (
          <>
            <dt>{facts.key}</dt>
            <dd>
              <a href={`/admin/keys/${row.keyId}`}>{keyName ?? requests.gone(row.keyId)}</a>
            </dd>
          </>
        )}
        {(token || tokenLabel) && (
          <>
            <dt>{requests.token}</dt>
            <dd>{token ? <a href={`/admin/tokens/${token.tokenId}`}>{tokenLabel ?? requests.gone(token.tokenId)}</a> : tokenLabel}</dd>
          </>
        )}
        {row.route && (
          <>
            <dt>{facts.route}</dt>
            <dd class="mono">{row.route}</dd>
          </>
        )}
        <dt>{facts.family}</dt>
        <dd class="mono">{row.family}</dd>
      </dl>
    </section>
  );
}
