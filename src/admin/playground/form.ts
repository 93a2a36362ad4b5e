// Parses the playground's form and URL into a PlaygroundForm; stores uploaded inputs.

import type { Media } from "../../domain/generation.ts";
import type { PlaygroundForm, Slot } from "../../gateway/playground/options.ts";
import { SLOTS } from "../../gateway/playground/options.ts";
import { isId } from "../../ids.ts";
import type { AdminContext } from "../context.ts";
import type { FormReader } from "../forms.ts";

const MAX_PROMPT = 32_000;
const MAX_SEED = 2_147_483_647;
const MAX_SECONDS = 3600;

/** The form as it is: `settleForm` leaves out what its model does not offer. */
export function readPlaygroundForm(form: FormReader): PlaygroundForm {
  const whole = (name: string, max: number) => {
    const value = form.whole(name, { max });
    return Number.isSafeInteger(value) ? value : null;
  };
  const idsOf = (slot: Slot) => form.list(slot).filter(isId);
  return {
    model: form.text("model", { max: 100 }),
    mode: form.text("mode") as PlaygroundForm["mode"],
    prompt: form.text("prompt", { max: MAX_PROMPT }),
    aspect: form.text("aspect") as PlaygroundForm["aspect"],
    size: form.text("size") as PlaygroundForm["size"],
    thinking: form.text("thinking") as PlaygroundForm["thinking"],
    n: whole("n", 100) ?? 1,
    resolution: form.text("resolution") as PlaygroundForm["resolution"],
    quality: form.text("quality") as PlaygroundForm["quality"],
    seconds: whole("seconds", MAX_SECONDS),
    seed: whole("seed", MAX_SEED),
    inputs: Object.fromEntries(SLOTS.map((slot) => [slot, idsOf(slot)])) as Record<Slot, string[]>,
  };
}

/** The kind of media that an input slot takes. */
export const kindFor = (slot: Slot): "image" | "video" => (slot === "video" ? "video" : "image");

/** Name of the file field of an input slot. */
const FILE_FIELD = /^file-(pictures|first|last|video)$/;

/**
 * Stores the files that a form carries, each in its slot; a form without files has none. Empty file fields are nobody's.
 * @throws {AppError} `invalid_request` for what is not an image or a video
 */
export async function storeInputs(
  { forms, media }: Pick<AdminContext, "forms" | "media">,
  request: Request,
  keyId: number,
): Promise<Record<Slot, Media[]>> {
  const added: Record<Slot, Media[]> = { pictures: [], first: [], last: [], video: [] };
  if (!(request.headers.get("content-type") ?? "").startsWith("multipart/form-data")) return added;
  const { fields, files } = await forms.files(request);
  const named = fields.find(([name]) => name === "slot")?.[1];
  for (const { field, draft } of files) {
    const slot = (FILE_FIELD.exec(field)?.[1] ?? (field === "file" ? SLOTS.find((one) => one === named) : undefined)) as Slot | undefined;
    if (slot === undefined || draft.bytes === 0) continue;
    const accept = { kinds: [kindFor(slot)], param: field };
    added[slot].push(await media.store(draft, { origin: "input", keyId, requestId: null, accept }));
  }
  return added;
}

/** The form with further inputs in their slots. */
export const withInputs = (values: PlaygroundForm, added: Readonly<Record<Slot, readonly Media[]>>): PlaygroundForm => ({
  ...values,
  inputs: Object.fromEntries(SLOTS.map((slot) => [slot, [...values.inputs[slot], ...added[slot].map(({ id }) => id)]])) as Record<
    Slot,
    string[]
  >,
});
