// Parses the key form; each mistake is reported at its field.

import type { View } from "../../../views/ui/view.ts";
import type { KeyLimits, KeyRow } from "../../domain/key.ts";
import { imageForms, isAddressRange, type KeyOptions, SIDE_CALL_MODES, unknownModel, videoForms } from "../../gateway/keys/manage-keys.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import type { FormReader } from "../forms.ts";

const MAX_RATE = 100_000;
const MAX_COUNT = 1e12;
const MAX_AMOUNT = 999_999_999;
const MAX_MODELS = 200;
const MAX_ADDRESSES = 100;

/** @param before the key as it is; null: a new one. Call `form.check` afterwards. */
export function readKeyForm(
  form: FormReader,
  { t, now }: Pick<View, "t" | "now">,
  { before, catalogue }: { before: KeyRow | null; catalogue: Catalogue },
): KeyOptions {
  const kinds = form.choice("kinds", ["all", "image", "video"]);
  const sideCalls = form.choice("side_calls", ["", ...SIDE_CALL_MODES]);
  const imageForm = form.choice("image_form", ["", ...imageForms()]);
  const videoForm = form.choice("video_form", ["", ...videoForms()]);
  return {
    name: form.text("name", { required: true, max: 100 }),
    enabled: form.flag("enabled"),
    expiresAt: readExpiry(form, t, now, before?.expiresAt ?? null),
    models: readModels(form, t, catalogue),
    kinds: kinds === "all" ? [] : [kinds],
    addresses: readAddresses(form, t),
    limits: readLimits(form, t),
    imageForm: imageForm === "" ? null : imageForm,
    videoForm: videoForm === "" ? null : videoForm,
    sideCalls: sideCalls === "" ? null : sideCalls,
    imagesRoutesOnly: form.flag("images_routes_only"),
  };
}

/** UTC, as a field of date and time has it. One that has passed already may stay. */
function readExpiry(form: FormReader, t: View["t"], now: number, before: number | null): number | null {
  const text = form.text("expires", { max: 30 });
  if (text === "") return null;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN;
  const isKept = before !== null && new Date(before).toISOString().startsWith(text);
  if (isKept) return before;
  if (!Number.isFinite(time)) form.refuse("expires", t.keys.noTime);
  else if (time <= now) form.refuse("expires", t.keys.past);
  return time;
}

function readModels(form: FormReader, t: View["t"], catalogue: Catalogue): string[] {
  const models = [...new Set([...form.list("models"), ...form.words("more_models", { max: 4000 })])];
  if (models.length > MAX_MODELS) form.refuse("models", t.forms.atMost(MAX_MODELS));
  for (const model of models.slice(0, MAX_MODELS)) {
    const unknown = unknownModel(catalogue, model);
    if (unknown) form.refuse("more_models", t.keys.unknownModel(model.slice(0, 80), unknown.nearest));
  }
  return models;
}

function readAddresses(form: FormReader, t: View["t"]): string[] {
  const addresses = [...new Set(form.words("addresses", { max: 4000 }))];
  if (addresses.length > MAX_ADDRESSES) form.refuse("addresses", t.forms.atMost(MAX_ADDRESSES));
  const wrong = addresses.find((address) => !isAddressRange(address));
  if (wrong !== undefined) form.refuse("addresses", t.keys.noAddress(wrong.slice(0, 80)));
  return addresses;
}

function readLimits(form: FormReader, t: View["t"]): KeyLimits {
  const spans = (read: (period: "day" | "month" | "total") => number | null) => ({
    day: read("day"),
    month: read("month"),
    total: read("total"),
  });
  const decimal = (name: string, decimals: number) => {
    const value = form.decimal(name, { max: MAX_AMOUNT });
    const [, fraction = ""] = form.text(name).split(".");
    if (fraction.length > decimals) form.refuse(name, t.keys.decimals(decimals));
    return value;
  };
  return {
    rpm: form.whole("rpm", { min: 1, max: MAX_RATE }),
    concurrency: form.whole("concurrency", { min: 1, max: MAX_RATE }),
    uploadMbDay: form.whole("upload_mb_day", { max: MAX_COUNT }),
    images: spans((period) => form.whole(`images_${period}`, { max: MAX_COUNT })),
    videoSeconds: spans((period) => decimal(`video_seconds_${period}`, 3)),
    usd: spans((period) => decimal(`usd_${period}`, 6)),
  };
}
