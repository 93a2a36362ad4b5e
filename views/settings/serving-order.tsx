// Serving order of a model: which provider's token is taken next, and why.

import type { ProviderTurn, ServingOrder } from "../../src/gateway/models/serving-order.ts";
import { tokenHref } from "../tokens/token-fields.tsx";
import { Badge, Card, EmptyState } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { formatCount, formatPrice } from "../ui/format.ts";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

type Props = { view: View; order: ServingOrder; unit: string };

export function ServingOrderCard({ view, order, unit }: Props) {
  const { models: t } = view.t;
  const [first] = order.turns;
  const columns = [
    { key: "provider", label: t.provider },
    { key: "state", label: t.serving.state },
    { key: "priority", label: view.t.tokens.fields.priority, align: "end" as const },
    { key: "price", label: t.price, align: "end" as const },
    { key: "ready", label: t.serving.ready, align: "end" as const },
  ];
  return (
    <Card title={t.serving.title} id="serving-order">
      {first ? (
        <>
          <p>
            {first.state === "ready" && (
              <>
                <strong>{first.provider}</strong> · <a href={tokenHref(first.token.id)}>{first.token.label}</a>.{" "}
              </>
            )}
            {t.serving.why[order.decidedBy]} <span class="soft">{t.serving.about}</span>
          </p>
          <Table view={view} label={t.serving.title} columns={columns}>
            {order.turns.map((turn) => (
              <Turn key={turn.provider} view={view} turn={turn} unit={unit} />
            ))}
          </Table>
        </>
      ) : (
        <EmptyState title={t.noToken} />
      )}
    </Card>
  );
}

const TONES = { ready: "ok", busy: "busy", waiting: "bad" } as const;

function Turn({ view, turn, unit }: { view: View; turn: ProviderTurn; unit: string }) {
  const { models: t, tokens } = view.t;
  const { provider, token, state, reason, until, priority, usd, ready, tokens: count } = turn;
  return (
    <Row view={view} id={`turn-${provider}`}>
      <Cell label={t.provider}>
        {provider}{" "}
        <small>
          <a href={tokenHref(token.id)}>{token.label}</a>
        </small>
      </Cell>
      <Cell label={t.serving.state}>
        <Badge tone={TONES[state]}>{t.serving.states[state]}</Badge> {reason && <span class="soft">{tokens.reasons[reason]}</span>}{" "}
        {until !== null && (
          <span class="soft">
            {t.serving.until} <Time view={view} value={until} />
          </span>
        )}
      </Cell>
      <Cell label={tokens.fields.priority} align="end">
        <span class="nw">{priority}</span>
      </Cell>
      <Cell label={t.price} align="end">
        <span class="nw">{usd === 0 ? t.byPlan : formatPrice(usd, view.locale)}</span> {usd > 0 && <span class="soft">{unit}</span>}
      </Cell>
      <Cell label={t.serving.ready} align="end">
        <span class="nw">{t.serving.readyOf(formatCount(ready, view.locale), formatCount(count, view.locale))}</span>
      </Cell>
    </Row>
  );
}
