// Outcome of a request: badge and tone, and what came of it in words.
import type { RequestRow } from "../../src/domain/request.ts";
import { Badge, type BadgeTone } from "../ui/controls.tsx";
import { formatDuration } from "../ui/format.ts";
import type { IconName } from "../ui/icon.tsx";
import type { View } from "../ui/view.ts";
import { type Failure, outcomeWord, reasonWord } from "./failure-words.ts";

/** A row with the names of what it went through. */
export type ShownRequest = RequestRow & {
  keyName: string | null;
  /** Of the token that was tried last. */
  tokenLabel: string | null;
  /** Why it failed, in one machine word; null: it did not. */
  why: string | null;
};

/** Ours to mend, the client's, or nobody's. */
const TONES: Partial<Record<string, BadgeTone>> = {
  ok: "ok",
  cancelled: "off",
  content_policy: "warn",
  invalid_request: "warn",
  not_found: "warn",
  conflict: "warn",
  payload_too_large: "warn",
  unsupported_media_type: "warn",
  request_timeout: "warn",
  unauthorized: "warn",
  limit_exceeded: "warn",
  forbidden: "warn",
};

const ICONS: Partial<Record<string, IconName>> = {
  cancelled: "cancelled",
  upstream_unknown_outcome: "unknown",
  unauthorized: "lock",
  forbidden: "lock",
  upstream_rate_limited: "cool",
  limit_exceeded: "cool",
};

export const outcomeTone = (outcome: string): BadgeTone => TONES[outcome] ?? "bad";

export const OutcomeBadge = ({ view, outcome, title }: { view: View; outcome: string; title?: string }) => (
  <Badge tone={outcomeTone(outcome)} title={title} icon={ICONS[outcome]}>
    {outcomeWord(view, outcome)}
  </Badge>
);

/** The reason beside an outcome, where it says more. */
export function ReasonNote({ view, outcome, reason }: { view: View } & Failure) {
  return reason && reason !== outcome ? <small>{reasonWord(view, reason)}</small> : null;
}

/** What came of it, in words; null: nothing. */
export function resultText(view: View, { images, videoSeconds }: Pick<RequestRow, "images" | "videoSeconds">): string | null {
  if (images > 0) return view.t.requests.images(images);
  return videoSeconds > 0 ? formatDuration(videoSeconds * 1000) : null;
}
