// Alerts routes of the settings: rules, incidents, channels with their tests.
import { Elysia } from "elysia";
import { ChannelPage, ChooseKindPage } from "../../views/settings/alert-channels.tsx";
import { alertFormat } from "../../views/settings/alert-format.ts";
import { RULE_ORDER } from "../../views/settings/alert-rules.ts";
import { type AlertSetting, AlertsPage, IncidentsPage } from "../../views/settings/alerts.tsx";
import type { View } from "../../views/ui/view.ts";
import { AppError } from "../errors.ts";
import type { ChannelConfig } from "../gateway/alerts/channels/channel.ts";
import { CHANNEL_KINDS, type ChannelKind, channelOf, isChannelKind } from "../gateway/alerts/channels/table.ts";
import { fromRow } from "../gateway/alerts/incident-row.ts";
import type { ChannelForm, ChannelView } from "../gateway/alerts/manage-channels.ts";
import type { NodeFigures } from "../gateway/alerts/node-figures.ts";
import { shareOf } from "../gateway/alerts/outcome-window.ts";
import { countedFamilies } from "../gateway/reports/board.ts";
import { createSettingsAdmin, type SettingChange, type SettingState } from "../gateway/settings/manage-settings.ts";
import type { AdminContext } from "./context.ts";
import type { FormReader } from "./forms.ts";
import { goTo, page, readForm, viewOf } from "./page.ts";

const HOME = "/admin/settings/alerts";
const WEEK_MS = 7 * 86_400_000;
const SHOWN = 30;
const PAGE = 50;
const GB = 1_000_000_000;

export const alertRoutes = (ctx: AdminContext) => new Elysia({ prefix: "/settings/alerts" }).use(ruleRoutes(ctx)).use(channelRoutes(ctx));

async function alertsPage(ctx: AdminContext, request: Request) {
  const states = await createSettingsAdmin({ ...ctx, now: ctx.clock.now }).states();
  const rows = await ctx.store.listIncidents({ limit: SHOWN, since: ctx.clock.now() - WEEK_MS });
  const [channels, others] = await Promise.all([ctx.alertChannels.list(), ctx.nodeFigures()]);
  return page(ctx, request, (view) => ({
    title: view.t.alerts.title,
    nav: "settings",
    body: AlertsPage({
      view,
      data: {
        settings: settingsOf(states),
        on: onOf(states),
        figures: figuresOf(ctx, others, view),
        incidents: rows.flatMap((row) => fromRow(row) ?? []),
        channels,
      },
    }),
  }));
}

function settingsOf(states: readonly SettingState[]): ReadonlyMap<string, AlertSetting> {
  const own = states.filter(({ section, name, boot }) => section === "alerts" && !boot && name !== "rules_off");
  return new Map(
    own.map(({ name, type, value, choices, minimum, maximum, locked }): [string, AlertSetting] => [
      name,
      { name, type, value: value ?? "", choices, minimum, maximum, locked: locked !== null },
    ]),
  );
}

function onOf(states: readonly SettingState[]): ReadonlySet<string> {
  const stored = states.find(({ key }) => key === "alerts.rules_off")?.value;
  const off = Array.isArray(stored) ? stored : [];
  return new Set(RULE_ORDER.filter((rule) => !off.includes(rule)));
}

/** What the rules see now, where that is a figure: of all nodes. */
function figuresOf(ctx: AdminContext, others: readonly NodeFigures[], view: View): Record<string, string> {
  const { pool, settings, media, backups, maintenance, outcomes, clock, catalogue } = ctx;
  const { alerts } = view.t;
  const format = alertFormat(view);
  const { providers, held } = pool.held();
  const { left } = pool.capacity(countedFamilies(catalogue())).kinds.image;
  const blocked = held.filter(({ scope, state }) => scope === "token" && state === "blocked").reduce((sum, { count }) => sum + count, 0);
  const share = shareOf([outcomes.sums(settings.current().alerts.error_minutes), ...others]);
  const freeBytes = Math.min(media.freeBytes(), ...others.map((node) => node.freeBytes));
  const { madeAt } = backups.state();
  return {
    pool_low:
      providers.length === 0
        ? ""
        : alerts.now(providers.map(({ provider, healthy }) => `${format.provider(provider)} ${healthy}`).join(", ")),
    images_left: left ? alerts.now(format.count(left.requests)) : "",
    tokens_blocked: alerts.now(format.count(blocked)),
    errors: share ? alerts.now(`${share.percent.toFixed(1)} %`) : "",
    backup: maintenance.isShared ? "" : alerts.now(madeAt === null ? alerts.noBackup : format.duration(Math.max(0, clock.now() - madeAt))),
    disk: alerts.now(`${(freeBytes / GB).toFixed(0)} GB`),
  };
}

const ruleRoutes = (ctx: AdminContext) => {
  const admin = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  return new Elysia()
    .get("/", ({ request }) => alertsPage(ctx, request))
    .get("/incidents", async ({ request, query }) => {
      const before = typeof query.before === "string" ? query.before.slice(0, 60) : undefined;
      const rows = await ctx.store.listIncidents({ limit: PAGE + 1, before });
      const incidents = rows.slice(0, PAGE).flatMap((row) => fromRow(row) ?? []);
      const next = rows.length > PAGE ? rows[PAGE - 1]!.id : null;
      return page(ctx, request, (view) => ({
        title: view.t.alerts.incidents,
        nav: "settings",
        body: IncidentsPage({ view, incidents, next }),
      }));
    })
    .post("/rules", async ({ request }) => {
      const { alerts, settings } = viewOf(ctx, request).t;
      const form = await readForm(ctx, request);
      const states = await admin.states();
      const { changes, differences, wrong, revision } = await admin.review(changesOf(form, states));
      for (const { key, name, expected } of states)
        if (wrong.includes(key)) form.refuse(`value.${name}`, settings.wrong(settings.expected(expected)));
      form.check();
      if (differences.length === 0) return goTo(ctx, request, HOME, { text: alerts.unchanged });
      try {
        await admin.apply(changes, ctx.sessionContextOf(request), revision);
      } catch (error) {
        if (!(error instanceof AppError && error.kind === "conflict")) throw error;
        return goTo(ctx, request, HOME, { text: alerts.changed, tone: "bad" });
      }
      return goTo(ctx, request, HOME, { text: alerts.saved, undo: { action: "/admin/settings/undo" } });
    });
};

/** Every field that the form had; a rule that was not ticked is off. */
function changesOf(form: FormReader, states: readonly SettingState[]): SettingChange[] {
  const own = states.filter(({ section, name }) => section === "alerts" && form.has(`value.${name}`));
  const off = RULE_ORDER.filter((rule) => !form.flag(`on.${rule}`));
  return [
    ...own.map(({ key, name }) => ({ key, text: form.text(`value.${name}`, { max: 200 }) })),
    { key: "alerts.rules_off", text: off.join(",") },
  ];
}

const channelRoutes = (ctx: AdminContext) => {
  const { alertChannels } = ctx;
  const by = (request: Request) => ctx.sessionContextOf(request);
  const channelPage = (request: Request, form: ChannelForm, channel: ChannelView | null) =>
    page(ctx, request, (view) => ({
      title: view.t.alerts.kinds[form.kind],
      nav: "settings",
      body: ChannelPage({
        view,
        data: {
          channel,
          ...{ kind: form.kind, fields: channelOf(form.kind).fields, values: form.config, name: form.name, enabled: form.enabled },
          rules: new Set(form.rules),
        },
      }),
    }));
  const save = async (request: Request, id: string | null) => {
    const { alerts } = viewOf(ctx, request).t;
    const reader = await readForm(ctx, request);
    const form = channelForm(reader);
    for (const [name, fault] of Object.entries(await alertChannels.faults(id, form))) reader.refuse(`config.${name}`, alerts.faults[fault]);
    reader.check();
    await alertChannels.save(id, form, by(request));
    return goTo(ctx, request, HOME, { text: alerts.channelSaved(form.name) });
  };
  return new Elysia({ prefix: "/channels" })
    .get("/new", ({ request, query }) => {
      const { kind } = query;
      if (!isChannelKind(kind))
        return page(ctx, request, (view) => ({
          title: view.t.alerts.add,
          nav: "settings",
          body: ChooseKindPage({ view, kinds: CHANNEL_KINDS }),
        }));
      const name = viewOf(ctx, request).t.alerts.kinds[kind];
      return channelPage(request, { kind, name, enabled: true, rules: [], config: {} }, null);
    })
    .post("/", ({ request }) => save(request, null))
    .get("/:id", async ({ request, params }) => {
      const channel = await alertChannels.get(params.id);
      return channelPage(request, { ...channel, config: plainOf(channel) }, channel);
    })
    .post("/:id", ({ request, params }) => save(request, params.id))
    .post("/:id/test", async ({ request, params, server }) => {
      server?.timeout(request, 0);
      const { alerts } = viewOf(ctx, request).t;
      const { name } = await alertChannels.get(params.id);
      const verdict = await alertChannels.test(params.id, by(request));
      const text = verdict.ok ? alerts.tested(name) : alerts.notTested(name);
      return goTo(ctx, request, HOME, { text, tone: verdict.ok ? "ok" : "bad" });
    })
    .post("/:id/pause", async ({ request, params }) => {
      const { name } = await alertChannels.setEnabled(params.id, false, by(request));
      return goTo(ctx, request, HOME, {
        text: viewOf(ctx, request).t.alerts.pausedNow(name),
        undo: { action: `${HOME}/channels/${encodeURIComponent(params.id)}/resume` },
      });
    })
    .post("/:id/resume", async ({ request, params }) => {
      const { name } = await alertChannels.setEnabled(params.id, true, by(request));
      return goTo(ctx, request, HOME, { text: viewOf(ctx, request).t.alerts.resumed(name) });
    })
    .post("/:id/delete", async ({ request, params }) => {
      const name = await alertChannels.remove(params.id, by(request));
      return goTo(ctx, request, HOME, { text: viewOf(ctx, request).t.alerts.removed(name) });
    });
};

function channelForm(form: FormReader): ChannelForm {
  const kind: ChannelKind = form.choice("kind", CHANNEL_KINDS);
  const name = form.text("name", { required: true, max: 60 });
  const config: ChannelConfig = Object.fromEntries(
    channelOf(kind).fields.map((field) => [field.name, form.text(`config.${field.name}`, { max: 2000 })]),
  );
  return { kind, name, enabled: form.flag("enabled"), rules: RULE_ORDER.filter((rule) => form.flag(`rule.${rule}`)), config };
}

/** What may be shown again as it is. */
const plainOf = ({ kind, shown }: ChannelView): ChannelConfig =>
  Object.fromEntries(channelOf(kind).fields.flatMap(({ name, secret }) => (secret ? [] : [[name, shown[name] ?? ""]])));
