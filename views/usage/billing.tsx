// Usage for billing: a row for each day, key and model, with a file of all.
import type { KeyDay } from "../../src/db/ledger.ts";
import { requestsHref } from "../requests/href.ts";
import { EmptyState, LinkButton } from "../ui/controls.tsx";
import { Count, Dash, Duration } from "../ui/figures.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Pager, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { UsageFilters } from "./usage.tsx";
import { dayOf, type UsageAddress, usageHref } from "./usage-address.ts";

export type BillingData = UsageAddress & {
  rows: readonly (KeyDay & { name: string })[];
  /** Position after the last row, as the address has it. */
  next: string | null;
  isFirst: boolean;
  models: readonly string[];
};

const DAY_MS = 86_400_000;

export function BillingPage({ view, data }: { view: View; data: BillingData }) {
  const { usage } = view.t;
  const { rows, next, isFirst } = data;
  const csv = (
    <LinkButton href={usageHref(data, {}, "/billing.csv")} small icon="download" data-download="">
      {usage.csv}
    </LinkButton>
  );
  const columns = (["day", "key", "model", "requests", "errors", "images", "videoSeconds", "outputTokens", "usd"] as const).map((key) => ({
    key,
    label: usage.columns[key],
    align: key === "day" || key === "key" || key === "model" ? undefined : ("end" as const),
  }));
  return (
    <>
      <PageHead up={{ href: usageHref(data, {}), label: usage.title }} title={usage.billing} about={usage.billingAbout} actions={csv} />
      <UsageFilters view={view} data={data} path="/billing" />
      {rows.length === 0 ? (
        <EmptyState title={usage.empty} />
      ) : (
        <div class="two-up">
          <Table view={view} label={usage.billing} columns={columns}>
            {rows.map((row) => (
              <BillingLine key={`${row.day} ${row.keyId} ${row.family}`} view={view} row={row} />
            ))}
          </Table>
        </div>
      )}
      <Pager
        view={view}
        next={next && `${usageHref(data, {}, "/billing")}&after=${encodeURIComponent(next)}`}
        first={isFirst ? null : usageHref(data, {}, "/billing")}
      />
    </>
  );
}

function BillingLine({ view, row }: { view: View; row: BillingData["rows"][number] }) {
  const { columns } = view.t.usage;
  const { day, keyId, family, name } = row;
  const own = { key: keyId, family, from: day, to: day + DAY_MS };
  return (
    <Row view={view} id={`bill-${dayOf(day)}-${keyId}-${family}`}>
      <Cell>{dayOf(day)}</Cell>
      <Cell label={columns.key}>
        <a class="cut" href={`/admin/keys/${keyId}`}>
          {name}
        </a>
      </Cell>
      <Cell label={columns.model}>
        <span class="mono cut">{family}</span>
      </Cell>
      <Cell label={columns.requests} align="end">
        <a href={requestsHref(own)}>
          <Count view={view} value={row.requests} />
        </a>
      </Cell>
      <Cell label={columns.errors} align="end">
        {row.errors > 0 ? <a href={requestsHref({ ...own, outcome: "failed" })}>{formatCount(row.errors, view.locale)}</a> : <Dash />}
      </Cell>
      <Cell label={columns.images} align="end">
        {row.images > 0 ? <Count view={view} value={row.images} /> : <Dash />}
      </Cell>
      <Cell label={columns.videoSeconds} align="end">
        {row.videoSeconds > 0 ? <Duration value={row.videoSeconds * 1000} /> : <Dash />}
      </Cell>
      <Cell label={columns.outputTokens} align="end">
        <span class="nw">
          {formatCount(row.inputTokens, view.locale)} / {formatCount(row.outputTokens, view.locale)}
        </span>
      </Cell>
      <Cell label={columns.usd} align="end">
        <span class="nw">{formatUsd(row.usd, view.locale)}</span>
      </Cell>
    </Row>
  );
}
