// Admin API: models with prices and where they come from; switch, own prices, import of a models file, reset.
import { type Static, t } from "elysia";
import { AppError } from "../../errors.ts";
import { fieldsOf, type ModelDifference } from "../../gateway/models/catalogue/differences.ts";
import { ORIGINS } from "../../gateway/models/catalogue/merge.ts";
import { MAX_USD } from "../../gateway/models/catalogue/schema.ts";
import type { OwnPrices } from "../../gateway/models/change-family.ts";
import type { ModelView } from "../../gateway/models/list-models.ts";
import { ModelsAdmin } from "../../gateway/models/manage-models.ts";
import { createSettingsAdmin } from "../../gateway/settings/manage-settings.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, route } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const MAX_TEXT = 1024 * 1024;

const PRICE = t.Object({
  size: t.String({ description: "Of an image, or resolution of a second of video" }),
  list_usd: t.Number(),
  own_usd: orNull(t.Number({ description: "Set here in place of the list's" })),
});

const PROVIDER = t.Object({
  provider: t.String(),
  prices: t.Array(PRICE),
  by_tokens: t.Boolean({ description: "Billed by the tokens that the upstream counts; prices are the usual sum" }),
  assumed: t.Boolean({ description: "The vendor's price is not known: the dearest of its kind counts" }),
  retires: orNull(t.String({ description: "Last day as announced, e.g. 2026-12-31" })),
  tokens: whole({ description: "That can serve it" }),
});

const MODEL = t.Object({
  id: t.String(),
  kind: oneOf(["image", "video"]),
  title: t.String(),
  enabled: t.Boolean(),
  origin: oneOf(ORIGINS, { description: "The layer that it comes from" }),
  changed: t.Boolean({ description: "Something of it was changed here" }),
  found_at: orNull(t.String({ description: "Provider that lists it, for one that no layer describes" })),
  aliases: t.Array(t.String()),
  providers: t.Array(PROVIDER),
});

const showModel = ({ family, isOff, providers, aliases, origin, isChanged, found }: ModelView): Static<typeof MODEL> => ({
  ...{ id: family.id, kind: family.kind, title: family.title, enabled: !isOff, origin, changed: isChanged },
  ...{ found_at: found?.provider ?? null, aliases },
  providers: providers.map(({ provider, prices, byTokens, isAssumed, retires, tokens }) => ({
    ...{ provider, by_tokens: byTokens, assumed: isAssumed, retires, tokens: tokens.length },
    prices: prices.map(({ size, listUsd, ownUsd }) => ({ size, list_usd: listUsd, own_usd: ownUsd })),
  })),
});

const FIELD = t.Object({ path: t.String(), value: t.String({ description: "As JSON" }), origin: oneOf(ORIGINS) });
const ONE = t.Object({ ...MODEL.properties, fields: t.Array(FIELD, { description: "Every field that some layer says, with the layer" }) });

const DIFFERENCE = t.Object({
  id: t.String({ description: "Of a family, or name of an alias" }),
  what: oneOf(["family", "alias"]),
  change: oneOf(["added", "removed", "changed"]),
  fields: t.Array(t.Object({ path: t.String(), before: orNull(t.String()), after: orNull(t.String()) })),
});
const IMPORTED = t.Object({ applied: t.Boolean(), differences: t.Array(DIFFERENCE) });

const USD = orNull(t.Number({ minimum: 0, maximum: MAX_USD, description: "Null: the list's price counts again" }));

export function modelRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { models, pool } = ctx;
  const settings = createSettingsAdmin({ ...ctx, now: ctx.clock.now });
  const admin = new ModelsAdmin({ models, pool, settings, successors: () => ctx.settings.current().generation.successors });
  const showOne = (id: string) => ({ ...showModel(admin.find(id)), fields: fieldsOf(models.current(), id) });
  return [
    route({
      ...{ method: "GET", path: "/models", tag: "Models", summary: "All models, images first" },
      response: t.Object({ data: t.Array(MODEL) }),
      run: () => ({ data: admin.list().map(showModel) }),
    }),
    route({
      ...{ method: "GET", path: "/models/{id}", tag: "Models", summary: "One model, with every field and where it comes from" },
      response: ONE,
      run: ({ params }) => showOne(params.id!),
    }),
    route({
      ...{ method: "PATCH", path: "/models/{id}", tag: "Models", summary: "Switch a model on or off, set own prices" },
      description: "What is absent stays. `POST /settings/undo` takes the last change back, as it does for settings.",
      body: t.Object({
        enabled: t.Optional(t.Boolean()),
        prices: t.Optional(
          t.Record(t.String(), t.Record(t.String(), USD), { description: 'By provider and size, e.g. {"gemini": {"1K": 0.05}}' }),
        ),
      }),
      response: ONE,
      async run({ params, body: { enabled, prices }, by }) {
        const view = admin.find(params.id!);
        // Before anything is written.
        const own = prices && ownPrices(view, prices);
        if (enabled !== undefined && enabled === view.isOff) await admin.turn(view.family.id, enabled, by);
        if (own) await admin.setPrices(view.family.id, own, by);
        return showOne(view.family.id);
      },
    }),
    route({
      ...{ method: "POST", path: "/models/{id}/reset", tag: "Models", summary: "Take back all that was changed of a model here" },
      response: t.Object({ id: t.String(), left: t.Boolean({ description: "False: no other layer has it, so it is gone" }) }),
      async run({ params, by }) {
        const { family } = await admin.reset(params.id!, by);
        return { id: family.id, left: models.current().familyOf(family.id) !== null };
      },
    }),
    route({
      ...{ method: "POST", path: "/models/import", tag: "Models", summary: "Put a models file over what was changed here" },
      body: t.Object({
        toml: t.String({ minLength: 1, maxLength: MAX_TEXT, description: "As config/models.toml" }),
        dry_run: t.Optional(t.Boolean({ description: "Show the differences and change nothing" })),
      }),
      response: IMPORTED,
      async run({ body: { toml, dry_run: isDry = false }, by }) {
        const found = await orField("toml", () => (isDry ? admin.review(toml) : admin.import(toml, by)));
        return { applied: !isDry && found.length > 0, differences: found.map(showDifference) };
      },
    }),
  ];
}

const showDifference = ({ id, what, change, fields }: ModelDifference) => ({ id, what, change, fields });

/** All own prices of a family as they are after these. @throws {AppError} `invalid_request` for a provider or size that it has not */
function ownPrices({ providers }: ModelView, changes: Record<string, Record<string, number | null>>): OwnPrices {
  const refuse = (field: string, known: readonly string[]) =>
    new AppError("invalid_request", `${field.slice(0, 120)} is not there. Known here: ${known.join(", ") || "none"}.`, {
      ...{ param: field.slice(0, 120), reason: "invalid_value" },
    });
  const own: OwnPrices = {};
  for (const [provider, sizes] of Object.entries(changes)) {
    const known = providers.find((one) => one.provider === provider);
    if (!known)
      throw refuse(
        `prices.${provider}`,
        providers.map((one) => one.provider),
      );
    const names = known.prices.map(({ size }) => size);
    for (const size of Object.keys(sizes)) if (!names.includes(size)) throw refuse(`prices.${provider}.${size}`, names);
  }
  for (const { provider, prices } of providers)
    for (const { size, listUsd, ownUsd } of prices) {
      const change = changes[provider]?.[size];
      const usd = change === undefined ? ownUsd : change;
      if (usd !== null && usd !== listUsd) own[provider] = { ...own[provider], [size]: usd };
    }
  return own;
}

async function orField<T>(param: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AppError && error.kind === "invalid_request")) throw error;
    throw new AppError("invalid_request", error.message, { param, reason: "invalid_value", cause: error });
  }
}
