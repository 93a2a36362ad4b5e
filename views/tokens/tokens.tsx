// Tokens page: filtered, sorted, paginated list; each row is its own htmx fragment.
import type { HealthState } from "../../src/gateway/pool/snapshot.ts";
import type { TokenChoices, TokenItem, TokenPage, TokenQuery } from "../../src/gateway/tokens/list-tokens.ts";
import type { TokenUsage } from "../../src/gateway/tokens/token-usage.ts";
import { buttonClass, EmptyState, LinkButton, Menu, Tabs, type Tone } from "../ui/controls.tsx";
import { Tiny } from "../ui/fields.tsx";
import { ActionButton } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { BulkBar, FilterBar, Pager, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { DELETED } from "./deleted-tokens.tsx";
import { Choices, tokenQueryText, tokensHref } from "./token-fields.tsx";
import { CAP_FIELDS } from "./token-form.tsx";
import { TokenRowView, tokenColumns } from "./token-row.tsx";

export type TokensData = {
  page: TokenPage;
  query: TokenQuery;
  choices: TokenChoices;
  usage: ReadonlyMap<number, TokenUsage>;
  /** Providers, and whether each is paused. */
  providers: readonly { name: string; isPaused: boolean }[];
};

const BULK = "/admin/tokens/bulk";
const HEALTHS: readonly HealthState[] = ["blocked", "cooling", "healthy", "disabled"];

export function TokensPage({ view, data }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  return (
    <>
      <PageHead title={tokens.title} about={tokens.about} actions={<HeadActions view={view} data={data} />} />
      {data.providers
        .filter(({ isPaused }) => isPaused)
        .map(({ name }) => (
          <Hint key={name} tone="warn">
            {tokens.isPaused(name)}{" "}
            <ActionButton view={view} action={`/admin/tokens/providers/${name}/resume`} small>
              {tokens.resume(name)}
            </ActionButton>
          </Hint>
        ))}
      <HealthTabs view={view} data={data} />
      <Filters view={view} data={data} />
      {data.page.items.length === 0 ? <Nothing view={view} query={data.query} /> : <List view={view} data={data} />}
    </>
  );
}

function HeadActions({ view, data: { query, providers } }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  const filters = tokenQueryText({ ...query, after: "", sort: "label", descending: false });
  const download = (format: string) => `/admin/tokens/export.${format}${filters && `?${filters}`}`;
  return (
    <>
      <Menu label={tokens.pauseAbout} sign={tokens.providersTitle}>
        {providers.map(({ name, isPaused }) => (
          <ActionButton key={name} view={view} action={`/admin/tokens/providers/${name}/${isPaused ? "resume" : "pause"}`} small>
            {isPaused ? tokens.resume(name) : tokens.pause(name)}
          </ActionButton>
        ))}
      </Menu>
      <LinkButton href="/admin/tokens/groups">{tokens.groups}</LinkButton>
      <Menu label={`${tokens.export}: ${tokens.exportAbout}`} sign={tokens.export}>
        <LinkButton href={download("csv")} small>
          CSV
        </LinkButton>
        <LinkButton href={download("json")} small>
          JSON
        </LinkButton>
      </Menu>
      <LinkButton href="/admin/tokens/import">{tokens.import}</LinkButton>
      <LinkButton href="/admin/tokens/new" tone="primary">
        {tokens.add}
      </LinkButton>
    </>
  );
}

function HealthTabs({ view, data: { page, query } }: { view: View; data: TokensData }) {
  const { tokens, controls } = view.t;
  const count = (state: HealthState | "all") => formatCount(page.counts[state], view.locale);
  const tab = (health: HealthState | "", label: string) => ({
    href: tokensHref(query, { health }),
    label,
    current: query.health === health,
    count: count(health || "all"),
  });
  const deleted = { href: DELETED, label: tokens.deleted, current: false };
  return (
    <Tabs label={tokens.byHealth} tabs={[tab("", tokens.all), ...HEALTHS.map((state) => tab(state, controls.health[state])), deleted]} />
  );
}

function Filters({ view, data: { query, choices } }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  const isFiltered = [query.q, query.provider, query.group, query.tag, query.health].some((text) => text !== "");
  return (
    <FilterBar view={view} action="/admin/tokens" query={query.q}>
      {query.health !== "" && <input type="hidden" name="health" value={query.health} />}
      <label class="tiny">
        <span>{tokens.provider}</span>
        <select name="provider" data-submit>
          <option value="">{tokens.anyProvider}</option>
          {choices.providers.map((name) => (
            <option key={name} value={name} selected={name === query.provider}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Tiny label={tokens.group} name="group" value={query.group} list="token-groups" maxLength={100} />
      <Tiny label={tokens.tag} name="tag" value={query.tag} list="token-tags" maxLength={100} />
      <label class="tiny">
        <span>{tokens.sort}</span>
        <select name="sort" data-submit>
          {Object.entries(tokens.sorts).map(([name, label]) => (
            <option key={name} value={name} selected={name === query.sort}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {query.descending && <input type="hidden" name="order" value="desc" />}
      {isFiltered && (
        <LinkButton href="/admin/tokens" tone="quiet" small>
          {tokens.clearFilters}
        </LinkButton>
      )}
      <Choices id="token-groups" values={choices.groups} />
      <Choices id="token-tags" values={choices.tags} />
    </FilterBar>
  );
}

function Nothing({ view, query }: { view: View; query: TokenQuery }) {
  const { tokens } = view.t;
  if (tokenQueryText({ ...query, sort: "label", descending: false }) !== "")
    return (
      <EmptyState title={tokens.noneFound} action={<LinkButton href="/admin/tokens">{tokens.clearFilters}</LinkButton>}>
        {tokens.noneFoundAbout}
      </EmptyState>
    );
  return (
    <EmptyState
      title={tokens.noneYet}
      action={
        <div class="row">
          <LinkButton href="/admin/tokens/new" tone="primary">
            {tokens.add}
          </LinkButton>
          <LinkButton href="/admin/tokens/import">{tokens.import}</LinkButton>
        </div>
      }
    >
      {tokens.noneYetAbout}
    </EmptyState>
  );
}

function List({ view, data: { page, query, usage } }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  const sorting = {
    by: query.sort,
    descending: query.descending,
    href: (by: string, descending: boolean) => tokensHref(query, { sort: by as TokenQuery["sort"], descending }),
  };
  return (
    <div class="selection tokens">
      <Bulk view={view} query={query} total={page.total} />
      <Table view={view} label={tokens.title} columns={tokenColumns(view)} sorting={sorting} selectable>
        {page.items.map((item: TokenItem) => (
          <TokenRowView key={item.row.id} view={view} item={item} usage={usage.get(item.row.id) ?? null} />
        ))}
      </Table>
      <div class="row list-foot">
        <span class="soft nw grow">{tokens.shown(formatCount(page.total, view.locale))}</span>
        <Pager
          view={view}
          next={page.next && tokensHref(query, { after: page.next })}
          first={query.after === "" ? null : tokensHref(query)}
        />
      </div>
    </div>
  );
}

/** Acts on the selected rows, or on everything that was searched for. */
function Bulk({ view, query, total }: { view: View; query: TokenQuery; total: number }) {
  const { tokens } = view.t;
  const act = (name: string, label: string, tone?: Tone) => (
    <button type="submit" class={buttonClass(tone, true)} name="act" value={name}>
      {label}
    </button>
  );
  return (
    <BulkBar view={view} action={BULK}>
      <input type="hidden" name="query" value={tokenQueryText(query)} />
      <label class="tiny-toggle">
        <input type="checkbox" name="every" value="on" />
        <span>{tokens.everyMatch(formatCount(total, view.locale))}</span>
      </label>
      {act("enable", tokens.enable)}
      {act("disable", tokens.disable)}
      {act("check", tokens.check)}
      {act("clear", tokens.clear)}
      <Menu label={tokens.setValues} sign={tokens.setValues} open={view.form?.action === BULK || undefined}>
        <div class="bulk-values">
          <Tiny label={tokens.addTags} name="add_tags" maxLength={1000} />
          <Tiny label={tokens.removeTags} name="remove_tags" list="token-tags" maxLength={1000} />
          <Tiny label={tokens.fields.proxy} name="proxy" maxLength={500} />
          <Tiny label={tokens.fields.group} name="group" list="token-groups" maxLength={100} />
          <Tiny label={tokens.fields.weight} name="weight" type="number" min={0} step="any" />
          <Tiny label={tokens.fields.imageConcurrency} name="image_concurrency" type="number" min={-1} max={1000} />
          <Tiny label={tokens.fields.videoConcurrency} name="video_concurrency" type="number" min={-1} max={1000} />
          {CAP_FIELDS.map(({ field, name }) => (
            <Tiny key={name} label={tokens.fields[field]} name={name} />
          ))}
          <small class="soft">
            {tokens.emptyKeeps} {tokens.noGroupValue}
          </small>
          {act("set", tokens.apply, "primary")}
        </div>
      </Menu>
      {act("remove", tokens.remove, "danger")}
    </BulkBar>
  );
}
