// Request page: verdict in words, timeline of upstream calls, results, cost, facts, and requests like it.

import { CopyButton, LinkButton } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { formatCount, formatDuration } from "../ui/format.ts";
import { mediaHref, Thumb } from "../ui/media.tsx";
import type { View } from "../ui/view.ts";
import { failureSentence, recordedMessage, vendorWordsIn } from "./failure-words.ts";
import { Fall } from "./fall.tsx";
import { OutcomeBadge, outcomeTone, resultText } from "./outcome.tsx";
import { Cost, Crumbs, Facts, Like, Prompt, type RequestData } from "./request-parts.tsx";

export function RequestPage({ view, data }: { view: View; data: RequestData }) {
  const { requests } = view.t;
  const { row, media, like } = data;
  return (
    <>
      <Crumbs view={view}>
        {row.kind && `${requests.kinds[row.kind]}, `}
        <Time view={view} value={row.at} />
      </Crumbs>
      <div class="two mt-s">
        <div class="stack">
          <Verdict view={view} data={data} />
          <Fall view={view} row={row} attempts={data.attempts} />
          {row.mediaIds.length > 0 && (
            <section class="box">
              <header>
                <h2>{requests.media}</h2>
              </header>
              <div class="results">
                {media.map((one) => (
                  <a key={one.id} href={mediaHref(one.id)}>
                    <Thumb media={one} label={one.id} />
                  </a>
                ))}
              </div>
              {media.length < row.mediaIds.length && <p class="soft">{requests.mediaGone(row.mediaIds.length - media.length)}</p>}
            </section>
          )}
          <Recorded view={view} data={data} />
        </div>
        <aside class="stack" aria-label={requests.facts.title}>
          <Cost view={view} data={data} />
          <Facts view={view} data={data} />
          <Prompt view={view} payload={row.payload} isRecording={data.isRecording} />
          {like && <Like view={view} like={like} />}
        </aside>
      </div>
    </>
  );
}

/** What happened in one sentence, and what can be done about it. */
function Verdict({ view, data: { row, job } }: { view: View; data: RequestData }) {
  const { requests, failures } = view.t;
  const { outcome, why, refusal, attempts } = row;
  const isGood = outcome === "ok";
  const sentence = isGood
    ? requests.servedIn(resultText(view, row) ?? requests.nothing, formatDuration(row.ms))
    : (failureSentence(view, { outcome, reason: why }) ?? row.message ?? "");
  const tried = new Set(attempts.map(({ tokenId }) => tokenId)).size;
  return (
    <div class={`verdict ${outcomeTone(outcome)}`}>
      <p class="row">
        <OutcomeBadge view={view} outcome={outcome} />
        {!isGood && <span class="soft nw">{requests.after(formatDuration(row.ms))}</span>}
        <span class="soft">
          {row.model && <span class="mono">{row.model}</span>}
          {row.keyId !== null && (
            <>
              {" "}
              {requests.askedBy} <a href={`/admin/keys/${row.keyId}`}>{row.keyName ?? requests.gone(row.keyId)}</a>
            </>
          )}
        </span>
      </p>
      <h1>{sentence}</h1>
      {!isGood && attempts.length > 0 && <p class="soft">{requests.triedTokens(tried, attempts.length)}</p>}
      {refusal && (
        <p class="soft">
          {refusal.times > 1 ? failures.refusedMany(formatCount(refusal.times, view.locale)) : attempts.length === 0 && failures.refusedOne}
        </p>
      )}
      <div class="row mt">
        {job?.state === "unknown" && (
          <LinkButton tone="primary" href={`/admin/jobs/${encodeURIComponent(job.id)}`}>
            {requests.decide}
          </LinkButton>
        )}
        {job && job.state !== "unknown" && (
          <LinkButton href={`/admin/jobs/${encodeURIComponent(job.id)}`} icon="jobs">
            {requests.openJob}
          </LinkButton>
        )}
        <CopyButton view={view} text={row.id} label={requests.copyId} />
      </div>
    </div>
  );
}

/** What the log has of a failure, as it came. */
function Recorded({ view, data: { row } }: { view: View; data: RequestData }) {
  const recorded = recordedMessage(view, row.message);
  if (!recorded) return null;
  const { failures } = view.t;
  return (
    <section class="box">
      <header>
        <h2>{failures.asRecorded}</h2>
      </header>
      {recorded.word ? (
        <p>
          {recorded.text}. <span class="soft">{failures.vendorSaid(recorded.word)}</span>
        </p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
          <pre tabIndex={0} lang="en">
            {recorded.text}
          </pre>
          {vendorWordsIn(view, recorded.text).map(([word, says]) => (
            <p key={word} class="soft mt-s">
              <code>{word}</code> {says}
            </p>
          ))}
        </>
      )}
    </section>
  );
}
