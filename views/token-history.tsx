// What became of a token's calls, as far as it is kept: recent attempts, failures that led to pauses, and what the operator did.
import type { AuditRow } from "../src/db/admin.ts";
import type { AttemptRow } from "../src/db/store.ts";
import type { LastError } from "../src/gateway/member.ts";
import { Badge, Card, EmptyState } from "./controls.tsx";
import { Duration, Time } from "./figures.tsx";
import { Cell, Row, Table } from "./table.tsx";
import { outcomeText } from "./token-fields.tsx";
import type { View } from "./view.ts";

export type TokenAttempt = AttemptRow & { requestId: string };

type AttemptsProps = { view: View; attempts: readonly TokenAttempt[] };

export function TokenAttempts({ view, attempts, retentionDays }: AttemptsProps & { retentionDays: number }) {
  const { tokens } = view.t;
  const columns = [
    { key: "when", label: tokens.when },
    { key: "model", label: tokens.model },
    { key: "outcome", label: tokens.outcome },
    { key: "took", label: tokens.took, align: "end" as const },
    { key: "request", label: tokens.request },
  ];
  return (
    <Card title={tokens.attempts} id="attempts">
      <p class="muted">{tokens.attemptsAbout(retentionDays)}</p>
      {attempts.length === 0 ? (
        <EmptyState title={tokens.attemptsNone} />
      ) : (
        <Table view={view} label={tokens.attempts} columns={columns}>
          {attempts.map((attempt, index) => (
            <Row key={`${attempt.requestId} ${attempt.startedAt}`} view={view} id={`attempt-${index}`}>
              <Cell label={tokens.when}>
                <Time view={view} value={attempt.startedAt} />
              </Cell>
              <Cell label={tokens.model}>
                <code>{attempt.family}</code>
              </Cell>
              <Cell label={tokens.outcome}>
                <Outcome view={view} attempt={attempt} />
              </Cell>
              <Cell label={tokens.took} align="end">
                <Duration value={attempt.ms} />
              </Cell>
              <Cell label={tokens.request}>
                <code class="cut">{attempt.requestId}</code>
              </Cell>
            </Row>
          ))}
        </Table>
      )}
    </Card>
  );
}

/** A reason of a failure as one says it; one that has no word stands as it is. */
export function reasonWord(view: View, reason: string): string {
  const { reasons } = view.t.tokens;
  return reason in reasons ? reasons[reason as keyof typeof reasons] : reason;
}

function Outcome({
  view,
  attempt: { outcome, reason, upstreamStatus },
}: {
  view: View;
  attempt: Pick<AttemptRow, "outcome" | "reason" | "upstreamStatus">;
}) {
  const { reasons } = view.t.tokens;
  const word = reason && reason in reasons ? reasons[reason as keyof typeof reasons] : null;
  return (
    <>
      <Badge tone={outcome === "ok" ? "ok" : "bad"}>{outcomeText(view, outcome)}</Badge>
      {word && <small> {word}</small>}
      {upstreamStatus !== null && outcome !== "ok" && <small class="muted figure"> {upstreamStatus}</small>}
    </>
  );
}

/** What led to pauses, as far as it is kept, and what the operator did, in one order of time. */
export function TokenPauses({
  view,
  lastError,
  attempts,
  trail,
}: AttemptsProps & { lastError: LastError | null; trail: readonly AuditRow[] }) {
  const { tokens } = view.t;
  const failed = attempts.filter(({ outcome }) => outcome !== "ok");
  const told = lastError && !failed.some(({ startedAt, ms }) => Math.abs(startedAt + ms - lastError.at) < 2_000);
  const entries = [
    ...failed.map((attempt) => ({ at: attempt.startedAt, what: tokens.failedCall, detail: <Outcome view={view} attempt={attempt} /> })),
    ...(told
      ? [
          {
            at: lastError.at,
            what: tokens.lastError,
            detail: <Outcome view={view} attempt={{ ...lastError, outcome: lastError.kind }} />,
          },
        ]
      : []),
    ...trail.map(({ at, action }) => ({ at, what: tokens.byYou, detail: <span>{tokens.acts[action] ?? action}</span> })),
  ].sort((a, b) => b.at - a.at);
  return (
    <Card title={tokens.pauses} id="pauses">
      <p class="muted">{tokens.pausesAbout}</p>
      {entries.length === 0 ? (
        <EmptyState title={tokens.pausesNone} />
      ) : (
        <ol class="history">
          {entries.slice(0, 30).map(({ at, what, detail }, index) => (
            <li key={`${at} ${index}`}>
              <Time view={view} value={at} />
              <span>{what}</span>
              <span>{detail}</span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
