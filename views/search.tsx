// Search page: everything that a text is found in, by kind; works without JavaScript, and as one types with it.
import type { ComponentChildren } from "preact";
import type { Found } from "../src/gateway/reports/search.ts";
import { requestsHref } from "./requests/href.ts";
import { OutcomeBadge, type ShownRequest } from "./requests/outcome.tsx";
import type { FoundPage } from "./search-pages.ts";
import { Button, EmptyState, JobBadge } from "./ui/controls.tsx";
import { Time } from "./ui/figures.tsx";
import { PageHead } from "./ui/layout.tsx";
import { mediaHref, Thumb } from "./ui/media.tsx";
import type { View } from "./ui/view.ts";

export type SearchData = Omit<Found, "requests"> & {
  pages: readonly FoundPage[];
  text: string;
  requests: readonly ShownRequest[];
  isRecording: boolean;
};

type Props = { view: View; data: SearchData };

export function SearchPage({ view, data }: Props) {
  const { search } = view.t;
  return (
    <>
      <PageHead title={search.title} about={data.isRecording ? search.about : search.aboutNoPrompts} />
      <search>
        <form class="filters" action="/admin/search">
          <input
            type="search"
            name="q"
            value={data.text}
            maxLength={200}
            aria-label={search.label}
            placeholder={search.label}
            data-focus={data.text === "" ? "" : undefined}
            hx-get="/admin/search"
            hx-trigger="input changed delay:200ms"
            hx-target="#found"
            hx-swap="outerHTML"
            hx-sync="this:replace"
          />
          <Button small icon="search">
            {view.t.controls.search}
          </Button>
        </form>
      </search>
      <FoundParts view={view} data={data} />
    </>
  );
}

/** What was found; also what is sent as one types. */
export function FoundParts({ view, data }: Props) {
  const { search } = view.t;
  const { pages, keys, tokens, models, jobs, requests, media, text } = data;
  const count = pages.length + keys.length + tokens.length + models.length + jobs.length + requests.length + media.length;
  return (
    <div id="found" class="stack" aria-live="polite">
      {count === 0 && <EmptyState title={text.length < 2 ? search.begin : search.none(text)}>{search.hint}</EmptyState>}
      <Group title={search.pagesTitle} hasAny={pages.length > 0}>
        <ul class="list">
          {pages.map(({ name, href }) => (
            <li key={href}>
              <a href={href}>{name}</a>
            </li>
          ))}
        </ul>
      </Group>
      <Group title={search.media} hasAny={media.length > 0}>
        <div class="results">
          {media.map((one) => (
            <a key={one.id} href={mediaHref(one.id)}>
              <Thumb media={one} label={one.id} />
            </a>
          ))}
        </div>
      </Group>
      <Requests view={view} data={data} />
      <Group title={search.jobs} hasAny={jobs.length > 0}>
        <ul class="list">
          {jobs.map((job) => (
            <li key={job.id}>
              <a class="grow mono" href={`/admin/jobs/${encodeURIComponent(job.id)}`}>
                {job.id}
              </a>
              <span class="mono soft">{job.model}</span>
              <JobBadge view={view} state={job.state} />
            </li>
          ))}
        </ul>
      </Group>
      <Group title={search.keys} hasAny={keys.length > 0}>
        <ul class="list">
          {keys.map(({ id, name, prefix }) => (
            <li key={id}>
              <a class="grow" href={`/admin/keys/${id}`}>
                {name}
              </a>
              <code>{prefix}…</code>
              <a href={`/admin/keys/${id}/edit`}>{view.t.keys.edit}</a>
              <a href={`/admin/keys/${id}/rotate`}>{view.t.keys.rotate}</a>
              <a href={requestsHref({ key: id })}>{search.itsRequests}</a>
            </li>
          ))}
        </ul>
      </Group>
      <Group title={search.tokens} hasAny={tokens.length > 0}>
        <ul class="list">
          {tokens.map(({ id, label, provider }) => (
            <li key={id}>
              <a class="grow" href={`/admin/tokens/${id}`}>
                {label}
              </a>
              <span class="soft">{provider}</span>
              <a href={requestsHref({ token: id })}>{search.itsRequests}</a>
            </li>
          ))}
        </ul>
      </Group>
      <Group title={search.models} hasAny={models.length > 0}>
        <ul class="list">
          {models.map(({ id, title }) => (
            <li key={id}>
              <a class="grow" href={`/admin/models/${encodeURIComponent(id)}`}>
                {title}
              </a>
              <code>{id}</code>
              <a href={requestsHref({ family: id })}>{search.itsRequests}</a>
            </li>
          ))}
        </ul>
      </Group>
    </div>
  );
}

function Requests({ view, data: { requests, hasMore, text } }: Props) {
  const { search } = view.t;
  if (requests.length === 0) return null;
  return (
    <section class="box">
      <header>
        <h2>{search.requests}</h2>
        {hasMore && (
          <a class="push" href={requestsHref({ q: text })}>
            {search.allRequests}
          </a>
        )}
      </header>
      <ul class="list">
        {requests.map((row) => (
          <li key={row.id}>
            <a href={`/admin/requests/${encodeURIComponent(row.id)}`}>
              <Time view={view} value={row.at + row.ms} />
            </a>
            <OutcomeBadge view={view} outcome={row.outcome} />
            <span class="grow cut mono">{row.model || row.route}</span>
            <span class="cut soft">{row.keyName ?? row.tokenLabel ?? ""}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const Group = ({ title, hasAny, children }: { title: string; hasAny: boolean; children: ComponentChildren }) =>
  hasAny ? (
    <section class="box">
      <header>
        <h2>{title}</h2>
      </header>
      {children}
    </section>
  ) : null;
