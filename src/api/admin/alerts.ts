// Admin API: alert rules, incidents, and the channels that messages about them go to.
import { type Static, t } from "elysia";
import { AppError } from "../../errors.ts";
import type { FieldName } from "../../gateway/alerts/channels/channel.ts";
import { CHANNEL_KINDS, channelOf } from "../../gateway/alerts/channels/table.ts";
import { RULE_NAMES } from "../../gateway/alerts/facts.ts";
import { fromRow } from "../../gateway/alerts/incident-row.ts";
import type { Incident } from "../../gateway/alerts/incidents.ts";
import type { ChannelForm, ChannelView } from "../../gateway/alerts/manage-channels.ts";
import { createSettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, isoOf, isoOrNull, PAGE_ROWS, PAGING, pageOf, route, TIME } from "./route.ts";
import { ANYTHING, oneOf, orNull, whole } from "./schemas.ts";

const OFF = "alerts.rules_off";

const RULE = t.Object({ name: oneOf(RULE_NAMES), on: t.Boolean(), open: whole({ description: "Incidents that last now" }) });

const INCIDENT = t.Object({
  id: t.String(),
  rule: oneOf(RULE_NAMES),
  subject: t.String({ description: "What the rule met; the same for as long as it lasts" }),
  level: whole({ description: "Higher is worse" }),
  urgent: t.Boolean(),
  began_at: TIME,
  ended_at: orNull(TIME),
  facts: ANYTHING,
});

const showIncident = ({ id, rule, subject, level, urgent, beganAt, endedAt, facts }: Incident) => ({
  ...{ id, rule, subject, level, urgent, began_at: isoOf(beganAt), ended_at: isoOrNull(endedAt), facts },
});

const FIELD_NAMES = [...new Set(CHANNEL_KINDS.flatMap((kind) => channelOf(kind).fields.map(({ name }) => name)))] as FieldName[];
const CONFIG = t.Object(Object.fromEntries(FIELD_NAMES.map((name) => [name, t.Optional(t.String({ maxLength: 2000 }))])), {
  description: "What the kind asks for: an address, a token, a chat. Secrets are written and shown with their last characters only",
});

const CHANNEL = t.Object({
  id: t.String(),
  kind: oneOf(CHANNEL_KINDS),
  name: t.String(),
  enabled: t.Boolean(),
  rules: t.Array(oneOf(RULE_NAMES), { description: "Whose incidents it is sent; none: all" }),
  config: CONFIG,
  created_at: TIME,
  ok_at: orNull(TIME),
  failed_at: orNull(TIME),
  error: orNull(t.String({ description: "What the far side said last, since it succeeded" })),
});

const showChannel = ({ id, kind, name, enabled, rules, shown, createdAt, okAt, failedAt, error }: ChannelView) => ({
  ...{ id, kind, name, enabled, rules, config: shown, created_at: isoOf(createdAt) },
  ...{ ok_at: isoOrNull(okAt), failed_at: isoOrNull(failedAt), error },
});

const NAME = t.String({ minLength: 1, maxLength: 60 });
const EDIT = {
  name: t.Optional(NAME),
  enabled: t.Optional(t.Boolean()),
  rules: t.Optional(t.Array(oneOf(RULE_NAMES), { maxItems: RULE_NAMES.length })),
  config: t.Optional(CONFIG),
};

export const alertRoutes = (ctx: AdminApiContext): ApiRoute[] => [...ruleRoutes(ctx), ...channelRoutes(ctx)];

function ruleRoutes(ctx: AdminApiContext): ApiRoute[] {
  const settings = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const off = () => ctx.settings.current().alerts.rules_off;
  const show = (name: (typeof RULE_NAMES)[number]) => ({
    ...{ name, on: !off().includes(name), open: ctx.alerts.open().filter(({ rule }) => rule === name).length },
  });
  return [
    route({
      ...{ method: "GET", path: "/alerts/rules", tag: "Alerts", summary: "Rules; their thresholds are the settings `alerts.*`" },
      response: t.Object({ data: t.Array(RULE) }),
      run: () => ({ data: RULE_NAMES.map(show) }),
    }),
    route({
      ...{ method: "PATCH", path: "/alerts/rules/{name}", tag: "Alerts", summary: "Switch a rule on or off" },
      body: t.Object({ on: t.Boolean() }),
      response: RULE,
      async run({ params, body: { on }, by }) {
        const rule = RULE_NAMES.find((one) => one === params.name);
        if (!rule) throw new AppError("not_found", `There is no alert rule ${params.name!.slice(0, 80)}.`, { param: "name" });
        const others = off().filter((one) => one !== rule);
        await settings.apply({ [OFF]: on ? others : [...others, rule] }, by);
        return show(rule);
      },
    }),
    route({
      ...{ method: "GET", path: "/alerts/incidents", tag: "Alerts", summary: "Incidents, newest first" },
      query: t.Object({ ...PAGING, open: t.Optional(t.Boolean({ description: "Only those that last, all of them; urgent ones first" })) }),
      response: pageOf(INCIDENT),
      async run({ query: { limit = PAGE_ROWS, cursor, open } }) {
        if (open) return { data: ctx.alerts.open().map(showIncident), next: null };
        const rows = await ctx.store.listIncidents({ limit: limit + 1, before: cursor });
        const shown = rows.slice(0, limit);
        return { data: shown.flatMap((row) => fromRow(row) ?? []).map(showIncident), next: rows.length > limit ? shown.at(-1)!.id : null };
      },
    }),
  ];
}

function channelRoutes({ alertChannels }: AdminApiContext): ApiRoute[] {
  const find = (params: Readonly<Record<string, string>>) =>
    alertChannels.get(params.id!).catch((error) => {
      throw error instanceof AppError ? new AppError("not_found", error.message, { param: "id" }) : error;
    });
  return [
    route({
      ...{ method: "GET", path: "/alerts/channels", tag: "Alerts", summary: "Channels that messages go to, oldest first" },
      response: t.Object({ data: t.Array(CHANNEL) }),
      run: async () => ({ data: (await alertChannels.list()).map(showChannel) }),
    }),
    route({
      ...{ method: "GET", path: "/alerts/channels/{id}", tag: "Alerts", summary: "One channel" },
      response: CHANNEL,
      run: async ({ params }) => showChannel(await find(params)),
    }),
    route({
      ...{ method: "POST", path: "/alerts/channels", tag: "Alerts", summary: "Add a channel" },
      status: 201,
      creates: { secrets: [] },
      body: t.Object({ ...EDIT, kind: oneOf(CHANNEL_KINDS), name: NAME, config: CONFIG }),
      response: CHANNEL,
      run: ({ body: { enabled = true, rules = [], ...rest }, by }) => save(null, { ...rest, enabled, rules }, by),
    }),
    route({
      ...{ method: "PATCH", path: "/alerts/channels/{id}", tag: "Alerts", summary: "Change a channel; fields that are absent stay" },
      body: t.Object(EDIT),
      response: CHANNEL,
      async run({ params, body, by }) {
        const channel = await find(params);
        const { id, kind, name, enabled, rules } = channel;
        return save(id, { kind, name, enabled, rules, ...body, config: { ...plainOf(channel), ...body.config } }, by);
      },
    }),
    route({
      ...{ method: "DELETE", path: "/alerts/channels/{id}", tag: "Alerts", summary: "Delete a channel, with its messages that wait" },
      response: t.Object({ deleted: t.Literal(true) }),
      async run({ params, by }) {
        await alertChannels.remove((await find(params)).id, by);
        return { deleted: true };
      },
    }),
    route({
      ...{ method: "POST", path: "/alerts/channels/{id}/test", tag: "Alerts", summary: "Send a test message now" },
      response: t.Object({ sent: t.Boolean(), said: orNull(t.String({ description: "What the far side said, where it refused" })) }),
      async run({ params, by }) {
        const verdict = await alertChannels.test((await find(params)).id, by);
        return { sent: verdict.ok, said: verdict.ok ? null : verdict.said };
      },
    }),
  ];

  async function save(id: string | null, form: ChannelForm, by: Parameters<typeof alertChannels.save>[2]): Promise<Static<typeof CHANNEL>> {
    const refuse = (field: string, why: string) =>
      new AppError("invalid_request", `${field} ${why}`, { param: field, reason: "invalid_value" });
    const name = form.name.trim();
    if (name === "") throw refuse("name", "must not be blank.");
    const known = channelOf(form.kind).fields.map((one) => one.name);
    const other = Object.keys(form.config).find((one) => !known.some((field) => field === one));
    if (other) throw refuse(`config.${other}`, `is no field of ${form.kind}. Known here: ${known.join(", ")}.`);
    const saved = await alertChannels.save(id, { ...form, name }, by);
    const [fault] = Object.entries(saved.wrong);
    if (fault) throw refuse(`config.${fault[0]}`, FAULTS[fault[1]]);
    return showChannel(await alertChannels.get(saved.id));
  }
}

const FAULTS = {
  required: "is needed.",
  url: "must be an http or https address without user and password.",
  whole: "must be a whole number above zero.",
} as const;

/** What is not secret, as it is. */
const plainOf = ({ kind, shown }: ChannelView): ChannelForm["config"] =>
  Object.fromEntries(channelOf(kind).fields.flatMap(({ name, secret }) => (secret ? [] : [[name, shown[name] ?? ""]])));
