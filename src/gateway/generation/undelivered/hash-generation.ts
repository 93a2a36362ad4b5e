// Hash of a generation: what makes two requests for images the same.
import { omit } from "../../../domain/omit.ts";
import type { ImageGeneration } from "../contract.ts";
import { storeOptions } from "../stored-options.ts";
import { hashRequest } from "./hash-request.ts";

/** Facts of one request alone, and of how it is answered. */
export const NOT_COMPARED: ReadonlySet<string> = new Set([
  "requestId",
  "key",
  "stream",
  "signal",
  "onSubmit",
  "forJob",
  "insist",
  "startedAt",
  "imagesParam",
  "returnsBytes",
  "turns",
]);

/** What makes two requests the same: not when they came, how they are answered, nor under what id their images were stored. */
export function hashGeneration(request: ImageGeneration): Promise<string> {
  const facts = { ...request, ...storeOptions(request.options) };
  const options = Object.fromEntries(Object.entries(facts).filter(([name]) => !NOT_COMPARED.has(name)));
  const turns = request.turns.map(({ role, parts }) => [role, ...parts.map(bytesOf)]);
  return hashRequest({ options, turns });
}

/** A part by what it holds: bytes, else everything that it says. */
export function bytesOf(part: ImageGeneration["turns"][number]["parts"][number]): unknown {
  if ("image" in part) return part.image.data;
  return omit(part, ["signature"]);
}
