// Image references in every form that clients send: URL, data URL, `{image_url}`, `{url}`, `{file_id}`.
import { isRecord } from "../../domain/is-record.ts";
import type { InputReference } from "../../gateway/generation/inputs/unresolved-turn.ts";
import { mustBe } from "../body/invalid.ts";

/** A reference to one of the key's uploaded files; see {@link InputReference}. */
export const fileReference = (fileId: string, param: string): InputReference => ({
  type: "reference",
  url: `file:${fileId}`,
  param,
  trusted: true,
});

const NONE: readonly InputReference[] = [];

/**
 * The images of a field: one or a list of `"https:…"`, `"data:…"`, `{image_url}`, `{image_url: {url}}`, `{url}`, `{file_id}`.
 * Null and the empty string name none.
 * @throws {AppError} `invalid_request` naming the element that is none of them
 */
export function referencesOf(value: unknown, param: string): readonly InputReference[] {
  if (value === undefined || value === null || value === "") return NONE;
  if (Array.isArray(value)) return value.flatMap((one, index) => referencesOf(one, `${param}[${index}]`));
  if (isRecord(value) && typeof value.file_id === "string") return [fileReference(value.file_id, `${param}.file_id`)];
  const named = isRecord(value) ? (value.image_url ?? value.url) : value;
  const url = isRecord(named) ? named.url : named;
  if (typeof url === "string" && url.trim() !== "") return [{ type: "reference", url: url.trim(), param, trusted: true }];
  throw mustBe(param, 'an image: a URL, a data URL, {"image_url": …} or {"file_id": …}', value);
}
