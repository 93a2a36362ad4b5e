// What runs and waits, a row each, with its cancellation.
import type { Activity, WorkRow } from "../../src/gateway/reports/activity.ts";
import { Button } from "../ui/controls.tsx";
import { Elapsed } from "../ui/figures.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount, formatDuration } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { View } from "../ui/view.ts";

export function WorkSection({ view, work: { rows, running, queued } }: { view: View; work: Activity }) {
  const { work: text } = view.t.overview;
  const more = running + queued - rows.length;
  return (
    <section class="box a-work" id="ov-work" aria-labelledby="work">
      <header>
        <h2 id="work">{text.title}</h2>
        <span class="soft">{text.counts(formatCount(running, view.locale), formatCount(queued, view.locale))}</span>
        <a class="push" href="/admin/jobs?state=open">
          {text.jobs}
        </a>
      </header>
      {rows.length === 0 ? (
        <p class="soft">{text.none}</p>
      ) : (
        <ul>
          {rows.map((row) => (
            <Row key={row.id} view={view} row={row} />
          ))}
        </ul>
      )}
      {more > 0 && <p class="soft">{text.more(formatCount(more, view.locale))}</p>}
    </section>
  );
}

function Row({ view, row }: { view: View; row: WorkRow }) {
  const { work: text } = view.t.overview;
  const { id, kind, model, keyId, keyName, jobId, requestId, startedAt, state, isEnding } = row;
  const name = keyName ?? `${keyId}`;
  const isQueued = state === "queued";
  const href = jobId === null ? `/admin/requests/${encodeURIComponent(requestId)}` : `/admin/jobs/${encodeURIComponent(jobId)}`;
  return (
    <li class={isQueued ? "work q" : "work"} id={`work-${id}`}>
      <Icon
        name={isQueued ? "clock" : kind}
        label={isQueued ? text.queued : view.t.overview.board[kind === "image" ? "images" : "videos"]}
      />
      <a class="cut" href={href}>
        {model}
      </a>
      <span class="cut">
        <a href={`/admin/keys/${keyId}`}>{name}</a> <span class="soft">{whereOf(view, row)}</span>
      </span>
      <Bar row={row} now={view.now} />
      <span class="end nw">
        <Elapsed view={view} value={startedAt} />
      </span>
      {isEnding ? (
        <span class="soft">{text.ending}</span>
      ) : (
        <Form
          view={view}
          action={`/admin/overview/requests/${encodeURIComponent(id)}/cancel`}
          hx-post={`/admin/overview/requests/${encodeURIComponent(id)}/cancel`}
          hx-target="#ov-work"
          hx-swap="outerHTML"
          hx-disable="find button"
        >
          <Button small tone="quiet">
            {text.cancel}
            <span class="unseen">{text.cancelWhat(model, name)}</span>
          </Button>
        </Form>
      )}
    </li>
  );
}

function whereOf(view: View, { state, token, position, waitMs }: WorkRow): string {
  const { work: text } = view.t.overview;
  if (state === "running") return token === null ? "" : text.on(token.label);
  if (position === null) return text.queued;
  return waitMs === null ? text.position(position) : text.positionWait(position, formatDuration(waitMs));
}

/** Full at the time within which nearly all end; amber beyond. app.js moves it. */
function Bar({ row: { startedAt, usualMs, state, waitMs }, now }: { row: WorkRow; now: number }) {
  const elapsed = Math.max(0, now - startedAt);
  const most = state === "queued" ? elapsed + (waitMs ?? elapsed) : usualMs;
  const share = most === null || most <= 0 ? 0 : elapsed / most;
  return (
    <svg
      class={share > 1 && state === "running" ? "bar warn" : "bar"}
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      aria-hidden="true"
      data-since={startedAt}
      data-most={most === null ? undefined : Math.round(most)}
    >
      <rect data-elapsed="" width={Math.round(Math.min(1, share) * 100)} height="4" />
    </svg>
  );
}
