// Playground page: form, result, history and code sample.
import type { JobRow } from "../../src/db/jobs.ts";
import type { Media } from "../../src/domain/generation.ts";
import type { QueuePosition } from "../../src/domain/job.ts";
import { jobHref } from "../jobs/job-parts.tsx";
import { Badge, Card, CodeBlock, CopyButton, EmptyState, JobBadge, LinkButton } from "../ui/controls.tsx";
import { Duration, Money, Progress, Time } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import { formatDuration } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { downloadHref, mediaHref, Thumb, WholeMedia } from "../ui/media.tsx";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";
import { type CodeCall, type CodeLanguage, writeCode } from "./playground-code.ts";
import { type FormData, PlaygroundFormView } from "./playground-form.tsx";

/** A run and what is there of its results. */
export type Run = {
  job: JobRow;
  /** Among those that wait for a token. */
  place: QueuePosition | null;
  media: readonly Media[];
  /** What the model said beside its images. */
  words: string;
};

export type PlaygroundData = {
  /** Null: the pool serves no model. */
  form: FormData | null;
  code: CodeCall | null;
  run: Run | null;
  history: readonly HistoryEntry[];
};
export type HistoryEntry = { job: JobRow; media: Media | null };

export function PlaygroundPage({ view, data }: { view: View; data: PlaygroundData }) {
  const { playground } = view.t;
  const { form, code, run, history } = data;
  return (
    <>
      <PageHead title={playground.title} about={playground.about} />
      {form === null || code === null ? (
        <EmptyState
          title={playground.noModels}
          action={
            <LinkButton href="/admin/tokens" tone="primary">
              {playground.toTokens}
            </LinkButton>
          }
        >
          {playground.noModelsHint}
        </EmptyState>
      ) : (
        <div class="playground">
          <Card>
            <PlaygroundFormView view={view} data={form} />
          </Card>
          <div class="flow">
            <Card title={playground.result}>
              <div id="run">{run ? <RunView view={view} run={run} /> : <p class="soft">{playground.waiting}</p>}</div>
            </Card>
            <Card title={playground.history}>
              <div id="history" hx-get="/admin/playground/history" hx-trigger="over from:body" hx-swap="innerHTML">
                <History view={view} history={history} />
              </div>
            </Card>
            <CodeCard view={view} code={code} />
          </div>
        </div>
      )}
      <dialog id="picker" aria-label={playground.pick}>
        <h2>{playground.pick}</h2>
        <div data-picked />
        <form method="dialog">
          <button type="submit" class="btn">
            {playground.close}
          </button>
        </form>
      </dialog>
      <script type="module" src={view.assets["playground.js"]} />
    </>
  );
}

const OPEN = new Set(["queued", "submitting", "running", "storing"]);

/** A run as it stands; the server sends its progress until it has ended. */
export function RunView({ view, run }: { view: View; run: Run }) {
  if (!OPEN.has(run.job.state)) return <RunState view={view} run={run} />;
  const listens = { "hx-sse:connect": `/admin/playground/runs/${encodeURIComponent(run.job.id)}/events`, "hx-sse:close": "over" };
  return (
    <div {...listens} hx-swap="innerHTML">
      <RunState view={view} run={run} />
    </div>
  );
}

/** The part that is sent again whenever it changes. */
export function RunState({ view, run }: { view: View; run: Run }) {
  const { job, media, words } = run;
  return (
    <div class="flow" data-state={job.state}>
      {OPEN.has(job.state) ? <UnderWay view={view} run={run} /> : <Ended view={view} run={run} />}
      {media.length > 0 && (
        <div class={media.length > 1 ? "made-many" : undefined}>
          {media.map((one) => (
            <Result key={one.id} view={view} media={one} prompt={job.prompt} />
          ))}
        </div>
      )}
      {words !== "" && media.length > 0 && <blockquote class="prompt words">{words}</blockquote>}
    </div>
  );
}

function UnderWay({ view, run: { job, place } }: { view: View; run: Run }) {
  const { playground } = view.t;
  const stage = place ? playground.place(place.position) : playground.stages[job.state as keyof typeof playground.stages];
  return (
    <>
      <div class="row">
        <JobBadge view={view} state={job.state} />
        <span class="grow">
          {stage}
          {place !== null && place.waitMs !== null && (
            <span class="soft nw"> {playground.wait(formatDuration(Math.ceil(place.waitMs / 1000) * 1000))}</span>
          )}
        </span>
        <span class="nw soft" data-elapsed={job.createdAt} title={playground.elapsed} />
        <noscript>
          <LinkButton href={`/admin/playground?job=${encodeURIComponent(job.id)}`} small>
            {playground.reload}
          </LinkButton>
        </noscript>
        {job.state !== "storing" && !job.cancelAsked && (
          <ActionButton
            view={view}
            action={`/admin/playground/runs/${encodeURIComponent(job.id)}/cancel`}
            target="#run"
            swap="innerHTML"
            small
          >
            {playground.cancel}
          </ActionButton>
        )}
      </div>
      <Progress label={stage} {...(job.progress > 0 ? { value: job.progress, max: 100 } : {})} />
    </>
  );
}

function Ended({ view, run: { job, media } }: { view: View; run: Run }) {
  const { playground, controls } = view.t;
  if (job.state === "cancelled") return <p class="soft">{playground.cancelled}</p>;
  if (job.state === "unknown")
    return (
      <p class="row">
        <Badge tone="warn">{controls.job.unknown}</Badge> <span>{playground.unknown}</span>
        <LinkButton href={jobHref(job.id)} small>
          {playground.openJob}
        </LinkButton>
      </p>
    );
  if (job.state === "failed")
    return (
      <Hint tone="bad" isAlert>
        <strong>{playground.failed}</strong>
        <p class="prompt">{job.error?.message}</p>
        {job.charged && <p>{playground.charged}</p>}
      </Hint>
    );
  return (
    <p class="row soft">
      <JobBadge view={view} state={job.state} />
      <span>
        {playground.took} <Duration value={(job.endedAt ?? job.createdAt) - job.createdAt} />
      </span>
      <span>
        {playground.cost} <Money view={view} value={job.usd} />
      </span>
      <a href={jobHref(job.id)}>{playground.openJob}</a>
      {media.length === 0 && <span>{playground.gone}</span>}
    </p>
  );
}

function Result({ view, media, prompt }: { view: View; media: Media; prompt: string }) {
  const { playground } = view.t;
  return (
    <figure class="result">
      <WholeMedia view={view} media={media} label={prompt.slice(0, 300) || view.t.gallery.one[media.kind]} />
      <figcaption class="row">
        <LinkButton href={mediaHref(media.id)} small>
          {playground.open}
        </LinkButton>
        <LinkButton href={`/admin/playground?use=${encodeURIComponent(media.id)}`} small>
          {playground.refine}
        </LinkButton>
        <LinkButton href={downloadHref(media.id)} small>
          {playground.download}
        </LinkButton>
      </figcaption>
    </figure>
  );
}

/** The last runs, newest first; each opens with its settings. */
export function History({ view, history }: { view: View; history: readonly HistoryEntry[] }) {
  const { playground } = view.t;
  if (history.length === 0) return <p class="soft">{playground.historyEmpty}</p>;
  return (
    <ul class="strip runs">
      {history.map(({ job, media }) => (
        <li key={job.id}>
          <a href={`/admin/playground?job=${encodeURIComponent(job.id)}`} title={job.prompt}>
            {media ? (
              <Thumb media={media} label={job.prompt.slice(0, 200)} />
            ) : (
              <span class="thumb no-thumb">
                <JobBadge view={view} state={job.state} />
                <span class="unseen">{job.prompt.slice(0, 200)}</span>
              </span>
            )}
          </a>
          <small class="soft">
            <Time view={view} value={job.createdAt} />
          </small>
        </li>
      ))}
    </ul>
  );
}

const LANGUAGES: readonly { id: CodeLanguage; label: string }[] = [
  { id: "curl", label: "curl" },
  { id: "python", label: "Python" },
  { id: "typescript", label: "TypeScript" },
];

function CodeCard({ view, code }: { view: View; code: CodeCall }) {
  const { playground } = view.t;
  const asks = {
    "hx-post": "/admin/playground/code",
    "hx-include": "#playground",
    "hx-trigger": "input from:#playground delay:400ms, change from:#playground delay:400ms",
    "hx-swap": "innerHTML",
  };
  return (
    <Card title={playground.code}>
      <p class="soft">{playground.codeHint}</p>
      <div class="codes">
        <fieldset class="choices" aria-label={playground.codeLanguage}>
          {LANGUAGES.map(({ id, label }, index) => (
            <label key={id}>
              <input type="radio" name="language" value={id} checked={index === 0} />
              {label}
            </label>
          ))}
        </fieldset>
        <div id="playground-code" {...asks}>
          <Code view={view} code={code} />
        </div>
      </div>
    </Card>
  );
}

export function Code({ view, code }: { view: View; code: CodeCall }) {
  const { codeThinking, codeUpscale } = view.t.playground;
  const texts = writeCode(code, { thinking: codeThinking, upscale: codeUpscale });
  return (
    <>
      {LANGUAGES.map(({ id }) => (
        <div key={id} class="code" data-code={id}>
          <CopyButton view={view} from={`#code-${id}`} />
          <CodeBlock id={`code-${id}`} text={texts[id]} />
        </div>
      ))}
    </>
  );
}
