// One call on one leased token: the provider's events become ours, its drafts become media.

import type { GenerateEvent, ImageRequest, Media, ProviderEvent } from "../../domain/generation.ts";
import { AppError, asCharged, type ErrorKind, knownFailure } from "../../errors.ts";
import type { Provider } from "../../providers/provider.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import type { Affinity } from "./affinity.ts";

/** What came of a call that was answered. */
export type Answer = Omit<Extract<ProviderEvent, { type: "finish" }>, "type"> & { images: Media[]; text: string };

/** Tells, also while and after it failed, whether the call may have been charged. */
export type AttemptState = {
  submitted: boolean;
  /** It ended, and cost nothing. */
  isRefused?: boolean;
  /** Awaited before the body leaves; when it throws, nothing is sent. */
  onSubmit?: () => Promise<void>;
};

type Dependencies = { tokens: Credentials; affinity: Affinity; media: Pick<MediaStore, "keep" | "discard"> };
type Owner = { keyId: number | null; requestId: string };

/**
 * Runs the call and tells what happens. A result is stored before it is told.
 * @throws {AppError} as {@link Provider.generateImages}; marked as charged when the upstream may have taken it
 */
export async function attemptImage(
  { tokens, affinity, media }: Dependencies,
  provider: Provider,
  lease: Lease,
  request: ImageRequest,
  owner: Owner,
  signal: AbortSignal,
  state: AttemptState,
  tell: (event: GenerateEvent) => void,
): Promise<Answer> {
  const images: Media[] = [];
  let text = "";
  let isDrawn = false;
  const token = await tokens.open(lease.tokenId, lease.proxy);
  const facts = { origin: "result" as const, family: request.family, ...owner };
  try {
    for await (const event of provider.generateImages(request, token, tokens.callContext(token, signal))) {
      isDrawn ||= event.type === "image";
      if (event.type === "text" && event.signature) affinity.rememberSignature(event.signature, lease.tokenId);
      if (event.type === "submitted") {
        await state.onSubmit?.();
        state.submitted = true;
      } else if (event.type === "progress") tell(event.stage === "uploading" ? { ...event, type: "uploading" } : { type: event.stage });
      else if (event.type === "text" && event.thought) {
        if (request.includeThoughts) tell({ type: "thought", text: event.text, signature: event.signature });
      } else if (event.type === "text") {
        text += event.text;
        tell({ type: "text", text: event.text, signature: event.signature });
      } else if (event.type === "image" && event.thought && !request.includeThoughts) {
        await media.discard(event.draft);
      } else if (event.type === "image") {
        tell({ type: "storing" });
        const stored = await media.keep(event.draft, facts);
        affinity.remember(stored.id, { tokenId: lease.tokenId, signature: event.signature });
        if (!event.thought) images.push(stored);
        tell({ type: event.thought ? "draft" : "image", media: stored, signature: event.signature });
      } else if (event.type === "finish") {
        const { type: _, ...end } = event;
        return { ...end, images, text };
      }
    }
  } catch (error) {
    const known = knownFailure(error);
    const failure = known && signal.aborted && signal.reason instanceof AppError ? signal.reason : known;
    if (!failure) throw error;
    throw isDrawn || (state.submitted && mayBeCharged(failure)) ? asCharged(failure) : failure;
  }
  throw new AppError("upstream_unavailable", "The provider ended without a result.", { charged: state.submitted });
}

/** Failures of others than the upstream: it was asked, and may have made what nobody has got. */
const MAY_COST: ReadonlySet<ErrorKind> = new Set<ErrorKind>(["cancelled", "unavailable", "upstream_timeout", "upstream_unknown_outcome"]);

/** After the body was sent only an answer that refuses is free; everything else may cost. A picture that came was paid for, kept or not. */
const mayBeCharged = (error: AppError): boolean => error.charged || MAY_COST.has(error.kind);
