// Groups page: tokens that share one upstream quota, their shared cooldowns and caps.
import type { HealthState, PoolGroupView } from "../../src/gateway/pool/snapshot.ts";
import { Button, Card, EmptyState, HealthBadge } from "../ui/controls.tsx";
import { Tiny } from "../ui/fields.tsx";
import { Countdown } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { formatCount, formatUsd } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { FilterBar, Pager } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { adviceText, HealthLine, reasonText } from "./token-fields.tsx";
import { CAP_FIELDS } from "./token-form.tsx";

export type GroupItem = { group: PoolGroupView; states: Record<HealthState, number> };
export type GroupsData = {
  groups: readonly GroupItem[];
  q: string;
  /** Name after which the next page begins; null: there is none. */
  next: string | null;
  isFirst: boolean;
  /** Next midnight in Los Angeles, epoch ms. */
  dayEnds: number;
};

const STATES: readonly HealthState[] = ["healthy", "cooling", "blocked", "disabled"];

export const groupsHref = (q: string, after = ""): string => {
  const params = new URLSearchParams({ ...(q && { q }), ...(after && { after }) }).toString();
  return `/admin/tokens/groups${params && `?${params}`}`;
};

export function GroupsPage({ view, data: { groups, q, next, isFirst, dayEnds } }: { view: View; data: GroupsData }) {
  const { tokens } = view.t;
  return (
    <>
      <PageHead up={{ href: "/admin/tokens", label: tokens.title }} title={tokens.groupsTitle} about={tokens.groupsAbout} />
      <Hint>
        {tokens.resets} <Countdown view={view} value={dayEnds} />
      </Hint>
      <FilterBar view={view} action="/admin/tokens/groups" query={q} />
      {groups.length === 0 && <EmptyState title={tokens.groupsNone}>{tokens.groupsNoneAbout}</EmptyState>}
      <div class="columns">
        {groups.map((item) => (
          <GroupCard key={`${item.group.provider} ${item.group.name}`} view={view} item={item} />
        ))}
      </div>
      <Pager view={view} next={next === null ? null : groupsHref(q, next)} first={isFirst ? null : groupsHref(q)} />
    </>
  );
}

function GroupCard({ view, item: { group, states } }: { view: View; item: GroupItem }) {
  const { tokens, controls } = view.t;
  const { provider, name, health, models, cap, spentToday, members } = group;
  const list = `/admin/tokens?${new URLSearchParams({ provider, group: name })}`;
  const isHeld = health.state !== "healthy" || models.length > 0;
  const count = (value: number) => formatCount(value, view.locale);
  return (
    <Card
      title={<a href={list}>{name}</a>}
      actions={
        isHeld && (
          <ActionButton view={view} action="/admin/tokens/groups/clear" fields={{ provider, name }} small>
            {tokens.clearGroup}
          </ActionButton>
        )
      }
    >
      <dl class="facts">
        <dt>{tokens.provider}</dt>
        <dd>{provider}</dd>
        <dt>{tokens.members}</dt>
        <dd>
          {count(members.length)}
          {STATES.filter((state) => states[state] > 0).map((state) => (
            <small key={state} class="soft">
              {" "}
              · <a href={`${list}&health=${state}`}>{controls.health[state]}</a> {count(states[state])}
            </small>
          ))}
        </dd>
        <dt>{tokens.sharedState}</dt>
        <dd>
          <div class="row">
            <HealthLine view={view} health={health} />
          </div>
          {models.map((model) => (
            <div key={model.family} class="row">
              <HealthBadge view={view} state={model.state} reason={model.reason ? adviceText(view, model.reason) : undefined} />
              <code>{model.family}</code>
              <small>{model.reason && reasonText(view, model.reason)}</small>
              <small>
                <Countdown view={view} value={model.until} />
              </small>
              <ActionButton
                view={view}
                action="/admin/tokens/groups/clear"
                fields={{ provider, name, family: model.family }}
                small
                label={tokens.clearModel(model.family)}
              >
                {tokens.clear}
              </ActionButton>
            </div>
          ))}
        </dd>
        <dt>{tokens.groupCaps}</dt>
        <dd>
          {cap ? (
            CAP_FIELDS.filter(({ field }) => cap[field] !== null).map(({ field }) => (
              <div key={field}>
                {tokens.fields[field]}:{" "}
                <span class="nw">{field === "usdPerDay" ? formatUsd(cap[field]!, view.locale) : count(cap[field]!)}</span>
              </div>
            ))
          ) : (
            <span class="soft">{tokens.noCaps}</span>
          )}
        </dd>
        {spentToday && (
          <>
            <dt>{tokens.spentToday}</dt>
            <dd>{tokens.spentValue(count(spentToday.requests), formatUsd(spentToday.usd, view.locale))}</dd>
          </>
        )}
      </dl>
      <CapsForm view={view} group={group} />
    </Card>
  );
}

function CapsForm({ view, group: { provider, name, cap } }: { view: View; group: PoolGroupView }) {
  const { tokens, controls } = view.t;
  return (
    <details class="caps">
      <summary>
        {tokens.edit}: {tokens.groupCaps}
      </summary>
      <Form view={view} action="/admin/tokens/groups/caps" class="edit-row">
        <input type="hidden" name="provider" value={provider} />
        <input type="hidden" name="name" value={name} />
        {CAP_FIELDS.map(({ field, name: input, step }) => (
          <Tiny key={field} label={tokens.fields[field]} name={input} type="number" min={0} step={step} value={cap?.[field] ?? ""} />
        ))}
        <div class="row">
          <Button small tone="primary">
            {controls.save}
          </Button>
        </div>
      </Form>
    </details>
  );
}
