// Attempt: one call on one leased token. Provider events become generation events, temp files become media items.

import type { GenerateEvent, ImageRequest, Media, ProviderEvent } from "../../domain/generation.ts";
import { omit } from "../../domain/omit.ts";
import { AppError, asCharged, type ErrorKind, knownFailure } from "../../errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import type { Affinity } from "./inputs/affinity.ts";

/** Result of a call that the upstream answered. */
export type CallResult = Omit<Extract<ProviderEvent, { type: "finish" }>, "type"> & { images: Media[]; text: string };

/** Whether the call may have been charged; valid also while it runs and after it failed. */
export type AttemptState = {
  submitted: boolean;
  /** It ended, and cost nothing. */
  isRefused?: boolean;
  /** Awaited before the body leaves; when it throws, nothing is sent. */
  onSubmit?: () => Promise<void>;
};

type Dependencies = { tokens: Credentials; affinity: Affinity; media: Pick<MediaStore, "store" | "discard"> };
export type Attempt = {
  provider: Provider;
  lease: Lease;
  request: ImageRequest;
  /** Owner of what is stored. */
  media: { keyId: number | null; requestId: string };
  signal: AbortSignal;
  state: AttemptState;
  emit(event: GenerateEvent): void;
};

/**
 * Runs the call and emits its events. A result is stored before its event.
 * @throws {AppError} as {@link Provider.generateImages}; marked as charged when the upstream may have taken it
 */
export async function attemptImage({ tokens, affinity, media }: Dependencies, attempt: Attempt): Promise<CallResult> {
  const { provider, lease, request, signal, state, emit } = attempt;
  const images: Media[] = [];
  let text = "";
  let hasImage = false;
  const token = await tokens.open(lease.tokenId, lease.proxy);
  const facts = { origin: "result" as const, family: request.family, ...attempt.media };
  try {
    for await (const event of provider.generateImages(request, token, tokens.callContext(token, signal))) {
      hasImage ||= event.type === "image";
      if (event.type === "text" && event.signature) affinity.rememberSignature(event.signature, lease.tokenId);
      if (event.type === "submitted") {
        await state.onSubmit?.();
        state.submitted = true;
      } else if (event.type === "progress") emit(event.stage === "uploading" ? { ...event, type: "uploading" } : { type: event.stage });
      else if (event.type === "text" && event.thought) {
        if (request.includeThoughts) emit({ type: "thought", text: event.text, signature: event.signature });
      } else if (event.type === "text") {
        text += event.text;
        emit({ type: "text", text: event.text, signature: event.signature });
      } else if (event.type === "image" && event.thought && !request.includeThoughts) {
        await media.discard(event.draft);
      } else if (event.type === "image") {
        emit({ type: "storing" });
        const stored = await media.store(event.draft, facts);
        affinity.remember(stored.id, { tokenId: lease.tokenId, signature: event.signature });
        if (!event.thought) images.push(stored);
        emit({ type: event.thought ? "draft" : "image", media: stored, signature: event.signature });
      } else if (event.type === "finish") {
        return { ...omit(event, ["type"]), images, text };
      }
    }
  } catch (error) {
    const known = knownFailure(error);
    const failure = known && signal.aborted && signal.reason instanceof AppError ? signal.reason : known;
    if (!failure) throw error;
    throw hasImage || (state.submitted && mayBeCharged(failure)) ? asCharged(failure) : failure;
  }
  throw new AppError("upstream_unavailable", "The provider ended without a result.", { charged: state.submitted });
}

/** Failures outside the upstream: it was asked, and may have made an image that was not received. */
const MAY_COST: ReadonlySet<ErrorKind> = new Set<ErrorKind>(["cancelled", "unavailable", "upstream_timeout", "upstream_unknown_outcome"]);

/** After the body was sent only a refusal is free; everything else may cost. A received image was paid for, stored or not. */
const mayBeCharged = (error: AppError): boolean => error.charged || MAY_COST.has(error.kind);
