// Filters of the request list: what is searched, chips by outcome and kind, and a chip for each filter that a link has set.
import type { RequestQuery } from "../../src/gateway/reports/request-query.ts";
import { LinkButton } from "../ui/controls.tsx";
import { Field, type Option, Select } from "../ui/fields.tsx";
import { Icon } from "../ui/icon.tsx";
import { FilterBar } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { outcomeWord, reasonWord } from "./failure-words.ts";
import { requestsHref } from "./href.ts";

export type FilterData = {
  query: RequestQuery;
  /** As fields of date and time have them, in the reader's zone; empty: none. */
  times: { from: string; to: string };
  keys: readonly Option[];
  tokenName: string | null;
  models: readonly string[];
  isRecording: boolean;
};

type Props = { view: View; data: FilterData };

export function RequestFilters({ view, data }: Props) {
  const { query, isRecording } = data;
  const { requests } = view.t;
  const isSet = Object.keys(query).some((name) => name !== "before");
  return (
    <>
      <Chips view={view} data={data} />
      <FilterBar
        view={view}
        action="/admin/requests"
        query={query.q ?? ""}
        searches={isRecording ? requests.searchPrompts : requests.searchWords}
      >
        <Outcomes view={view} query={query} />
        <Select
          name="key"
          label={requests.key}
          value={query.key ?? ""}
          submits
          options={[{ value: "", label: requests.anyKey }, ...data.keys]}
        />
        {(["kind", "token", "reason", "attempt", "family"] as const).map(
          (name) => query[name] && <input key={name} type="hidden" name={name} value={query[name]} />,
        )}
        {query.span && !query.from && <input type="hidden" name="span" value={query.span} />}
        <More view={view} data={data} />
        {isSet && (
          <LinkButton href="/admin/requests" tone="quiet" small>
            {requests.clear}
          </LinkButton>
        )}
      </FilterBar>
      <Searches view={view} isRecording={isRecording} />
    </>
  );
}

/** Says what is searched: prompts only where they are recorded. */
function Searches({ view, isRecording }: { view: View; isRecording: boolean }) {
  const { requests } = view.t;
  return (
    <p class="hint">
      <small>
        {isRecording ? requests.searches : requests.searchesNoPrompts}{" "}
        {!isRecording && <a href="/admin/settings?q=requests.record_payloads">{requests.recordPrompts}</a>}
      </small>
    </p>
  );
}

function Outcomes({ view, query }: { view: View; query: RequestQuery }) {
  const { requests, tokens } = view.t;
  const failures = Object.keys(tokens.outcomes).filter((kind) => kind !== "ok");
  return (
    <Select
      name="outcome"
      label={requests.outcome}
      value={query.outcome ?? ""}
      submits
      options={[
        { value: "", label: requests.any },
        { value: "ok", label: tokens.outcomes.ok },
        { value: "failed", label: requests.failed },
        { value: "refused", label: requests.refused },
        ...[...failures, "internal"].map((value) => ({ value, label: `– ${outcomeWord(view, value)}` })),
      ]}
    />
  );
}

/** The outcomes and kinds that one chooses most, and every other filter that is set, each with a way to drop it. */
function Chips({ view, data: { query, tokenName } }: Props) {
  const { requests, tokens } = view.t;
  const to = (change: RequestQuery) => requestsHref({ ...query, before: undefined, ...change });
  const choices = [
    [requests.any, { outcome: undefined }, query.outcome === undefined],
    [tokens.outcomes.ok, { outcome: "ok" }, query.outcome === "ok"],
    [requests.failed, { outcome: "failed" }, query.outcome === "failed"],
    [requests.refused, { outcome: "refused" }, query.outcome === "refused"],
    [requests.kinds.image, { kind: query.kind === "image" ? undefined : "image" }, query.kind === "image"],
    [requests.kinds.video, { kind: query.kind === "video" ? undefined : "video" }, query.kind === "video"],
    [requests.today, { span: query.span === "today" ? undefined : "today", from: undefined, to: undefined }, query.span === "today"],
  ] as const;
  const spans: Readonly<Record<string, string>> = requests.spans;
  const set: [keyof RequestQuery, string | undefined][] = [
    ["token", tokenName === null ? undefined : `${requests.token}: ${tokenName}`],
    ["reason", query.reason && `${requests.reason}: ${reasonWord(view, query.reason)}`],
    ["attempt", query.attempt === "failed" ? requests.attemptFailed : undefined],
    ["family", query.family && `${requests.family}: ${query.family}`],
    ["span", query.span && query.span !== "today" ? (spans[query.span] ?? query.span) : undefined],
  ];
  return (
    <nav class="row chips" aria-label={requests.filters}>
      {choices.map(([label, change, isOn]) => (
        <a key={label} class="chip" href={to(change)} aria-current={isOn ? "true" : undefined}>
          {label}
        </a>
      ))}
      {set.map(
        ([name, label]) =>
          label && (
            <a
              key={name}
              class="chip"
              href={to({ [name]: undefined, ...(name === "token" ? { attempt: undefined } : {}) })}
              aria-current="true"
              aria-label={requests.drop(label)}
            >
              <span class="cut">{label}</span>
              <Icon name="x" />
            </a>
          ),
      )}
    </nav>
  );
}

function More({ view, data: { query, times, models } }: Props) {
  const { requests } = view.t;
  const zone = view.timeZone ?? "UTC";
  return (
    <details class="more-filters" open={Boolean(query.model || query.from || query.to)}>
      <summary class="btn bare s">{requests.more}</summary>
      <div class="row">
        <Field name="model" label={requests.model} hint={requests.modelHint} value={query.model ?? ""} maxLength={200} list="models" />
        <Field name="from" label={requests.from(zone)} type="datetime-local" value={times.from} />
        <Field name="to" label={requests.to(zone)} type="datetime-local" value={times.to} />
      </div>
      <datalist id="models">
        {models.map((model) => (
          <option key={model} value={model} />
        ))}
      </datalist>
    </details>
  );
}
