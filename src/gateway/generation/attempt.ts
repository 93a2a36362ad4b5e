// Attempt: one call on one leased token, and the sink of its provider. Temp files become media items, what happens becomes events.

import type { GenerateEvent, ImageFinish, ImageRequest, Media, TempFile } from "../../domain/generation.ts";
import { AppError, asCharged, type ErrorKind, knownFailure } from "../../errors.ts";
import type { ImageSink, Provider } from "../../providers/provider.ts";
import type { MediaFacts } from "../media/describe-media.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import type { Affinity } from "./inputs/affinity.ts";

/** Result of a call that the upstream answered. */
export type CallResult = ImageFinish & { images: Media[]; text: string };

/** Whether the call may have been charged; valid also while it runs and after it failed. */
export type AttemptState = {
  submitted: boolean;
  /** It ended, and cost nothing. */
  isRefused?: boolean;
  /** Awaited before the body leaves; when it throws, nothing is sent. */
  onSubmit?: () => Promise<void>;
};

type Dependencies = { tokens: Credentials; affinity: Affinity; media: Pick<MediaStore, "keep" | "discard"> };
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
export async function attemptImage(deps: Dependencies, attempt: Attempt): Promise<CallResult> {
  const { provider, lease, request, signal, state } = attempt;
  const token = await deps.tokens.open(lease.tokenId, lease.proxy);
  const sink = new AttemptSink(deps, attempt);
  try {
    const finish = await provider.generateImages(request, token, deps.tokens.callContext(token, signal), sink);
    return { ...finish, images: sink.images, text: sink.text };
  } catch (thrown) {
    const error = sink.failure ?? thrown;
    const known = knownFailure(error);
    const failure = known && signal.aborted && signal.reason instanceof AppError ? signal.reason : known;
    if (!failure) throw error;
    throw sink.hasImage || (state.submitted && mayBeCharged(failure)) ? asCharged(failure) : failure;
  }
}

class AttemptSink implements ImageSink {
  readonly images: Media[] = [];
  text = "";
  /** An image came, stored or not. */
  hasImage = false;
  /** Our own failure, which the provider may have thrown on as one of its upstream. */
  failure: unknown;

  constructor(
    private readonly deps: Dependencies,
    private readonly attempt: Attempt,
  ) {}

  onUpload(index: number, total: number): void {
    this.attempt.emit({ type: "uploading", index, total });
  }

  onStage(type: "generating" | "upscaling" | "downloading"): void {
    this.attempt.emit({ type });
  }

  async onSubmit(): Promise<void> {
    const { state } = this.attempt;
    await this.own(() => state.onSubmit?.());
    state.submitted = true;
  }

  onText(text: string, thought: boolean, signature?: string): void {
    const { lease, request, emit } = this.attempt;
    if (signature) this.deps.affinity.rememberSignature(signature, lease.tokenId);
    if (thought && !request.includeThoughts) return;
    if (!thought) this.text += text;
    emit({ type: thought ? "thought" : "text", text, signature });
  }

  async onImage(file: TempFile, thought: boolean, signature?: string): Promise<void> {
    const { affinity, media } = this.deps;
    const { lease, request, emit } = this.attempt;
    this.hasImage = true;
    if (thought && !request.includeThoughts) return media.discard(file);
    emit({ type: "storing" });
    const facts: MediaFacts = { origin: "result", family: request.family, ...this.attempt.media };
    const stored = await this.own(() => media.keep(file, facts));
    affinity.remember(stored.id, { tokenId: lease.tokenId, signature });
    if (!thought) this.images.push(stored);
    emit({ type: thought ? "draft" : "image", media: stored, signature });
  }

  private async own<T>(act: () => Promise<T> | T): Promise<T> {
    try {
      return await act();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

/** Failures outside the upstream: it was asked, and may have made an image that was not received. */
const MAY_COST: ReadonlySet<ErrorKind> = new Set<ErrorKind>(["cancelled", "unavailable", "upstream_timeout", "upstream_unknown_outcome"]);

/** After the body was sent only a refusal is free; everything else may cost. A received image was paid for, stored or not. */
const mayBeCharged = (error: AppError): boolean => error.charged || MAY_COST.has(error.kind);
