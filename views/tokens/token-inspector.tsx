// Inspector beside the token list on wide screens: why it is as it is, what ends it, and what can be done.
import type { FailureSum } from "../../src/domain/request.ts";
import type { TokenItem } from "../../src/gateway/tokens/list-tokens.ts";
import { providerName } from "../overview/providers.ts";
import { FailedToday } from "../requests/failed-today.tsx";
import { Badge, Button, LinkButton } from "../ui/controls.tsx";
import { Countdown, Time } from "../ui/figures.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import type { View } from "../ui/view.ts";
import { ModelState, type TokenModel } from "./model-state.tsx";
import { adviceText, HealthLine, tokenHref } from "./token-fields.tsx";

type Props = { view: View; item: TokenItem; models: readonly TokenModel[]; failures: readonly FailureSum[] };

/** Answer to GET /admin/tokens/:id/inspect. */
export function TokenInspector({ view, item, models, failures }: Props) {
  const { tokens } = view.t;
  const { row, view: token } = item;
  const { reason, until } = token.health;
  return (
    <>
      <header>
        <h2>{row.label}</h2>
        <span class="row">
          <HealthLine view={view} health={{ ...token.health, until: null }} />
        </span>
      </header>
      {until !== null && (
        <p class="big">
          {tokens.backIn} <Countdown view={view} value={until} />
        </p>
      )}
      {reason && <p class="soft">{adviceText(view, reason)}</p>}
      <Facts view={view} item={item} />
      <FailedToday view={view} failures={failures} of={{ token: row.id }} />
      <h3 class="mt">{tokens.models}</h3>
      <ul class="list mt-s">
        {models.map((model) => (
          <li key={model.id}>
            <span class="grow mono">{model.id}</span>
            <ModelState view={view} item={item} model={model} />
          </li>
        ))}
      </ul>
      <Actions view={view} item={item} />
    </>
  );
}

function Facts({ view, item: { row, view: token } }: Pick<Props, "view" | "item">) {
  const { tokens } = view.t;
  const of = (kind: "image" | "video") => `${token.inFlight[kind]} / ${token.limit[kind] < 0 ? tokens.noLimit : token.limit[kind]}`;
  return (
    <dl class="facts mt">
      <dt>{tokens.provider}</dt>
      <dd>
        {providerName(view, row.provider)}
        {token.tier !== null && `, ${tokens.tiers[token.tier]}`}
      </dd>
      {row.hint && (
        <>
          <dt>{tokens.fields.secret}</dt>
          <dd class="mono">…{row.hint}</dd>
        </>
      )}
      {row.group !== null && (
        <>
          <dt>{tokens.group}</dt>
          <dd>
            <a href={`/admin/tokens?group=${encodeURIComponent(row.group)}`}>{row.group}</a>
          </dd>
        </>
      )}
      <dt>{tokens.columns.slots}</dt>
      <dd>{tokens.inUse(of("image"), of("video"))}</dd>
      {token.credits !== null && (
        <>
          <dt>{tokens.columns.credits}</dt>
          <dd>{formatCount(token.credits, view.locale)}</dd>
        </>
      )}
      {token.usedAt !== null && (
        <>
          <dt>{tokens.columns.used}</dt>
          <dd>
            <Time view={view} value={token.usedAt} />
          </dd>
        </>
      )}
      {!row.enabled && (
        <>
          <dt>{tokens.columns.health}</dt>
          <dd>
            <Badge tone="off">{view.t.controls.health.disabled}</Badge>
          </dd>
        </>
      )}
    </dl>
  );
}

function Actions({ view, item: { row, view: token } }: Pick<Props, "view" | "item">) {
  const { tokens } = view.t;
  const act = (name: string, label: string) => (
    <Button small formaction={tokenHref(row.id, `/${name}`)}>
      {label}
    </Button>
  );
  const isHeld = row.enabled && (token.health.state !== "healthy" || token.models.length > 0);
  return (
    <Form view={view} action={tokenHref(row.id, "/check")} class="row mt">
      <input type="hidden" name="back" value="/admin/tokens" />
      {isHeld && act("clear", tokens.clear)}
      {act("check", tokens.check)}
      {row.enabled ? act("disable", tokens.disable) : act("enable", tokens.enable)}
      <LinkButton href={tokenHref(row.id, "#secret")} small>
        {tokens.remedies.secret}
      </LinkButton>
      <LinkButton href={tokenHref(row.id)} small tone="quiet">
        {tokens.open}
      </LinkButton>
    </Form>
  );
}
