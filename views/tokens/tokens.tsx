// Tokens page: filtered, sorted, paginated list; each row is its own htmx fragment.
import type { ProviderTokens } from "../../src/gateway/pool/held.ts";
import type { ListedState, TokenChoices, TokenItem, TokenPage, TokenQuery } from "../../src/gateway/tokens/list-tokens.ts";
import type { TokenRowFacts } from "../../src/gateway/tokens/row-facts.ts";
import { buttonClass, EmptyState, LinkButton, Menu, type Tone } from "../ui/controls.tsx";
import { Tiny } from "../ui/fields.tsx";
import { ActionButton } from "../ui/form.tsx";
import { formatCount } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { BulkBar, FilterBar, Pager, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { DELETED } from "./deleted-tokens.tsx";
import { Choices, tokenQueryText, tokensHref } from "./token-fields.tsx";
import { CAP_FIELDS } from "./token-form.tsx";
import { TokenRowView, tokenColumns } from "./token-row.tsx";

export type TokensData = {
  page: TokenPage<TokenItem>;
  query: TokenQuery;
  choices: TokenChoices;
  facts: ReadonlyMap<number, TokenRowFacts>;
  /** Tokens of each provider by state, whatever is searched for. */
  counts: readonly ProviderTokens[];
  /** Providers, and whether each is paused. */
  providers: readonly { name: string; isPaused: boolean }[];
};

const BULK = "/admin/tokens/bulk";
const STATES: readonly [ListedState, IconName][] = [
  ["blocked", "blocked"],
  ["cooling", "cool"],
  ["partly", "warn"],
  ["healthy", "ok"],
  ["disabled", "off"],
];

export function TokensPage({ view, data }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  return (
    <>
      <PageHead
        title={tokens.title}
        about={<CountsLine view={view} providers={data.counts} />}
        actions={<HeadActions view={view} data={data} />}
      />
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
      <StateChips view={view} data={data} />
      <Filters view={view} data={data} />
      {data.page.items.length === 0 ? <Nothing view={view} query={data.query} /> : <List view={view} data={data} />}
    </>
  );
}

function HeadActions({ view, data: { query, providers } }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  const filters = tokenQueryText({ ...query, after: "", sort: "health", descending: false });
  const download = (format: string) => `/admin/tokens/export.${format}${filters && `?${filters}`}`;
  return (
    <>
      <Menu label={`${tokens.providersTitle}: ${tokens.pauseAbout}`} sign={tokens.providersTitle}>
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

/** How many are ready, and what the others are; sent again as it changes. */
export function CountsLine({ view, providers }: { view: View; providers: readonly ProviderTokens[] }) {
  const { tokens } = view.t;
  const sum = (state: "total" | ListedState) => providers.reduce((all, one) => all + one[state], 0);
  const count = (value: number) => formatCount(value, view.locale);
  const others = (["blocked", "cooling", "disabled", "partly"] as const).filter((state) => sum(state) > 0);
  return (
    <span id="token-counts">
      {providers.length === 0
        ? tokens.about
        : tokens.countsLine(
            count(sum("healthy")),
            count(sum("total")),
            others.map((state) => tokens.countsOf[state](count(sum(state)), sum(state))),
          )}
    </span>
  );
}

function StateChips({ view, data: { page, query } }: { view: View; data: TokensData }) {
  const { tokens, controls } = view.t;
  const chip = (health: ListedState | "", label: string, icon?: IconName) => (
    <a key={label} class="chip" href={tokensHref(query, { health })} aria-current={query.health === health ? "true" : undefined}>
      {icon && <Icon name={icon} />}
      {label} <b>{formatCount(page.counts[health || "all"], view.locale)}</b>
    </a>
  );
  return (
    <nav class="row chips" aria-label={tokens.byHealth}>
      {chip("", tokens.all)}
      {STATES.map(([state, icon]) => chip(state, state === "partly" ? tokens.partly : controls.health[state], icon))}
      <a class="chip" href={DELETED}>
        <Icon name="trash" />
        {tokens.deleted}
      </a>
      {query.reason !== "" && (
        <a class="chip" href={tokensHref(query, { reason: "" })} aria-current="true">
          {view.t.tokens.reasons[query.reason as keyof typeof view.t.tokens.reasons] ?? query.reason}
          <Icon name="x" label={tokens.clearFilters} />
        </a>
      )}
    </nav>
  );
}

function Filters({ view, data: { query, choices } }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  const isFiltered = [query.q, query.provider, query.group, query.tag, query.health, query.reason].some((text) => text !== "");
  return (
    <FilterBar view={view} action="/admin/tokens" query={query.q}>
      {query.health !== "" && <input type="hidden" name="health" value={query.health} />}
      {query.reason !== "" && <input type="hidden" name="reason" value={query.reason} />}
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
  if (tokenQueryText({ ...query, sort: "health", descending: false }) !== "")
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

function List({ view, data: { page, query, facts } }: { view: View; data: TokensData }) {
  const { tokens } = view.t;
  const sorting = {
    by: query.sort,
    descending: query.descending,
    href: (by: string, descending: boolean) => tokensHref(query, { sort: by as TokenQuery["sort"], descending }),
  };
  const ids = page.items.map(({ row }) => row.id).join();
  return (
    <div class="split">
      {/* Its frames change rows in place; nothing is swapped here. */}
      <div {...{ "hx-sse:connect": `/admin/tokens/events?ids=${ids}` }} hx-swap="none" hidden />
      <div class="selection tokens tok">
        <Table view={view} label={tokens.title} columns={tokenColumns(view)} sorting={sorting} selectable hasLines>
          {page.items.map((item: TokenItem) => (
            <TokenRowView key={item.row.id} view={view} item={item} facts={facts.get(item.row.id) ?? null} />
          ))}
        </Table>
        <div class="row list-foot">
          <span class="key">
            <span>{tokens.beatUp}</span>
            <span class="k-b">{tokens.beatDown}</span>
            <span class="k-c">{tokens.beatCool}</span>
          </span>
          <span class="soft push">{tokens.shown(formatCount(page.total, view.locale))}</span>
          <Pager
            view={view}
            next={page.next && tokensHref(query, { after: page.next })}
            first={query.after === "" ? null : tokensHref(query)}
          />
        </div>
        <Bulk view={view} query={query} total={page.total} />
      </div>
      <aside class="inspect box" id="inspect" aria-label={tokens.inspector}>
        <p class="soft">{tokens.inspectorHint}</p>
      </aside>
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
      <Menu label={tokens.setValues} sign={tokens.setValues} small open={view.form?.action === BULK || undefined}>
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
