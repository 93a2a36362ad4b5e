// Fields of a pool token in the admin's JSON API: as it is shown, and as it is written.
import { t } from "elysia";
import type { TokenChange, TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { type Cap, parseCaps } from "../../gateway/pool/token-quota.ts";
import { withCap } from "../../gateway/tokens/bulk-edit.ts";
import { readLocation } from "../../gateway/tokens/cloud-account.ts";
import { detectSecret, isDetected } from "../../gateway/tokens/detect-secret.ts";
import type { ListedState, TokenItem } from "../../gateway/tokens/list-tokens.ts";
import { readProxy } from "../../gateway/tokens/proxy-address.ts";
import { redactText } from "../../log.ts";
import { isoOf, isoOrNull, TIME } from "./route.ts";
import { oneOf, orNull, whole } from "./schemas.ts";

const STATES = ["healthy", "cooling", "blocked", "disabled"] as const;
export const LISTED = [...STATES, "partly"] as const satisfies readonly ListedState[];
const NUMBER = orNull(t.Number({ minimum: 0 }));
export const CAPS = t.Object({
  requests_per_minute: t.Optional(NUMBER),
  requests_per_day: t.Optional(NUMBER),
  images_per_minute: t.Optional(NUMBER),
  usd_per_day: t.Optional(NUMBER),
});
const COOLDOWN = {
  state: oneOf(STATES),
  reason: orNull(t.String()),
  message: t.String(),
  since: orNull(TIME),
  until: orNull(TIME),
};
const BY_KIND = t.Object({ image: whole(), video: whole() });

export const TOKEN = t.Object({
  id: whole(),
  provider: t.String(),
  label: t.String(),
  secret_hint: t.String({ description: "Its last four characters, where it is long enough" }),
  group: orNull(t.String()),
  tags: t.Array(t.String()),
  note: t.String(),
  enabled: t.Boolean(),
  image_enabled: t.Boolean(),
  video_enabled: t.Boolean(),
  image_concurrency: whole({ description: "-1: unlimited" }),
  video_concurrency: whole(),
  weight: t.Number(),
  priority: whole(),
  allow_families: t.Array(t.String()),
  deny_families: t.Array(t.String()),
  proxy: orNull(t.String({ description: "Without user and password" })),
  location: orNull(t.String()),
  caps: orNull(CAPS),
  identity: orNull(t.String()),
  tier: orNull(t.Union([t.String(), t.Number()])),
  credits: orNull(t.Number()),
  families: orNull(t.Array(t.String(), { description: "Served, as its checks know; null: not checked yet" })),
  created_at: TIME,
  checked_at: orNull(TIME),
  used_at: orNull(TIME),
  in_flight: BY_KIND,
  health: t.Object(COOLDOWN),
  models_held: t.Array(t.Object({ family: t.String(), scope: t.String(), ...COOLDOWN }), { description: "Models that are not asked now" }),
});

type Health = { state: string; reason: string | null; message: string; since: number | null; until: number | null };

const showHealth = ({ state, reason, message, since, until }: Health) => ({
  ...{ state, reason, message, since: isoOrNull(since), until: isoOrNull(until) },
});

function showCaps(caps: unknown) {
  const cap = parseCaps(caps)?.token;
  if (!cap) return null;
  const { requestsPerMinute, requestsPerDay, imagesPerMinute, usdPerDay } = cap;
  return {
    requests_per_minute: requestsPerMinute,
    requests_per_day: requestsPerDay,
    images_per_minute: imagesPerMinute,
    usd_per_day: usdPerDay,
  };
}

export function showToken({ row, view }: TokenItem) {
  return {
    ...{ id: row.id, provider: row.provider, label: row.label, secret_hint: row.hint, group: row.group, tags: row.tags, note: row.note },
    ...{
      enabled: row.enabled,
      image_enabled: row.imageEnabled,
      video_enabled: row.videoEnabled,
      weight: row.weight,
      priority: row.priority,
    },
    ...{ image_concurrency: row.imageConcurrency, video_concurrency: row.videoConcurrency },
    ...{ allow_families: row.allowFamilies, deny_families: row.denyFamilies, location: row.location, caps: showCaps(row.caps) },
    proxy: row.proxy === null ? null : redactText(row.proxy),
    ...{ identity: row.identity, tier: row.tier, credits: view.credits, families: row.families },
    ...{ created_at: isoOf(row.createdAt), checked_at: isoOrNull(row.checkedAt), used_at: isoOrNull(view.usedAt) },
    in_flight: { image: view.inFlight.image, video: view.inFlight.video },
    health: showHealth(view.health),
    models_held: view.models.map((model) => ({ family: model.family, scope: model.scope, ...showHealth(model) })),
  };
}

export const CONCURRENCY = whole({ minimum: -1, maximum: 1000 });
export const WORDS = t.Array(t.String({ minLength: 1, maxLength: 100 }), { maxItems: 200 });
export const SECRET = t.String({
  minLength: 1,
  maxLength: 16_384,
  description: "Written and never read: a key, a session cookie, a service account's JSON",
});

export const EDITABLE = {
  group: t.Optional(orNull(t.String({ maxLength: 100 }))),
  tags: t.Optional(WORDS),
  note: t.Optional(t.String({ maxLength: 2000 })),
  enabled: t.Optional(t.Boolean()),
  image_enabled: t.Optional(t.Boolean()),
  video_enabled: t.Optional(t.Boolean()),
  image_concurrency: t.Optional(CONCURRENCY),
  video_concurrency: t.Optional(CONCURRENCY),
  weight: t.Optional(t.Number({ minimum: 0, maximum: 1_000_000 })),
  priority: t.Optional(whole({ minimum: -1000, maximum: 1000 })),
  allow_families: t.Optional(WORDS),
  deny_families: t.Optional(WORDS),
  proxy: t.Optional(orNull(t.String({ minLength: 1, maxLength: 500, description: "http(s) or SOCKS5; direct: none" }))),
  location: t.Optional(orNull(t.String({ minLength: 1, maxLength: 100 }))),
  caps: t.Optional(orNull(CAPS)),
};

export const EDIT = t.Object({ label: t.Optional(t.String({ minLength: 1, maxLength: 100 })), ...EDITABLE });
type Edit = typeof EDIT.static;

/** Absent fields stay absent. */
export function changeOf(edit: Edit, row: Pick<TokenRow, "caps">): TokenChange {
  const change = {
    ...{ label: edit.label, tags: edit.tags, note: edit.note, enabled: edit.enabled, imageEnabled: edit.image_enabled },
    ...{ videoEnabled: edit.video_enabled, imageConcurrency: edit.image_concurrency, videoConcurrency: edit.video_concurrency },
    ...{ weight: edit.weight, priority: edit.priority, allowFamilies: edit.allow_families, denyFamilies: edit.deny_families },
    group: edit.group === "" ? null : edit.group,
    proxy: readProxyField(edit.proxy, "proxy"),
    location: typeof edit.location === "string" ? locationOf(edit.location) : edit.location,
    caps: edit.caps === undefined ? undefined : withCap(row.caps, "token", capOf(edit.caps)),
  };
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

function capOf(caps: Edit["caps"]): Cap | null {
  if (!caps) return null;
  const { requests_per_minute = null, requests_per_day = null, images_per_minute = null, usd_per_day = null } = caps;
  return {
    requestsPerMinute: requests_per_minute,
    requestsPerDay: requests_per_day,
    imagesPerMinute: images_per_minute,
    usdPerDay: usd_per_day,
  };
}

function locationOf(text: string): string | null {
  const location = readLocation(text);
  if (location === undefined) throw wrong("location", "must be a location like global or us-central1.");
  return location;
}

const wrong = (field: string, why: string) => new AppError("invalid_request", `${field} ${why}`, { param: field, reason: "invalid_value" });

/** A proxy as it is stored; null and absent stay. @throws {AppError} `invalid_request` */
export function readProxyField(text: string | null | undefined, field: string): string | null | undefined {
  if (typeof text !== "string") return text;
  try {
    return readProxy(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw wrong(field, error.message);
  }
}

export function secretOf(text: string, provider: string): string {
  const found = detectSecret(text, provider, { isNamed: true });
  if (!isDetected(found)) throw wrong("secret", found.reason);
  return found.secret;
}
