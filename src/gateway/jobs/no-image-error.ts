// The error of an image job whose generation ended without an image.

import { type GenerateEvent, noImageText } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

/** Why a generation that ended without a failure has no image. */
export function noImageError({ finish, message, upstreamReason }: Extract<GenerateEvent, { type: "done" }>, text: string): AppError {
  const fallback = message ?? noImageText(upstreamReason);
  const refused = finish.startsWith("policy");
  const reason = refused ? (finish === "policy_input" ? "policy_input" : "policy_output") : "text_only";
  const detail = { scope: "request" as const, reason } as const;
  return refused
    ? new AppError("content_policy", fallback, { charged: true, detail })
    : new AppError("no_result", text.trim() || fallback, { charged: true, detail });
}
