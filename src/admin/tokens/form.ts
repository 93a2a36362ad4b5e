// Parses the token forms into a NewToken or TokenChange; mistakes by field.

import type { Messages } from "../../../views/locales/en.ts";
import { CAP_FIELDS } from "../../../views/tokens/token-form.tsx";
import type { TokenChange, TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { Cap } from "../../gateway/pool/token-quota.ts";
import { type TokenEdit, withCap } from "../../gateway/tokens/bulk-edit.ts";
import { CLOUD, isCloudText, readLocation } from "../../gateway/tokens/cloud-account.ts";
import { detectSecret, isDetected } from "../../gateway/tokens/detect-secret.ts";
import { readProxy } from "../../gateway/tokens/proxy-address.ts";
import { redactText } from "../../log.ts";
import type { FormReader } from "../forms.ts";

const CONCURRENCY = { min: -1, max: 1000 };
const MAX_WEIGHT = 1_000_000;

/** A proxy as it may be shown: without its password. */
export const shownProxy = (proxy: string | null): string => (proxy === null ? "" : redactText(proxy));

/** What is edited in the list. Not checked yet. */
export function readRowChange(form: FormReader): TokenChange {
  const concurrency = (name: string) => form.whole(name, { required: true, ...CONCURRENCY }) ?? undefined;
  return {
    label: form.text("label", { required: true, max: 100 }),
    group: form.text("group", { max: 100 }) || null,
    note: form.text("note", { max: 2000 }),
    enabled: form.flag("enabled"),
    imageEnabled: form.flag("image_enabled"),
    videoEnabled: form.flag("video_enabled"),
    imageConcurrency: concurrency("image_concurrency"),
    videoConcurrency: concurrency("video_concurrency"),
    weight: form.decimal("weight", { required: true, max: MAX_WEIGHT }) ?? undefined,
    priority: form.whole("priority", { required: true, min: -1000, max: 1000 }) ?? undefined,
  };
}

/** Everything that the page of one token sets. Not checked yet. */
export function readSettings(form: FormReader, row: TokenRow, t: Messages): TokenChange {
  return {
    ...readRowChange(form),
    tags: form.words("tags"),
    proxy: readProxyField(form, row.proxy, t),
    location: row.provider === CLOUD ? readLocationField(form, t) : undefined,
    allowFamilies: form.words("allow_families"),
    denyFamilies: form.words("deny_families"),
    caps: withCap(row.caps, "token", readCap(form)),
  };
}

/** Numbers of a cap; null: all are empty. */
export function readCap(form: FormReader): Cap | null {
  const cap = Object.fromEntries(
    CAP_FIELDS.map(({ field, name }) => [field, field === "usdPerDay" ? form.decimal(name) : form.whole(name)]),
  ) as Cap;
  return Object.values(cap).some((value) => value !== null) ? cap : null;
}

/** The proxy of a form; what was shown of the one there is means that one. */
export function readProxyField(form: FormReader, known: string | null, t: Messages): string | null {
  const text = form.text("proxy", { max: 500 });
  if (text === "") return null;
  if (text === shownProxy(known)) return known;
  try {
    return readProxy(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    form.refuse("proxy", t.tokens.wrongProxy);
    return null;
  }
}

/** Null: the provider's default. */
export function readLocationField(form: FormReader, t: Messages): string | null {
  const location = readLocation(form.text("location", { max: 100 }));
  if (location === undefined) form.refuse("location", t.tokens.wrongLocation);
  return location ?? null;
}

/**
 * The secret of a form, taken out of whatever it was pasted in: a cookie header, an assignment. `file`: text of a file that came along,
 * which counts where nothing was pasted. A service account is one of its own provider, whatever was chosen.
 */
export function readSecret(
  form: FormReader,
  chosen: string,
  t: Messages,
  { file = "", isFixed = false }: { file?: string /** The provider cannot change. */; isFixed?: boolean } = {},
): { provider: string; secret: string } {
  const text = form.text("secret", { required: file.trim() === "", max: 16_384, verbatim: true }).trim() || file.trim();
  const provider = !isFixed && isCloudText(text) ? CLOUD : chosen;
  const found = detectSecret(text, provider, { isNamed: true });
  if (text !== "" && !isDetected(found))
    form.refuse("secret", isCloudText(text) ? t.tokens.wrongAccount(found.reason) : t.tokens.wrongSecret);
  return { provider, secret: isDetected(found) ? found.secret : text };
}

/** What the bulk form sets: only what is filled in. `-` takes a group, a proxy or a cap away. */
export function readBulkEdit(form: FormReader, t: Messages): TokenEdit {
  const textOf = (name: string, max: number) => form.text(name, { max });
  const orNone = (text: string) => (text === "" ? undefined : text === "-" ? null : text);
  const edit = {
    addTags: form.words("add_tags", { max: 1000 }),
    removeTags: form.words("remove_tags", { max: 1000 }),
    group: orNone(textOf("group", 100)),
    proxy: textOf("proxy", 500) === "-" ? null : (readProxyField(form, null, t) ?? undefined),
    weight: form.decimal("weight", { max: MAX_WEIGHT }) ?? undefined,
    imageConcurrency: form.whole("image_concurrency", CONCURRENCY) ?? undefined,
    videoConcurrency: form.whole("video_concurrency", CONCURRENCY) ?? undefined,
    caps: Object.fromEntries(
      CAP_FIELDS.flatMap(({ field, name }) => (form.text(name) === "" ? [] : [[field, capValue(form, field, name)]])),
    ),
  };
  return Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
}

const capValue = (form: FormReader, field: keyof Cap, name: string) => {
  if (form.text(name) === "-") return null;
  return field === "usdPerDay" ? form.decimal(name) : form.whole(name);
};
