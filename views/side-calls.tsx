// Side calls page: counts, generated calls that look like side calls, and the operator's rules.
import type { SideCallCounts, SuspectShape } from "../src/gateway/side-calls/log.ts";
import type { SideRule } from "../src/gateway/side-calls/rules.ts";
import { Badge, Card, LinkButton, Stat, Stats } from "./ui/controls.tsx";
import { Count, Dash, Time } from "./ui/figures.tsx";
import { ActionButton } from "./ui/form.tsx";
import { formatCount } from "./ui/format.ts";
import { PageHead } from "./ui/layout.tsx";
import { Cell, Row, Table } from "./ui/table.tsx";
import type { View } from "./ui/view.ts";

const HOME = "/admin/side-calls";

export type SideCallState = { today: SideCallCounts; month: SideCallCounts; suspects: readonly SuspectShape[]; rules: number };

/** What the overview shows; nothing where there was none. */
export function SideCallsCard({ view, look }: { view: View; look: SideCallState }) {
  const { sideCalls } = view.t;
  const { month, suspects, rules } = look;
  if (month.answered === 0 && month.generated === 0 && suspects.length === 0 && rules === 0) return null;
  return (
    <Card
      title={sideCalls.title}
      actions={
        <LinkButton href={HOME} small tone="quiet">
          {sideCalls.all}
        </LinkButton>
      }
    >
      <Figures view={view} look={look} />
      {suspects.length > 0 && (
        <>
          <p class="soft">{sideCalls.suspectsHint}</p>
          <Suspects view={view} suspects={suspects} />
        </>
      )}
    </Card>
  );
}

function Figures({ view, look: { today, month } }: { view: View; look: Pick<SideCallState, "today" | "month"> }) {
  const { sideCalls } = view.t;
  return (
    <Stats>
      {(["answered", "generated"] as const).map((name) => (
        <Stat key={name} label={sideCalls[name]} note={sideCalls.month(formatCount(month[name], view.locale))}>
          <Count view={view} value={today[name]} />
        </Stat>
      ))}
    </Stats>
  );
}

function Suspects({ view, suspects }: { view: View; suspects: readonly SuspectShape[] }) {
  const { sideCalls } = view.t;
  const { columns } = sideCalls;
  return (
    <Table
      view={view}
      label={sideCalls.suspects}
      columns={[
        { key: "text", label: columns.text },
        { key: "signs", label: columns.signs },
        { key: "count", label: columns.count, align: "end" as const },
        { key: "last", label: columns.last },
        { key: "treat", label: sideCalls.treat, hidden: true },
      ]}
    >
      {suspects.map(({ id, sample, kind, signs, count, lastAt }) => (
        <Row key={id} view={view} id={`shape-${id}`}>
          <Cell label={columns.text}>
            <span>{sample}</span> <small class="soft">{sideCalls.kinds[kind]}</small>
          </Cell>
          <Cell label={columns.signs}>
            {signs.length === 0 ? <Badge tone="busy">{sideCalls.repeated}</Badge> : signs.map((sign) => sideCalls.signs[sign]).join(", ")}
          </Cell>
          <Cell label={columns.count} align="end">
            <Count view={view} value={count} />
          </Cell>
          <Cell label={columns.last}>
            <Time view={view} value={lastAt} ago />
          </Cell>
          <Cell align="end">
            <ActionButton view={view} action={`${HOME}/${id}/treat`} small>
              {sideCalls.treat}
            </ActionButton>
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

type PageData = Pick<SideCallState, "today" | "month" | "suspects"> & { rules: readonly SideRule[] };

export function SideCallsPage({ view, data }: { view: View; data: PageData }) {
  const { sideCalls } = view.t;
  return (
    <>
      <PageHead up={{ href: "/admin", label: view.t.overview.title }} title={sideCalls.title} about={sideCalls.about} />
      <div class="flow">
        <Figures view={view} look={data} />
        <Card title={sideCalls.suspects}>
          <p class="soft">{data.suspects.length === 0 ? sideCalls.noSuspects : sideCalls.suspectsHint}</p>
          {data.suspects.length > 0 && <Suspects view={view} suspects={data.suspects} />}
        </Card>
        <Card title={sideCalls.rules}>
          <p class="soft">{data.rules.length === 0 ? sideCalls.noRules : sideCalls.rulesHint}</p>
          {data.rules.length > 0 && <Rules view={view} rules={data.rules} />}
        </Card>
      </div>
    </>
  );
}

function Rules({ view, rules }: { view: View; rules: readonly SideRule[] }) {
  const { sideCalls } = view.t;
  const { columns } = sideCalls;
  return (
    <Table
      view={view}
      label={sideCalls.rules}
      columns={[
        { key: "text", label: columns.text },
        { key: "kind", label: columns.kind },
        { key: "tokens", label: columns.tokens, align: "end" as const },
        { key: "since", label: columns.since },
        { key: "remove", label: sideCalls.remove, hidden: true },
      ]}
    >
      {rules.map(({ id, sample, kind, maxTokens, since }) => (
        <Row key={id} view={view} id={`rule-${id}`}>
          <Cell label={columns.text}>
            <span>{sample}</span>
          </Cell>
          <Cell label={columns.kind}>{sideCalls.kinds[kind]}</Cell>
          <Cell label={columns.tokens} align="end">
            {maxTokens === null ? <Dash /> : <Count view={view} value={maxTokens} />}
          </Cell>
          <Cell label={columns.since}>
            <Time view={view} value={since} />
          </Cell>
          <Cell align="end">
            <ActionButton view={view} action={`${HOME}/${id}/remove`} small>
              {sideCalls.remove}
            </ActionButton>
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
