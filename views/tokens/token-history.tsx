// Token history: recent upstream calls, cooldowns, and the operator's changes.

import type { AuditRow } from "../../src/db/admin.ts";
import type { AttemptRow } from "../../src/domain/request.ts";
import type { CooldownRow } from "../../src/domain/token.ts";
import type { LastError } from "../../src/gateway/pool/pool-token.ts";
import { Badge, Card, EmptyState, HealthBadge } from "../ui/controls.tsx";
import { Duration, Time } from "../ui/figures.tsx";
import { formatDuration } from "../ui/format.ts";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { outcomeText } from "./token-fields.tsx";

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
      <p class="soft">{tokens.attemptsAbout(retentionDays)}</p>
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
                <a class="mono" href={`/admin/requests/${encodeURIComponent(attempt.requestId)}`}>
                  {attempt.requestId}
                </a>
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
      {upstreamStatus !== null && outcome !== "ok" && <small class="soft nw"> {upstreamStatus}</small>}
    </>
  );
}

type PausesProps = { view: View; pauses: readonly CooldownRow[]; lastError: LastError | null; changes: readonly AuditRow[] };

/** What held the token back, what its last failure was, and what the operator did, in one order of time. */
export function TokenCooldowns({ view, pauses, lastError, changes }: PausesProps) {
  const { tokens } = view.t;
  const isTold = lastError === null || pauses.some(({ at }) => Math.abs(at - lastError.at) < SAME_MOMENT_MS);
  const entries = [
    ...pauses.map((pause) => ({
      at: pause.at,
      what: <PauseBadge view={view} pause={pause} />,
      detail: <Pause view={view} pause={pause} />,
    })),
    ...(isTold
      ? []
      : [
          { at: lastError.at, what: tokens.lastError, detail: <Outcome view={view} attempt={{ ...lastError, outcome: lastError.kind }} /> },
        ]),
    ...changes.map(({ at, action }) => ({ at, what: tokens.byYou, detail: tokens.acts[action] ?? action })),
  ].sort((a, b) => b.at - a.at);
  return (
    <Card title={tokens.pauses} id="pauses">
      <p class="soft">{tokens.pausesAbout}</p>
      {entries.length === 0 ? (
        <EmptyState title={tokens.pausesNone} />
      ) : (
        <ol class="history">
          {entries.map(({ at, what, detail }, index) => (
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

/** A cooldown begins when the call that met it has ended. */
const SAME_MOMENT_MS = 2_000;

function PauseBadge({ view, pause: { until } }: { view: View; pause: CooldownRow }) {
  return <HealthBadge view={view} state={until === null ? "blocked" : "cooling"} />;
}

/** `limit per minute for 47 s · gemini-3-pro-image · shared with its group` */
function Pause({ view, pause: { subject, at, family, reason, until } }: { view: View; pause: CooldownRow }) {
  const { tokens } = view.t;
  return (
    <>
      {reasonWord(view, reason)}{" "}
      <span class="soft nw">{until === null ? tokens.untilByHand : tokens.pausedFor(formatDuration(until - at))}</span>
      {family !== null && (
        <>
          {" "}
          <code>{family}</code>
        </>
      )}
      {subject.startsWith("group ") && <small class="soft"> {tokens.shared}</small>}
    </>
  );
}
