// Admin API: keys of clients.
import { type Static, t } from "elysia";
import type { KeyLimits, KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import { deleteKey, restoreKey } from "../../gateway/keys/delete-key.ts";
import { recordKeyUndo } from "../../gateway/keys/key-undo.ts";
import {
  changeKey,
  imageForms,
  isAddressRange,
  issueKey,
  KEY_STATES,
  type KeyOptions,
  keyState,
  newKeyLimits,
  pageOfKeys,
  readKey,
  SIDE_CALL_MODES,
  unknownModel,
  videoForms,
} from "../../gateway/keys/manage-keys.ts";
import { duplicateKey, MAX_HOURS, rotateKey } from "../../gateway/keys/rotate-key.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, idOf, isoOf, isoOrNull, numberOf, PAGE_ROWS, PAGING, pageOf, route, TIME, timeOf } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const KINDS = ["image", "video"] as const;
const AMOUNT = orNull(t.Number({ minimum: 0, maximum: 999_999_999 }));
const PERIODS = t.Object({ day: t.Optional(AMOUNT), month: t.Optional(AMOUNT), total: t.Optional(AMOUNT) });
const RATE = orNull(whole({ minimum: 1, maximum: 100_000 }));
const LIMITS = t.Object(
  {
    rpm: t.Optional(RATE),
    concurrency: t.Optional(RATE),
    upload_mb_day: t.Optional(orNull(whole({ minimum: 1, maximum: 100_000_000 }))),
    images: t.Optional(PERIODS),
    video_seconds: t.Optional(PERIODS),
    usd: t.Optional(PERIODS),
  },
  { description: "null: no limit" },
);

const KEY = t.Object({
  id: whole(),
  name: t.String(),
  prefix: t.String(),
  state: oneOf(KEY_STATES),
  enabled: t.Boolean(),
  created_at: TIME,
  expires_at: orNull(TIME),
  deleted_at: orNull(TIME),
  models: t.Array(t.String(), { description: "Allowed; none: all" }),
  kinds: t.Array(oneOf(KINDS)),
  addresses: t.Array(t.String()),
  limits: LIMITS,
  image_form: orNull(oneOf(imageForms())),
  video_form: orNull(oneOf(videoForms())),
  side_calls: orNull(oneOf(SIDE_CALL_MODES)),
  images_routes_only: t.Boolean(),
});

const showLimits = ({ rpm, concurrency, uploadMbDay, images, videoSeconds, usd }: KeyLimits) => ({
  ...{ rpm, concurrency, upload_mb_day: uploadMbDay, images, video_seconds: videoSeconds, usd },
});

const showKey = (row: KeyRow, now: number) => ({
  ...{ id: row.id, name: row.name, prefix: row.prefix, state: keyState(row, now), enabled: row.enabled, created_at: isoOf(row.createdAt) },
  ...{ expires_at: isoOrNull(row.expiresAt), deleted_at: isoOrNull(row.revokedAt), models: row.models, kinds: row.kinds },
  ...{ addresses: row.addresses, limits: showLimits(row.limits), image_form: row.imageForm, video_form: row.videoForm },
  ...{ side_calls: row.sideCalls, images_routes_only: row.imagesRoutesOnly },
});

const TEXTS = t.Array(t.String({ minLength: 1, maxLength: 200 }), { maxItems: 200 });
const EDITABLE = {
  enabled: t.Optional(t.Boolean()),
  expires_at: t.Optional(orNull(TIME)),
  models: t.Optional(TEXTS),
  kinds: t.Optional(t.Array(oneOf(KINDS), { maxItems: 2 })),
  addresses: t.Optional(t.Array(t.String({ minLength: 1, maxLength: 100 }), { maxItems: 100, description: "Addresses or CIDR ranges" })),
  limits: t.Optional(LIMITS),
  image_form: t.Optional(orNull(oneOf(imageForms()))),
  video_form: t.Optional(orNull(oneOf(videoForms()))),
  side_calls: t.Optional(orNull(oneOf(SIDE_CALL_MODES))),
  images_routes_only: t.Optional(t.Boolean()),
};
const NAME = t.String({ minLength: 1, maxLength: 100 });
const EDIT = t.Object({ name: t.Optional(NAME), ...EDITABLE });

type Edit = Static<typeof EDIT>;

/** Absent fields stay absent; of limits each that is named. */
function optionsOf({ catalogue }: AdminApiContext, edit: Edit, limits: KeyLimits): Partial<KeyOptions> {
  const wrong = (field: string, why: string) =>
    new AppError("invalid_request", `${field} ${why}`, { param: field, reason: "invalid_value" });
  for (const [index, model] of (edit.models ?? []).entries()) {
    const unknown = unknownModel(catalogue(), model);
    if (unknown) throw wrong(`models[${index}]`, `must be a known model: ${JSON.stringify(model)} is not; nearest: ${unknown.nearest}.`);
  }
  for (const [index, address] of (edit.addresses ?? []).entries())
    if (!isAddressRange(address)) throw wrong(`addresses[${index}]`, `must be an address or a range like 10.0.0.0/8.`);
  const options: Partial<KeyOptions> = {
    ...{ name: edit.name, enabled: edit.enabled, models: edit.models, kinds: edit.kinds, addresses: edit.addresses },
    ...{ imageForm: edit.image_form, videoForm: edit.video_form, sideCalls: edit.side_calls, imagesRoutesOnly: edit.images_routes_only },
    expiresAt: edit.expires_at === null ? null : timeOf(edit.expires_at, "expires_at"),
    limits: edit.limits && mergedLimits(edit.limits, limits),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function mergedLimits(change: NonNullable<Edit["limits"]>, before: KeyLimits): KeyLimits {
  const { rpm = before.rpm, concurrency = before.concurrency, upload_mb_day = before.uploadMbDay } = change;
  return {
    ...{ rpm, concurrency, uploadMbDay: upload_mb_day },
    images: { ...before.images, ...change.images },
    videoSeconds: { ...before.videoSeconds, ...change.video_seconds },
    usd: { ...before.usd, ...change.usd },
  };
}

const WITH_SECRET = t.Object({ ...KEY.properties, key: orNull(t.String({ description: "Shown this once" })) });

export function keyRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { now } = ctx.clock;
  const find = (params: Readonly<Record<string, string>>) => readKey(ctx.store, idOf(params, "key"));
  return [
    route({
      ...{ method: "GET", path: "/keys", tag: "Keys", summary: "Keys of clients, latest first" },
      query: t.Object({
        ...PAGING,
        q: t.Optional(t.String({ maxLength: 200, description: "Part of the name, or the beginning of the key" })),
        state: t.Optional(oneOf([...KEY_STATES, "all", "living"])),
      }),
      response: pageOf(KEY),
      async run({ query: { limit = PAGE_ROWS, cursor, q = "", state = "living" } }) {
        const query = { text: q, state, limit, before: numberOf(cursor) };
        const { rows, next } = pageOfKeys(await ctx.store.listKeys(), query, now());
        return { data: rows.map((row) => showKey(row, now())), next: next === null ? null : `${next}` };
      },
    }),
    route({
      ...{ method: "GET", path: "/keys/{id}", tag: "Keys", summary: "One key" },
      response: KEY,
      run: async ({ params }) => showKey(await find(params), now()),
    }),
    route({
      ...{ method: "POST", path: "/keys", tag: "Keys", summary: "Make a key; limits that are not named are those of the settings" },
      status: 201,
      creates: { secrets: ["key"] },
      body: t.Object({ name: NAME, ...EDITABLE }),
      response: WITH_SECRET,
      async run({ body, by }) {
        const limits = newKeyLimits(ctx.settings.current());
        const options = { limits, ...optionsOf(ctx, body, limits), name: body.name.trim() };
        const { key, row } = await issueKey(ctx, options, now());
        await ctx.audit.record({ action: "key.create", subject: `key ${row.id}`, after: { ...options, prefix: row.prefix } }, by);
        return { ...showKey(row, now()), key };
      },
    }),
    route({
      ...{ method: "PATCH", path: "/keys/{id}", tag: "Keys", summary: "Change a key; fields and limits that are absent stay" },
      body: EDIT,
      response: KEY,
      async run({ params, body, by }) {
        const { id, limits } = await find(params);
        const { before, after } = await changeKey(ctx, id, optionsOf(ctx, body, limits));
        await ctx.audit.record({ action: "key.update", subject: `key ${id}`, before, after }, by);
        return showKey(after, now());
      },
    }),
    ...secretRoutes(ctx),
  ];
}

/** Rotate, duplicate, delete, restore. */
function secretRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { now } = ctx.clock;
  return [
    route({
      ...{
        method: "POST",
        path: "/keys/{id}/rotate",
        tag: "Keys",
        summary: "A new secret for a key; the former one stays valid for some hours",
      },
      creates: { secrets: ["key"] },
      body: t.Object({ hours: t.Number({ minimum: 0, maximum: MAX_HOURS, description: "0: the former secret ends now" }) }),
      response: WITH_SECRET,
      async run({ params, body: { hours }, by }) {
        const before = await readKey(ctx.store, idOf(params, "key"));
        const { key, row } = await rotateKey(ctx, before.id, { hours, now: now() });
        const change = { before: { prefix: before.prefix }, after: { prefix: row.prefix, former_valid_hours: hours } };
        await ctx.audit.record({ action: "key.rotate", subject: `key ${row.id}`, ...change }, by);
        return { ...showKey(row, now()), key };
      },
    }),
    route({
      ...{ method: "POST", path: "/keys/{id}/duplicate", tag: "Keys", summary: "A further key with the same settings" },
      status: 201,
      creates: { secrets: ["key"] },
      body: t.Object({ name: NAME }),
      response: WITH_SECRET,
      async run({ params, body: { name }, by }) {
        const id = idOf(params, "key");
        const { key, row } = await duplicateKey(ctx, id, { name, now: now() });
        await ctx.audit.record({ action: "key.create", subject: `key ${row.id}`, after: { name, of: id, prefix: row.prefix } }, by);
        return { ...showKey(row, now()), key };
      },
    }),
    route({
      ...{ method: "DELETE", path: "/keys/{id}", tag: "Keys", summary: "Delete a key; it can be restored for 30 days" },
      response: t.Object({ ...KEY.properties, undo_id: orNull(t.String()) }),
      async run({ params, by }) {
        const change = await deleteKey(ctx, idOf(params, "key"), now());
        await ctx.audit.record({ action: "key.delete", subject: `key ${change.after.id}`, ...change }, by);
        return { ...showKey(change.after, now()), undo_id: await recordKeyUndo(ctx.undo, change, by) };
      },
    }),
    route({
      ...{ method: "POST", path: "/keys/{id}/restore", tag: "Keys", summary: "Put a deleted key back as it was" },
      response: KEY,
      async run({ params, by }) {
        const change = await restoreKey(ctx, idOf(params, "key"), now());
        await ctx.audit.record({ action: "key.restore", subject: `key ${change.after.id}`, ...change }, by);
        return showKey(change.after, now());
      },
    }),
  ];
}
