// Why requests of a span failed or were refused, the most first; each count leads to its requests.
import type { FailureSum } from "../../src/domain/request.ts";
import { failureSentence, failureWord } from "../requests/failure-words.ts";
import { requestsHref } from "../requests/href.ts";
import { outcomeTone } from "../requests/outcome.tsx";
import { Badge, EmptyState } from "../ui/controls.tsx";
import { formatCount, formatPercent } from "../ui/format.ts";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { requestsOf, type UsageData } from "./usage-address.ts";

/** Calls of a token are found by their reason, whatever the outcome was called. */
function byReason(sums: readonly FailureSum[]): FailureSum[] {
  const groups = [...Map.groupBy(sums, ({ reason }) => reason).values()];
  return groups
    .map((group) => ({ ...group[0]!, count: group.reduce((all, { count }) => all + count, 0) }))
    .sort((a, b) => b.count - a.count);
}

export function UsageReasons({ view, data }: { view: View; data: UsageData }) {
  const { usage } = view.t;
  const reasons = data.token ? byReason(data.reasons ?? []) : (data.reasons ?? []);
  const all = reasons.reduce((sum, { count }) => sum + count, 0);
  const columns = [
    { key: "reason", label: usage.columns.reason },
    { key: "count", label: data.token ? usage.columns.calls : usage.columns.requests, align: "end" as const },
    { key: "share", label: usage.columns.share, align: "end" as const },
  ];
  if (all === 0) return <EmptyState title={usage.noFailures} />;
  return (
    <>
      <Table view={view} label={usage.groups.reason} columns={columns}>
        {reasons.map(({ outcome, reason, refused, count }) => {
          // Of a token its calls are counted, which are found by their reason.
          const href = requestsHref({ ...requestsOf(data), ...(data.token ? { reason } : { outcome, reason }) });
          return (
            <Row key={`${outcome} ${reason} ${refused}`} view={view} id={`reason-${outcome}-${reason}`}>
              <Cell gives>
                <div class="lines">
                  <a href={href}>
                    <Badge tone={outcomeTone(outcome)}>{failureWord(view, { outcome, reason })}</Badge>
                  </a>
                  <small class="cut">{failureSentence(view, { outcome, reason })}</small>
                </div>
              </Cell>
              <Cell label={columns[1]!.label} align="end">
                <a class="nw" href={href}>
                  {formatCount(count, view.locale)}
                </a>
              </Cell>
              <Cell label={usage.columns.share} align="end">
                {formatPercent(count / all, view.locale)}
              </Cell>
            </Row>
          );
        })}
      </Table>
      <p class="soft small-print">{data.token ? usage.callsAbout : usage.reasonsAbout}</p>
    </>
  );
}
