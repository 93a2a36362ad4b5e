// Token row of the list, shown and while edited.
import type { TokenItem } from "../../src/gateway/tokens/list-tokens.ts";
import type { TokenSums, TokenUsage } from "../../src/gateway/tokens/token-usage.ts";
import { Button, LinkButton, Menu } from "../ui/controls.tsx";
import { Tiny, TinyToggle } from "../ui/fields.tsx";
import { Count, Time } from "../ui/figures.tsx";
import { Form } from "../ui/form.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { Cell, type Column, Row } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { HealthLine, Lines, outcomeText, reasonText, tokenHref } from "./token-fields.tsx";

type ItemProps = { view: View; item: TokenItem };

export function tokenColumns({ t: { tokens } }: View): Column[] {
  const { columns } = tokens;
  return [
    { key: "health", label: columns.health, sortable: true },
    { key: "label", label: columns.token, sortable: true },
    { key: "group", label: columns.group },
    { key: "credits", label: columns.credits, align: "end", sortable: true },
    { key: "slots", label: columns.slots, align: "end" },
    { key: "today", label: columns.usage, align: "end", sortable: true },
    { key: "used", label: columns.used, sortable: true },
    { key: "error", label: columns.error },
    { key: "actions", label: columns.actions, hidden: true },
  ];
}

export const rowId = (id: number): string => `token-${id}`;

/** Answer to GET /admin/tokens/:id/row too. */
export function TokenRowView({ view, item, usage }: ItemProps & { usage: TokenUsage | null }) {
  const { columns } = view.t.tokens;
  const { view: token, row } = item;
  return (
    <Row view={view} id={rowId(row.id)} select={{ id: row.id, name: row.label }}>
      <Cell label={columns.health}>
        <Lines>
          <HealthLine view={view} health={token.health} />
          {token.models.length > 0 && <small class="soft">{view.t.tokens.modelsHeld(token.models.length)}</small>}
        </Lines>
      </Cell>
      <Cell label={columns.token} gives>
        <Name item={item} />
      </Cell>
      <Cell label={columns.group}>
        <Lines>
          <span>{row.provider}</span>
          {row.group === null ? (
            <small class="soft">{view.t.tokens.noGroup}</small>
          ) : (
            <small>
              <a class="cut" href={`/admin/tokens?group=${encodeURIComponent(row.group)}`} title={row.group}>
                {row.group}
              </a>
            </small>
          )}
        </Lines>
      </Cell>
      <Cell label={columns.credits} align="end">
        <Credits view={view} item={item} />
      </Cell>
      <Cell label={columns.slots} align="end">
        <Slots view={view} item={item} />
      </Cell>
      <Cell label={columns.usage} align="end">
        {usage && <Usage view={view} usage={usage} />}
      </Cell>
      <Cell label={columns.used}>{token.usedAt !== null && <Time view={view} value={token.usedAt} ago />}</Cell>
      <Cell label={columns.error}>
        <LastError view={view} item={item} />
      </Cell>
      <Cell>
        <Actions view={view} item={item} />
      </Cell>
    </Row>
  );
}

function Name({ item: { row } }: Pick<ItemProps, "item">) {
  return (
    <Lines>
      <a class="cut" href={tokenHref(row.id)} title={row.label}>
        {row.label}
      </a>
      <small class="soft cut" title={[row.identity, row.note].filter(Boolean).join(" · ") || undefined}>
        {row.hint && <span class="mono">…{row.hint}</span>}
        {row.identity && row.hint && " · "}
        {row.identity}
        {row.note && ` · ${row.note}`}
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

function Usage({ view, usage: { today, total } }: { view: View; usage: TokenUsage }) {
  const { tokens } = view.t;
  const textOf = ({ requests, errors, images, videoSeconds, usd }: TokenSums) =>
    [
      `${tokens.calls} ${formatCount(requests, view.locale)}`,
      `${tokens.failedCalls} ${formatCount(errors, view.locale)}`,
      `${tokens.imagesMade} ${formatCount(images, view.locale)}`,
      `${tokens.videoSeconds} ${formatCount(videoSeconds, view.locale)}`,
      formatUsd(usd, view.locale),
    ].join(" · ");
  return (
    <Lines>
      <span title={`${tokens.today}: ${textOf(today)}`}>
        <Count view={view} value={today.requests} /> <small class="soft">{tokens.today}</small>
      </span>
      <span title={`${tokens.total}: ${textOf(total)}`}>
        <Count view={view} value={total.requests} /> <small class="soft">{tokens.total}</small>
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
      <span class="error">
        {reason ? reasonText(view, reason) : outcomeText(view, kind)}
        {upstreamStatus !== null && <span class="soft nw"> {upstreamStatus}</span>}
      </span>
      <small class="soft">
        <Time view={view} value={at} />
      </small>
    </Lines>
  );
}

/** One form for all: each button has its own address, with htmx and without. */
function Actions({ view, item: { row, view: token } }: ItemProps) {
  const { tokens } = view.t;
  const target = `#${rowId(row.id)}`;
  const act = (name: string, label: string, swap = "outerHTML") => (
    <Button
      small
      tone={name === "remove" ? "danger" : "plain"}
      formaction={tokenHref(row.id, `/${name}`)}
      hx-post={tokenHref(row.id, `/${name}`)}
      hx-target={target}
      hx-swap={swap}
    >
      {label}
    </Button>
  );
  const isHeld = row.enabled && (token.health.state !== "healthy" || token.models.length > 0);
  return (
    <Form view={view} action={tokenHref(row.id, "/check")} class="row-actions">
      {isHeld && act("clear", tokens.clear)}
      <LinkButton
        href={tokenHref(row.id, "#settings")}
        small
        tone="quiet"
        hx-get={tokenHref(row.id, "/edit")}
        hx-target={target}
        hx-swap="outerHTML"
      >
        {tokens.edit}
      </LinkButton>
      <Menu label={tokens.more(row.label)}>
        {act("check", tokens.check)}
        {!isHeld && act("clear", tokens.clear)}
        {row.enabled ? act("disable", tokens.disable) : act("enable", tokens.enable)}
        {act("remove", tokens.remove, "delete")}
      </Menu>
    </Form>
  );
}

/** The row while it is edited: answer to GET /admin/tokens/:id/edit. */
export function TokenRowEdit({ view, item: { row } }: ItemProps) {
  const { tokens, controls } = view.t;
  const { fields } = tokens;
  const target = `#${rowId(row.id)}`;
  return (
    <tr id={rowId(row.id)} data-row tabIndex={-1} class="editing">
      <td colSpan={tokenColumns(view).length + 1}>
        <Form
          view={view}
          action={tokenHref(row.id, "/row")}
          class="edit-row"
          hx-post={tokenHref(row.id, "/row")}
          hx-target={target}
          hx-swap="outerHTML"
        >
          <Tiny label={fields.label} name="label" value={row.label} required maxLength={100} />
          <Tiny label={fields.group} name="group" value={row.group ?? ""} list="token-groups" maxLength={100} />
          <Tiny label={fields.note} name="note" value={row.note} maxLength={2000} wide />
          <Tiny
            label={fields.imageConcurrency}
            name="image_concurrency"
            type="number"
            min={-1}
            max={1000}
            value={row.imageConcurrency}
            required
          />
          <Tiny
            label={fields.videoConcurrency}
            name="video_concurrency"
            type="number"
            min={-1}
            max={1000}
            value={row.videoConcurrency}
            required
          />
          <Tiny label={fields.weight} name="weight" type="number" min={0} step="any" value={row.weight} required />
          <Tiny label={fields.priority} name="priority" type="number" min={-1000} max={1000} value={row.priority} required />
          <TinyToggle label={fields.enabled} name="enabled" on={row.enabled} />
          <TinyToggle label={fields.imageEnabled} name="image_enabled" on={row.imageEnabled} />
          <TinyToggle label={fields.videoEnabled} name="video_enabled" on={row.videoEnabled} />
          <div class="row">
            <Button tone="primary" small>
              {controls.save}
            </Button>
            <LinkButton href="/admin/tokens" small hx-get={tokenHref(row.id, "/row")} hx-target={target} hx-swap="outerHTML">
              {controls.cancel}
            </LinkButton>
          </div>
        </Form>
      </td>
    </tr>
  );
}

/** Answer to the deletion of a row: the toast travels alone. */
export const NoRow = () => <></>;
