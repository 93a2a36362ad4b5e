// Attempt: one call on one leased token, and the sink of its provider. Temp files become media items, what happens becomes events.

import type { Clock } from "../../clock.ts";
import type { Base64, GenerateEvent, ImageFinish, ImageRequest, Media, TempFile } from "../../domain/generation.ts";
import { AppError, asCharged, type ErrorKind, knownFailure } from "../../errors.ts";
import type { ImageSink, Provider, ProviderToken } from "../../providers/provider.ts";
import type { MediaStore } from "../media/contract.ts";
import type { MemoryBudget } from "../media/memory-budget.ts";
import type { Lease } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import { type Affinity, MAX_SIGNATURE } from "./inputs/affinity.ts";

type Dependencies = { tokens: Credentials; affinity: Affinity; media: Pick<MediaStore, "store" | "discard">; clock: Pick<Clock, "now"> };

/** What the attempts of one image share. */
export interface AttemptOwner {
  /** Aborts when the calls are to end; its reason says why. */
  readonly signal: AbortSignal;
  /** Whose request it is: owner of what is stored. */
  readonly request: { key: { id: number }; requestId: string; onSubmit?: () => Promise<void> };
  /** Of results in memory. */
  readonly memory: MemoryBudget;
  emit(event: GenerateEvent): void;
  /** Whether the base64 of an image may stay in memory for its reader. */
  retain(base64: Base64): boolean;
}

/** Events without facts, the same for all calls. */
const STAGES = {
  generating: { type: "generating" },
  upscaling: { type: "upscaling" },
  downloading: { type: "downloading" },
  storing: { type: "storing" },
} as const satisfies Record<string, GenerateEvent>;

export class Attempt implements ImageSink {
  /** The body has left, or is about to: valid also while the call runs and after it failed. */
  submitted = false;
  /** Health, cost and its row are written. */
  isRecorded = false;
  readonly startedAt: number;
  /** It ended, and cost nothing. */
  isRefused = false;
  text = "";
  readonly images: Media[] = [];
  /** Counted in the budget until the call has ended. */
  private heldBytes = 0;
  private hasEnded = false;
  /** An image came, stored or not. */
  private hasImage = false;
  /** Our own failure, which the provider may have thrown on as one of its upstream. */
  private failure: unknown;

  constructor(
    private readonly deps: Dependencies,
    private readonly owner: AttemptOwner,
    readonly lease: Lease,
    readonly request: ImageRequest,
  ) {
    this.startedAt = deps.clock.now();
  }

  /**
   * Starts the call, which emits its events. A result is stored before its event. To be followed by {@link end}.
   * @throws {AppError} as {@link Provider.generateImages}, also at once
   */
  start(provider: Provider): Promise<ImageFinish> {
    const opened = this.deps.tokens.open(this.lease.tokenId, this.lease);
    return opened instanceof Promise ? this.startLater(provider, opened) : this.startWith(provider, opened);
  }

  private async startLater(provider: Provider, opened: Promise<ProviderToken>): Promise<ImageFinish> {
    return this.startWith(provider, await opened);
  }

  private startWith(provider: Provider, token: ProviderToken): Promise<ImageFinish> {
    return provider.generateImages(this.request, token, this.deps.tokens.callContext(token, this.owner.signal, this.hold), this);
  }

  /** What the call failed with, marked as charged when the upstream may have taken it. What fails after its end is another matter. */
  failureOf(thrown: unknown): unknown {
    if (this.hasEnded) return thrown;
    const { signal } = this.owner;
    const error = this.failure ?? thrown;
    const known = knownFailure(error);
    const failure = known && signal.aborted && signal.reason instanceof AppError ? signal.reason : known;
    if (!failure) return error;
    return this.hasImage || (this.submitted && mayBeCharged(failure)) ? asCharged(failure) : failure;
  }

  /** The upstream has answered, or the call has failed: gives back the memory that it holds. */
  end(): void {
    this.hasEnded = true;
    if (this.heldBytes > 0) this.owner.memory.give(this.heldBytes);
    this.heldBytes = 0;
  }

  private readonly hold = (bytes: number): boolean => {
    if (!this.owner.memory.take(bytes)) return false;
    this.heldBytes += bytes;
    return true;
  };

  onUpload(index: number, total: number): void {
    this.owner.emit({ type: "uploading", index, total });
  }

  onStage(type: "generating" | "upscaling" | "downloading"): void {
    this.owner.emit(STAGES[type]);
  }

  onSubmit(): void | Promise<void> {
    if (this.owner.request.onSubmit) return this.submitAfter(this.owner.request.onSubmit);
    this.submitted = true;
  }

  onText(text: string, thought: boolean, signature?: string): void {
    if (signature) this.deps.affinity.rememberSignature(signature, this.lease.tokenId);
    if (thought && !this.request.includeThoughts) return;
    if (!thought) this.text += text;
    this.owner.emit({ type: thought ? "thought" : "text", text, signature });
  }

  async onImage(file: TempFile, thought: boolean, signature?: string): Promise<void> {
    const { affinity, media } = this.deps;
    const { request, lease, owner } = this;
    this.hasImage = true;
    try {
      if (thought && !request.includeThoughts) return await media.discard(file);
      owner.emit(STAGES.storing);
      const { key, requestId } = owner.request;
      const source = { tokenId: lease.tokenId, signature: signature && signature.length <= MAX_SIGNATURE ? signature : null };
      const stored = await media.store(file, { origin: "result", family: request.family, keyId: key.id, requestId, source });
      affinity.remember(stored.id, lease.tokenId, signature);
      if (!thought) this.images.push(stored);
      const base64 = !thought && file.base64 && owner.retain(file.base64) ? file.base64 : undefined;
      if (thought) owner.emit({ type: "draft", media: stored, signature });
      else owner.emit({ type: "image", media: stored, signature, base64 });
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  private async submitAfter(onSubmit: () => Promise<void>): Promise<void> {
    try {
      await onSubmit();
    } catch (error) {
      this.failure = error;
      throw error;
    }
    this.submitted = true;
  }
}

/** Failures outside the upstream: it was asked, and may have made an image that was not received. */
const MAY_COST: ReadonlySet<ErrorKind> = new Set<ErrorKind>(["cancelled", "unavailable", "upstream_timeout", "upstream_unknown_outcome"]);

/** After the body was sent only a refusal is free; everything else may cost. A received image was paid for, stored or not. */
const mayBeCharged = (error: AppError): boolean => error.charged || MAY_COST.has(error.kind);
