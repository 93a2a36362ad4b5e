// Token row of the list, shown and while edited.

import type { Kind } from "../../src/domain/generation.ts";
import type { TokenItem } from "../../src/gateway/tokens/list-tokens.ts";
import type { TokenRowFacts } from "../../src/gateway/tokens/row-facts.ts";
import { providerName } from "../overview/providers.ts";
import { Badge, Button, buttonClass, LinkButton } from "../ui/controls.tsx";
import { Count, Countdown, Time } from "../ui/figures.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Cell, type Column, Row } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { BeatStrip } from "./beat.tsx";
import { HealthLine, Lines, outcomeText, reasonText, tokenHref } from "./token-fields.tsx";

type ItemProps = { view: View; item: TokenItem };

export function tokenColumns({ t: { tokens } }: View): Column[] {
  const { columns } = tokens;
  return [
    { key: "health", label: columns.health, sortable: true },
    { key: "label", label: columns.token, sortable: true },
    { key: "beat", label: columns.beat },
    { key: "today", label: columns.images, sortable: true },
    { key: "videos", label: columns.videos },
    { key: "credits", label: columns.credits, align: "end", sortable: true },
    { key: "used", label: columns.error, sortable: true },
    { key: "actions", label: columns.actions, hidden: true },
  ];
}

export const rowId = (id: number): string => `token-${id}`;

/** Sent again as it changes; answer to GET /admin/tokens/:id/row too. */
export function TokenRowView({ view, item, facts }: ItemProps & { facts: TokenRowFacts | null }) {
  const { columns } = view.t.tokens;
  const { row } = item;
  return (
    <Row view={view} id={rowId(row.id)} select={{ id: row.id, name: row.label }}>
      <Cell label={columns.health} place="state">
        <State view={view} item={item} />
      </Cell>
      <Cell label={columns.token} gives place="name">
        <Name view={view} item={item} />
      </Cell>
      <Cell label={columns.beat} place="figure">
        {facts && <BeatStrip view={view} facts={facts} />}
      </Cell>
      <Cell label={columns.images}>{facts && <Today view={view} item={item} kind="image" facts={facts} />}</Cell>
      <Cell label={columns.videos}>{facts && <Today view={view} item={item} kind="video" facts={facts} />}</Cell>
      <Cell label={columns.credits} align="end">
        <Credits view={view} item={item} />
      </Cell>
      <Cell label={columns.error} place="about">
        <span class="phone cut">{aboutOf(view, item, facts)}</span>
        <LastError view={view} item={item} />
      </Cell>
      <Cell>
        <Actions view={view} item={item} />
      </Cell>
    </Row>
  );
}

/** State and, where it is not well, what ends it. Healthy with models held back is said. */
function State({ view, item: { view: token } }: ItemProps) {
  const { tokens } = view.t;
  const [held] = token.models;
  if (token.health.state === "healthy" && held)
    return (
      <Lines>
        <Badge tone="warn" icon={held.state === "blocked" ? "warn" : "cool"}>
          {(held.state === "blocked" ? tokens.modelsCannot : tokens.modelsHeld)(token.models.length)}
        </Badge>
        <small class="soft">
          {reasonText(view, held.reason ?? "operator")} {held.until !== null && <Countdown view={view} value={held.until} />}
        </small>
      </Lines>
    );
  return (
    <Lines>
      <HealthLine view={view} health={token.health} />
    </Lines>
  );
}

function Name({ view, item: { row } }: ItemProps) {
  const about = [row.identity, row.note].filter(Boolean).join(" · ");
  return (
    <Lines>
      <a class="cut" href={tokenHref(row.id)} title={row.label} data-inspect={tokenHref(row.id, "/inspect")}>
        {row.label}
      </a>
      <small class="soft cut" title={about || undefined}>
        {providerName(view, row.provider)}
        {row.group !== null && (
          <>
            {", "}
            <a href={`/admin/tokens?group=${encodeURIComponent(row.group)}`}>{row.group}</a>
          </>
        )}
        {row.hint && <span class="mono"> …{row.hint}</span>}
        {about && ` · ${about}`}
      </small>
      {row.tags.length > 0 && (
        <small class="tags">
          {row.tags.slice(0, 4).map((tag) => (
            <a key={tag} class="tag cut" href={`/admin/tokens?tag=${encodeURIComponent(tag)}`}>
              {tag}
            </a>
          ))}
        </small>
      )}
    </Lines>
  );
}

/** On a phone: what ends it, or its group, and today's calls. */
function aboutOf(view: View, { view: token, row }: TokenItem, facts: TokenRowFacts | null): string {
  const { tokens } = view.t;
  const { reason, state } = token.health;
  const first = state === "healthy" ? (row.group ?? providerName(view, row.provider)) : reason ? reasonText(view, reason) : "";
  const today = facts ? tokens.callsToday(formatCount(facts.today.image + facts.today.video, view.locale)) : "";
  return [first, today].filter(Boolean).join(", ");
}

const WARN_SHARE = 0.8;

/** Calls of today of one kind; images against the token's own cap, which counts both. What runs now beside it. */
function Today({ view, item: { view: token }, kind, facts }: ItemProps & { kind: Kind; facts: TokenRowFacts }) {
  const { tokens } = view.t;
  const count = (value: number) => formatCount(value, view.locale);
  const running = token.inFlight[kind];
  const used = facts.today.image + facts.today.video;
  const share = facts.cap === null ? 0 : Math.min(1, used / Math.max(1, facts.cap));
  const hasCap = kind === "image" && facts.cap !== null;
  return (
    <div class="c-use" title={hasCap ? tokens.capOf(count(used), count(facts.cap!)) : undefined}>
      <span class="row">
        <span class="nw">
          {count(facts.today[kind])}
          {hasCap && <span class="soft"> / {count(facts.cap!)}</span>}
        </span>
        {running > 0 && (
          <small class="soft nw" title={tokens.inUse(`${token.inFlight.image}`, `${token.inFlight.video}`)}>
            {tokens.running(count(running))}
          </small>
        )}
      </span>
      {hasCap && (
        <svg
          class={share >= 1 ? "bar bad" : share >= WARN_SHARE ? "bar warn" : "bar"}
          viewBox="0 0 100 4"
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          <rect width={Math.round(share * 100)} height="4" />
        </svg>
      )}
    </div>
  );
}

export function Credits({ view, item: { view: token } }: ItemProps) {
  const { credits, tier } = token;
  if (credits === null && tier === null) return null;
  return (
    <Lines>
      {credits !== null && <Count view={view} value={credits} />}
      {tier !== null && <small class="soft">{view.t.tokens.tiers[tier]}</small>}
    </Lines>
  );
}

export function Slots({ view, item: { view: token } }: ItemProps) {
  const { tokens } = view.t;
  const line = (kind: "image" | "video") => `${token.inFlight[kind]}/${token.limit[kind] < 0 ? tokens.noLimit : token.limit[kind]}`;
  return (
    <Lines>
      <span class="nw" title={tokens.inUse(line("image"), line("video"))}>
        {line("image")} <small class="soft">{tokens.images}</small>
      </span>
      <span class="nw">
        {line("video")} <small class="soft">{tokens.videos}</small>
      </span>
    </Lines>
  );
}

export function LastError({ view, item: { view: token } }: ItemProps) {
  const { lastError } = token;
  if (!lastError) return null;
  const { kind, reason, upstreamStatus, at } = lastError;
  return (
    <Lines>
      <span>
        {reason ? reasonText(view, reason) : outcomeText(view, kind)}
        {upstreamStatus !== null && <span class="soft nw"> {upstreamStatus}</span>}
      </span>
      <small class="soft">
        <Time view={view} value={at} />
      </small>
    </Lines>
  );
}

/** What is done often; the rest comes when the menu is opened, so that fifty rows stay light. */
function Actions({ view, item: { row } }: ItemProps) {
  const { tokens } = view.t;
  return (
    <span class="row-actions">
      <LinkButton
        href={tokenHref(row.id, "#settings")}
        small
        tone="quiet"
        hx-get={tokenHref(row.id, "/edit")}
        hx-target={`#${rowId(row.id)}`}
        hx-swap="outerHTML"
      >
        {tokens.edit}
      </LinkButton>
      <details class="menu">
        <summary
          class={buttonClass("quiet", true)}
          aria-label={tokens.more(row.label)}
          title={tokens.more(row.label)}
          hx-get={tokenHref(row.id, "/menu")}
          hx-trigger="click once"
          hx-target="next .menu-items"
        >
          <Icon name="more" />
        </summary>
        <div class="menu-items" hx-morph-skip-children="">
          <a href={tokenHref(row.id)}>{tokens.open}</a>
        </div>
      </details>
    </span>
  );
}

/** One form for all: each button has its own address, with htmx and without. Answer to GET /admin/tokens/:id/menu. */
export function RowMenu({ view, item: { row } }: ItemProps) {
  const { tokens } = view.t;
  const act = (name: string, label: string, swap = "outerHTML") => (
    <Button
      small
      tone={name === "remove" ? "danger" : "plain"}
      formaction={tokenHref(row.id, `/${name}`)}
      hx-post={tokenHref(row.id, `/${name}`)}
      hx-target={`#${rowId(row.id)}`}
      hx-swap={swap}
    >
      {label}
    </Button>
  );
  return (
    <Form view={view} action={tokenHref(row.id, "/check")} class="action">
      {act("clear", tokens.clear)}
      {act("check", tokens.check)}
      {row.enabled ? act("disable", tokens.disable) : act("enable", tokens.enable)}
      {act("remove", tokens.remove, "delete")}
    </Form>
  );
}

/** Answer to the deletion of a row: the toast travels alone. */
export const NoRow = () => <></>;
