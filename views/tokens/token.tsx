// Token page: health with fix actions, usage, models, recent calls, settings, secret replacement.

import type { AuditRow } from "../../src/db/admin.ts";
import type { UsageRow } from "../../src/db/ledger.ts";
import type { FailureSum } from "../../src/domain/request.ts";
import type { CooldownRow } from "../../src/domain/token.ts";
import type { FixAction } from "../../src/gateway/pool/health/reasons.ts";
import type { TokenItem } from "../../src/gateway/tokens/list-tokens.ts";
import type { TokenUsage } from "../../src/gateway/tokens/token-usage.ts";
import { FailedToday } from "../requests/failed-today.tsx";
import { requestsHref } from "../requests/href.ts";
import { Button, Card, HealthBadge, LinkButton, Stat, Stats } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Count, Countdown, Dash, Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { alongTime, Plot, PlotScripts } from "../ui/plot.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { ModelState, type TokenModel } from "./model-state.tsx";
import { adviceText, reasonText, tokenHref } from "./token-fields.tsx";
import { TokenSettings } from "./token-form.tsx";
import { type TokenAttempt, TokenAttempts, TokenCooldowns } from "./token-history.tsx";
import { Slots } from "./token-row.tsx";

export type TokenData = {
  item: TokenItem;
  remedy: FixAction;
  /** Its proxy without a password. */
  proxy: string;
  usage: TokenUsage;
  /** By UTC day since `since`, days without calls left out. */
  days: readonly UsageRow[];
  since: number;
  models: readonly TokenModel[];
  /** Newest first. */
  attempts: readonly TokenAttempt[];
  /** What held it or its group back, newest first. */
  pauses: readonly CooldownRow[];
  changes: readonly AuditRow[];
  /** Of its calls since 00:00 UTC. */
  failures: readonly FailureSum[];
  retentionDays: number;
  /** Next midnight in Los Angeles, epoch ms. */
  dayEnds: number;
};

type Props = { view: View; data: TokenData };

export function TokenPage({ view, data }: Props) {
  const { tokens } = view.t;
  const { row } = data.item;
  const act = (name: string, label: string, tone: "plain" | "danger" = "plain") => (
    <ActionButton view={view} action={tokenHref(row.id, `/${name}`)} tone={tone} fields={{ back: tokenHref(row.id) }}>
      {label}
    </ActionButton>
  );
  return (
    <>
      <PageHead
        up={{ href: "/admin/tokens", label: tokens.title }}
        title={row.label}
        about={[row.provider, row.identity, row.note].filter(Boolean).join(" · ")}
        actions={
          <>
            {act("check", tokens.check)}
            {row.enabled ? act("disable", tokens.disable) : act("enable", tokens.enable)}
            {act("remove", tokens.remove, "danger")}
          </>
        }
      />
      <HealthCard view={view} data={data} />
      <FailedToday view={view} failures={data.failures} of={{ token: row.id }} />
      <Figures view={view} data={data} />
      <Card title={tokens.usage}>
        <UsagePlot view={view} data={data} />
      </Card>
      <TokenCooldowns view={view} pauses={data.pauses} lastError={data.item.view.lastError} changes={data.changes} />
      <Models view={view} data={data} />
      <TokenAttempts view={view} attempts={data.attempts} retentionDays={data.retentionDays} />
      <TokenSettings view={view} row={row} proxy={data.proxy} />
      <SecretCard view={view} data={data} />
      <PlotScripts view={view} />
    </>
  );
}

function HealthCard({ view, data: { item, remedy } }: Props) {
  const { tokens } = view.t;
  const { health, models } = item.view;
  const { state, reason, since, until } = health;
  return (
    <Card title={tokens.health} actions={<RemedyButton view={view} id={item.row.id} remedy={remedy} />}>
      <div class="row">
        <HealthBadge view={view} state={state} />
        {reason && <strong>{reasonText(view, reason)}</strong>}
        {since !== null && (
          <span class="soft">
            {tokens.since} <Time view={view} value={since} ago />
          </span>
        )}
        {reason && reason !== "operator" && (
          <span class="soft">
            {until === null ? (
              tokens.endsByHand
            ) : (
              <>
                {tokens.ends} <Countdown view={view} value={until} />
              </>
            )}
          </span>
        )}
      </div>
      <p class="advice">
        {reason ? adviceText(view, reason) : models.length === 0 && tokens.nothingToDo}{" "}
        {models.length > 0 && <a href="#models">{tokens.modelsHeld(models.length)}</a>}
      </p>
    </Card>
  );
}

function RemedyButton({ view, id, remedy }: { view: View; id: number; remedy: FixAction }) {
  const { remedies } = view.t.tokens;
  if (remedy === "none") return null;
  const back = { back: tokenHref(id) };
  const again = (tone: "primary" | "plain") => (
    <ActionButton view={view} action={tokenHref(id, "/clear")} fields={back} tone={tone}>
      {remedies.clear}
    </ActionButton>
  );
  if (remedy === "clear") return again("primary");
  if (remedy === "enable")
    return (
      <ActionButton view={view} action={tokenHref(id, "/enable")} fields={back} tone="primary">
        {remedies.enable}
      </ActionButton>
    );
  return (
    <>
      {again("plain")}
      <LinkButton href={remedy === "secret" ? "#secret" : "#settings"} tone="primary">
        {remedies[remedy]}
      </LinkButton>
    </>
  );
}

function Figures({ view, data: { item, usage, dayEnds } }: Props) {
  const { tokens } = view.t;
  const { view: token, row } = item;
  const { spentToday } = token;
  return (
    <Stats>
      <Stat label={tokens.columns.slots}>
        <Slots view={view} item={item} />
      </Stat>
      <Stat
        label={`${tokens.calls}, ${tokens.today}`}
        note={
          <a href={requestsHref({ token: row.id, attempt: "failed", span: "today" })}>
            {`${tokens.failedCalls} ${formatCount(usage.today.errors, view.locale)}`}
          </a>
        }
      >
        <a href={requestsHref({ token: row.id, span: "today" })}>
          <Count view={view} value={usage.today.requests} />
        </a>
      </Stat>
      <Stat label={`${tokens.calls}, ${tokens.total}`} note={formatUsd(usage.total.usd, view.locale)}>
        <a href={requestsHref({ token: row.id })}>
          <Count view={view} value={usage.total.requests} />
        </a>
      </Stat>
      <Stat label={tokens.credits} note={token.tier === null ? undefined : tokens.tiers[token.tier]}>
        {token.credits === null ? <Dash /> : <Count view={view} value={token.credits} />}
      </Stat>
      <Stat label={tokens.checkedAt} note={row.hint && `${tokens.secretEnd} …${row.hint}`}>
        <Time view={view} value={row.checkedAt} />
      </Stat>
      <Stat label={tokens.columns.used} note={tokens.usedHint}>
        <Time view={view} value={token.usedAt} />
      </Stat>
      <Stat
        label={tokens.day}
        note={spentToday && tokens.spentValue(formatCount(spentToday.requests, view.locale), formatUsd(spentToday.usd, view.locale))}
      >
        <Countdown view={view} value={dayEnds} />
      </Stat>
    </Stats>
  );
}

function UsagePlot({ view, data: { days, since } }: Props) {
  const { tokens } = view.t;
  if (days.length === 0) return <p class="soft">{tokens.usageNone}</p>;
  const { times, values } = alongTime(days, { from: since, to: view.now, step: "day" });
  const series = [
    { label: tokens.calls, values: values((row) => row.requests), shape: "bars" as const },
    { label: tokens.failedCalls, values: values((row) => row.errors), tone: "bad" as const, shape: "bars" as const },
  ];
  return <Plot view={view} title={tokens.usageAbout} unit="count" times={times} step="day" series={series} />;
}

function Models({ view, data: { item, models } }: Props) {
  const { tokens } = view.t;
  const { row, view: token } = item;
  const columns = [
    { key: "model", label: tokens.model },
    { key: "state", label: tokens.state },
    { key: "clear", label: tokens.clear, hidden: true },
  ];
  return (
    <Card title={tokens.models} id="models">
      <p class="soft">{row.families ? tokens.modelsAbout : tokens.modelsAssumed}</p>
      <Table view={view} label={tokens.models} columns={columns}>
        {models.map(({ id, title, isDenied }) => {
          const held = token.models.find(({ family }) => family === id);
          return (
            <Row key={id} view={view} id={`model-${id}`}>
              <Cell label={tokens.model}>
                {title} <code>{id}</code>
              </Cell>
              <Cell label={tokens.state}>
                <ModelState view={view} item={item} model={{ id, isDenied }} />
                {held?.scope === "group" && <small> · {tokens.shared}</small>}
              </Cell>
              <Cell>
                {held && (
                  <ActionButton
                    view={view}
                    action={tokenHref(row.id, "/clear")}
                    fields={{ family: id, back: tokenHref(row.id) }}
                    small
                    label={tokens.clearModel(id)}
                  >
                    {tokens.clear}
                  </ActionButton>
                )}
              </Cell>
            </Row>
          );
        })}
      </Table>
    </Card>
  );
}

function SecretCard({ view, data: { item } }: Props) {
  const { tokens } = view.t;
  return (
    <Card title={tokens.replaceSecret} id="secret">
      <p class="soft">{tokens.replaceSecretAbout}</p>
      <Form view={view} action={tokenHref(item.row.id, "/secret")} multipart class="medium-form">
        <Field
          name="secret"
          label={tokens.fields.secret}
          hint={tokens.hints.secret}
          type="password"
          autocomplete="off"
          required={item.row.provider !== "vertex"}
          maxLength={16_384}
        />
        {item.row.provider === "vertex" && (
          <Field
            name="file"
            label={tokens.fields.secretFile}
            hint={tokens.hints.secretFile}
            type="file"
            accept=".json,.txt,application/json"
          />
        )}
        <div class="foot">
          <Button tone="primary">{tokens.replaceSecret}</Button>
        </div>
      </Form>
    </Card>
  );
}
