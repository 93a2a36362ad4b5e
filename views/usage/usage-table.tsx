// Sums of a span by day, model, key or token; each figure of requests leads to them.
import type { UsageRow } from "../../src/db/ledger.ts";
import type { UsageGroup } from "../../src/gateway/reports/usage.ts";
import { type RequestFields, requestsHref } from "../requests/href.ts";
import { Tabs } from "../ui/controls.tsx";
import { Count, Dash, Duration } from "../ui/figures.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { Cell, type Column, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { dayOf, requestsOf, type UsageData, usageHref } from "./usage-address.ts";
import { UsageReasons } from "./usage-reasons.tsx";

export const compact = (value: number, { locale }: View) =>
  new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);

export function Groups({ view, data }: { view: View; data: UsageData }) {
  const { usage } = view.t;
  const { by, rows, all, sort, descending } = data;
  const tabs = (["day", "model", "key", "token", "reason"] as const)
    // Rollups know a key's models and days, not its tokens.
    .filter((group) => group === by || (group !== "key" && group !== "token") || (!data.key && !data.token))
    .map((group) => ({ href: usageHref(data, { by: group }), label: usage.groups[group], current: group === by }));
  const sorting = {
    by: sort,
    descending,
    href: (name: string, isDescending: boolean) => `${usageHref(data, {})}&sort=${name}&order=${isDescending ? "desc" : "asc"}`,
  };
  if (by === "reason")
    return (
      <section id="sums">
        <Tabs label={usage.groupsLabel} tabs={tabs} />
        <UsageReasons view={view} data={data} />
      </section>
    );
  return (
    <section id="sums" class="two-up">
      <Tabs label={usage.groupsLabel} tabs={tabs} />
      <Table view={view} label={usage.groups[by]} columns={columnsOf(view, by)} sorting={sorting}>
        {rows.map((row) => (
          <UsageLine key={row.group} view={view} data={data} row={row} />
        ))}
      </Table>
      {by === "token" && <p class="soft small-print">{usage.callsAbout}</p>}
      {rows.length < all && (
        <p class="soft small-print">{usage.shown(formatCount(rows.length, view.locale), formatCount(all, view.locale))}</p>
      )}
    </section>
  );
}

const FIGURES = ["requests", "errors", "images", "videoSeconds", "usd", "outputTokens", "p50Ms", "p95Ms"] as const;

/** Tokens are not counted by what they put out; an image and a video have no latency in common, and only a model makes one of them. */
const leftOut = (by: UsageGroup): ReadonlySet<(typeof FIGURES)[number]> =>
  new Set([...(by === "token" ? (["outputTokens"] as const) : []), ...(by === "model" ? [] : (["p50Ms", "p95Ms"] as const))]);

function columnsOf(view: View, by: UsageGroup): Column[] {
  const { columns } = view.t.usage;
  const left = leftOut(by);
  const figures = FIGURES.filter((name) => !left.has(name)).map((name) => ({
    key: name,
    label: by === "token" && name === "requests" ? columns.calls : columns[name],
    align: "end" as const,
    sortable: true,
  }));
  return [{ key: "group", label: columns[by], sortable: true }, ...figures];
}

const DAY_MS = 86_400_000;

/** The requests that a row counts. */
function requestsOfRow(data: UsageData, { group }: UsageRow): RequestFields {
  const all = requestsOf(data);
  if (data.by === "day") return { ...all, from: Number(group), to: Number(group) + DAY_MS };
  return { ...all, [data.by === "model" ? "family" : data.by]: group };
}

function UsageLine({ view, data, row }: { view: View; data: UsageData; row: UsageRow & { name: string } }) {
  const { columns } = view.t.usage;
  const { by } = data;
  const own = requestsOfRow(data, row);
  return (
    <Row view={view} id={`sum-${by}-${row.group}`}>
      <Cell>
        <a class={by === "model" ? "cut mono" : "cut"} href={closer(data, row)}>
          {row.name}
        </a>
      </Cell>
      <Cell label={by === "token" ? columns.calls : columns.requests} align="end">
        <a href={requestsHref(own)}>
          <Count view={view} value={row.requests} />
        </a>
      </Cell>
      <Cell label={columns.errors} align="end">
        {row.errors > 0 ? (
          <a href={requestsHref({ ...own, ...(own.token ? { attempt: "failed" } : { outcome: "failed" }) })}>
            <Count view={view} value={row.errors} />
          </a>
        ) : (
          <Dash />
        )}
      </Cell>
      <Cell label={columns.images} align="end">
        {row.images > 0 ? <Count view={view} value={row.images} /> : <Dash />}
      </Cell>
      <Cell label={columns.videoSeconds} align="end">
        {row.videoSeconds > 0 ? <Duration value={row.videoSeconds * 1000} /> : <Dash />}
      </Cell>
      <Cell label={columns.usd} align="end">
        <span class="nw">{formatUsd(row.usd, view.locale)}</span>
      </Cell>
      {by !== "token" && (
        <Cell label={columns.outputTokens} align="end">
          <span class="nw">
            {compact(row.inputTokens, view)} / {compact(row.outputTokens, view)}
          </span>
        </Cell>
      )}
      {by === "model" && (
        <>
          <Cell label={columns.p50Ms} align="end">
            <Duration value={row.p50Ms} />
          </Cell>
          <Cell label={columns.p95Ms} align="end">
            <Duration value={row.p95Ms} />
          </Cell>
        </>
      )}
    </Row>
  );
}

/** The row alone: a day by the hour, a model, key or token by day. */
function closer(data: UsageData, { group }: UsageRow): string {
  if (data.by === "day") return usageHref(data, { span: "custom", from: dayOf(Number(group)), to: dayOf(Number(group)), by: "model" });
  return usageHref(data, { [data.by]: `${group}`, by: "day" });
}
