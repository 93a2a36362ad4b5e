// Models page: families with providers, limits, prices, aliases, tokens; switches, price overrides.

import type { ComponentChildren } from "preact";
import type { ImageLimits, VideoLimits } from "../../src/gateway/models/family.ts";
import type { ModelView, ProviderView } from "../../src/gateway/models/list-models.ts";
import type { ServingOrder } from "../../src/gateway/models/serving-order.ts";
import { Badge, Card, EmptyState, LinkButton } from "../ui/controls.tsx";
import { ActionButton } from "../ui/form.tsx";
import { formatCount, formatPrice } from "../ui/format.ts";
import { PageHead } from "../ui/layout.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";
import { ModelPrices } from "./model-prices.tsx";
import { ServingOrderCard } from "./serving-order.tsx";
import { SettingsTabs } from "./settings.tsx";

const MAX_TOKENS_SHOWN = 20;

export function ModelsPage({ view, models, notices }: { view: View; models: readonly ModelView[]; notices: ComponentChildren }) {
  const { t } = view;
  return (
    <>
      <PageHead title={t.settings.tabs.models} about={t.models.about} />
      <SettingsTabs view={view} current="models" />
      {notices}
      {(["image", "video"] as const).map((kind) => {
        const title = kind === "image" ? t.models.images : t.models.videos;
        return (
          <Card key={kind} title={title}>
            <ModelTable view={view} label={title} models={models.filter(({ family }) => family.kind === kind)} />
          </Card>
        );
      })}
    </>
  );
}

function ModelTable({ view, label, models }: { view: View; label: string; models: readonly ModelView[] }) {
  const { models: t } = view.t;
  const columns = [
    { key: "model", label: t.model },
    { key: "state", label: view.t.keys.columns.state },
    { key: "limits", label: t.provider },
    { key: "price", label: t.price },
    { key: "tokens", label: t.tokens, align: "end" as const },
    { key: "aliases", label: t.aliases, align: "end" as const },
    { key: "switch", label: t.switchOff, hidden: true },
  ];
  return (
    <Table view={view} label={label} columns={columns} hasLines>
      {models.map((model) => (
        <ModelRow key={model.family.id} view={view} model={model} />
      ))}
    </Table>
  );
}

const tokensOf = (model: ModelView) => model.providers.flatMap(({ tokens }) => tokens);

export function ModelRow({ view, model }: { view: View; model: ModelView }) {
  const { models: t } = view.t;
  const { family, isOff, aliases, providers } = model;
  const count = tokensOf(model).length;
  return (
    <Row view={view} id={rowId(family.id)}>
      <Cell label={t.model} place="name">
        <a href={`/admin/models/${encodeURIComponent(family.id)}`}>{family.title}</a>
        <small class="soft mono block">{family.id}</small>
        {model.found && <small class="soft block">{t.foundHint(model.found.provider, dayOf(model.found.at))}</small>}
      </Cell>
      <Cell label={view.t.keys.columns.state} place="state">
        <State view={view} model={model} />
      </Cell>
      <Cell label={t.provider} place="about">
        {providers.map(({ provider }) => provider).join(", ")}
      </Cell>
      <Cell label={t.price}>
        {providers.map((one) => (
          <div key={one.provider}>
            <PriceRange view={view} provider={one} unit={family.kind === "image" ? t.perImage : t.perSecond} />
          </div>
        ))}
      </Cell>
      <Cell label={t.tokens} align="end" place="figure">
        <span class={count === 0 ? "soft nw" : "nw"}>{formatCount(count, view.locale)}</span>
      </Cell>
      <Cell label={t.aliases} align="end">
        <span class="nw">{formatCount(aliases.length, view.locale)}</span>
      </Cell>
      <Cell align="end">
        <ActionButton
          view={view}
          action={`/admin/models/${encodeURIComponent(family.id)}/${isOff ? "on" : "off"}`}
          target={`#${rowId(family.id)}`}
          small
        >
          {isOff ? t.switchOn : t.switchOff}
        </ActionButton>
      </Cell>
    </Row>
  );
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Ids have dots, which a selector would read as classes. */
const rowId = (id: string) => `model-${id.replaceAll(".", "-")}`;

function State({ view, model }: { view: View; model: ModelView }) {
  const { models: t } = view.t;
  if (model.found && model.isOff)
    return (
      <Badge tone="busy" title={t.foundHint(model.found.provider, dayOf(model.found.at))}>
        {t.found}
      </Badge>
    );
  if (model.isOff)
    return (
      <Badge tone="bad" title={t.offHint}>
        {t.off}
      </Badge>
    );
  return tokensOf(model).length === 0 ? <Badge tone="off">{t.noToken}</Badge> : <Badge tone="ok">{t.offered}</Badge>;
}

/** `$0.0336 – $0.1134 per image`, or that the plan pays. */
function PriceRange({ view, provider: { provider, prices, isAssumed }, unit }: { view: View; provider: ProviderView; unit: string }) {
  const { models: t } = view.t;
  const amounts = prices.map(({ listUsd, ownUsd }) => ownUsd ?? listUsd);
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
  const isOwn = prices.some(({ ownUsd }) => ownUsd !== null);
  return (
    <>
      <span class="soft">{provider}</span>{" "}
      {most === 0 ? (
        <span class="soft">{t.byPlan}</span>
      ) : (
        <>
          <span class="nw">{formatPrice(least, view.locale)}</span>
          {most !== least && (
            <>
              {" – "}
              <span class="nw">{formatPrice(most, view.locale)}</span>
            </>
          )}{" "}
          <span class="soft">{unit}</span>
        </>
      )}{" "}
      {isOwn && <Badge tone="busy">{t.ownPrice}</Badge>}
      {isAssumed && (
        <Badge tone="bad" title={t.assumedHint}>
          {t.assumed}
        </Badge>
      )}
    </>
  );
}

export function ModelPage({ view, model, order }: { view: View; model: ModelView; order: ServingOrder }) {
  const { models: t } = view.t;
  const { family, isOff, providers, aliases } = model;
  const path = `/admin/models/${encodeURIComponent(family.id)}`;
  return (
    <>
      <PageHead
        up={{ href: "/admin/models", label: t.allModels }}
        title={
          <>
            {family.title} <State view={view} model={model} />
          </>
        }
        about={
          <>
            <code>{family.id}</code> · {t.created} {dayOf(family.created * 1000)}
            {family.deprecated && ` · ${t.deprecated}`} · {t.origin[model.origin]}
            {model.found && ` · ${t.foundHint(model.found.provider, dayOf(model.found.at))}`}
          </>
        }
        actions={
          <>
            <LinkButton href={`${path}/edit`}>{t.edit}</LinkButton>
            {model.isChanged && (
              <ActionButton view={view} action={`${path}/reset`}>
                {t.reset}
              </ActionButton>
            )}
            <ActionButton
              view={view}
              action={`${path}/${isOff ? "on" : "off"}`}
              tone={isOff ? "primary" : "danger"}
              fields={{ back: "model" }}
            >
              {isOff ? t.switchOn : t.switchOff}
            </ActionButton>
          </>
        }
      />
      <div class="columns">
        {providers.map((one) => (
          <Card key={one.provider} title={one.provider}>
            <Limits view={view} model={model} provider={one.provider} />
            <h3>{t.tokens}</h3>
            <TokenLinks view={view} tokens={one.tokens} />
          </Card>
        ))}
        <ModelPrices view={view} model={model} action={`${path}/prices`} />
      </div>
      <ServingOrderCard view={view} order={order} unit={family.kind === "image" ? t.perImage : t.perSecond} />
      <Card title={`${t.aliases} (${formatCount(aliases.length, view.locale)})`}>
        {aliases.length === 0 ? <EmptyState title={view.t.controls.none} /> : <Names names={aliases} />}
      </Card>
    </>
  );
}

const Names = ({ names }: { names: readonly string[] }) => (
  <ul class="words">
    {names.map((name) => (
      <li key={name}>
        <code>{name}</code>
      </li>
    ))}
  </ul>
);

function Limits({ view, model: { family }, provider }: { view: View; model: ModelView; provider: string }) {
  const { models: t } = view.t;
  const facts: [string, string][] =
    family.kind === "image" ? imageFacts(view, family.providers[provider]!) : videoFacts(view, family.providers[provider]!);
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== "")
        .map(([name, value]) => (
          <>
            <dt key={name}>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      <dt>{t.wire}</dt>
      <dd class="mono">{family.providers[provider]!.wire}</dd>
      {family.providers[provider]!.retires && (
        <>
          <dt>{t.retirement}</dt>
          <dd>{family.providers[provider]!.retires}</dd>
        </>
      )}
      {family.providers[provider]!.onlyWhenLearned && (
        <>
          <dt>{t.limits}</dt>
          <dd>{t.onlyWhenLearned}</dd>
        </>
      )}
    </dl>
  );
}

function imageFacts({ t: { models: t } }: View, limits: ImageLimits): [string, string][] {
  return [
    [t.aspects, limits.aspects.join("  ")],
    [t.sizes, limits.sizes.length === 0 ? limits.defaultSize : limits.sizes.join("  ")],
    [t.limits, t.maxInputs(limits.maxInputs)],
    [t.thinking, limits.thinking.join("  ")],
  ];
}

function videoFacts({ t: { models: t } }: View, limits: VideoLimits): [string, string][] {
  const modes = Object.entries(limits.modes) as [
    keyof typeof t.mode,
    { seconds: { min: number; max: number; values?: readonly number[] } },
  ][];
  return [
    [t.aspects, limits.aspects.join("  ")],
    [t.resolutions, limits.resolutions.join("  ")],
    [t.qualities, limits.qualities.join("  ")],
    ...modes.map(([mode, { seconds }]): [string, string] => [
      `${t.modes} ${t.mode[mode]}`,
      `${seconds.values?.join(", ") ?? `${seconds.min}–${seconds.max}`} ${t.seconds}`,
    ]),
  ];
}

function TokenLinks({ view, tokens }: { view: View; tokens: ProviderView["tokens"] }) {
  const { models: t } = view.t;
  if (tokens.length === 0) return <p class="soft">{t.noToken}</p>;
  return (
    <ul class="words">
      {tokens.slice(0, MAX_TOKENS_SHOWN).map(({ id, label }) => (
        <li key={id}>
          <a href={`/admin/tokens/${id}`}>{label}</a>
        </li>
      ))}
      {tokens.length > MAX_TOKENS_SHOWN && <li class="soft">{t.andMore(tokens.length - MAX_TOKENS_SHOWN)}</li>}
    </ul>
  );
}
