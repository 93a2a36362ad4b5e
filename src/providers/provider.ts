// The contract between the gateway and an upstream. Half of it is documentation; adapters live in folders beside it.

import type {
  ImageFinish,
  ImageRequest,
  Json,
  Kind,
  TempFile,
  TempFileWriter,
  Thinking,
  Tier,
  Usage,
  VideoRequest,
} from "../domain/generation.ts";
import type { AppError } from "../errors.ts";

/**
 * A token as an adapter sees it: the secret in clear, for the length of one call.
 * It is never logged, never put in an error, and sent to the upstream's own origin only.
 */
export type ProviderToken = {
  /** Stable id of the token in the pool; adapters may key their caches by it. */
  id: number;
  /** `gemini`: an API key. `flow`: the value of the session cookie. `vertex`: JSON key of a service account, or a key of express mode. */
  secret: string;
  /** Outgoing proxy for every call of this token (`http://user:pass@host:port`, `socks5://…`), or null for none. */
  proxy: string | null;
  /** Where the upstream is to serve it, for a provider that has locations; null or absent: its own default. */
  location?: string | null;
  /** What this adapter asked to remember of the token (access token, project, …). Opaque to everyone else, encrypted at rest. */
  state: ProviderState;
};

/** JSON that an adapter stores with a token. It may hold secrets. */
export type ProviderState = Record<string, unknown>;

/** What the gateway lends to an adapter for one call. */
export type CallContext = {
  /** Aborts when the client left, the deadline passed or the server stops. Its reason is an AppError. */
  signal: AbortSignal;
  /** Opens a file for the bytes of one result of the given MIME type. Results are held whole in memory only as far as `hold` allows. */
  openTempFile(mime: string): Promise<TempFileWriter>;
  /**
   * Whether so many bytes more may be held in memory until the call's end. A response that may not is written to temp files as it arrives.
   * Absent: half a mebibyte.
   */
  hold?(bytes: number): boolean;
  /** Merges into the token's remembered state; resolves when it is stored. A changed `secret` (rotated session) is stored as well. */
  remember(change: { state?: ProviderState; secret?: string }): Promise<void>;
  /**
   * Runs `work` while no other node does so for this token, with what is stored of it by then. Absent: there are no other nodes.
   * @throws {AppError} `unavailable` when it is not its turn in time
   */
  exclusively?<T>(work: (stored: { secret: string; state: ProviderState }) => Promise<T>): Promise<T>;
};

/**
 * Receives what happens during one call for an image, in order. A method that throws or rejects ends the call: the provider aborts it and
 * throws the same error.
 */
export interface ImageSink {
  /** Upload `index` of `total` inputs begins, from 1. */
  onUpload(index: number, total: number): void;
  onStage(stage: "generating" | "upscaling" | "downloading"): void;
  /** Awaited immediately before the body of the generating call leaves; once it has resolved the upstream may charge. Once per call. */
  onSubmit(): void | Promise<void>;
  onText(text: string, thought: boolean, signature?: string): void;
  /** Takes over the temp file, also when it fails; resolves when the provider may go on. */
  onImage(file: TempFile, thought: boolean, signature?: string): void | Promise<void>;
}

/** A family as its provider calls it. */
export type WireModel = {
  kind: Kind;
  /** The provider's own id. */
  wire: string;
  aspects: readonly string[];
  /** Image sizes that may be sent; another is left out. */
  sizes: readonly string[];
  /** What the provider calls each level of thinking; null: there is no choice. */
  levels: Readonly<Partial<Record<Thinking, string>>> | null;
  /** Whether it thinks and returns its thoughts when they are asked for. */
  thinks: boolean;
};

/** The families of one provider, as of now: the catalogue may change while an adapter lives. */
export type ProviderModels = {
  /** By public family id; null: this provider does not have it. */
  find(family: string): WireModel | null;
  /** Public ids of the families that have this id at the provider. */
  familiesOf(wire: string): readonly string[];
  /** Whether an id is a name of a known model: a preview of it, or one that is retired. */
  isName(id: string): boolean;
  /** Families that every token can be expected to have. */
  assumed(): readonly string[];
};

/** What a check of a token learned. A field is absent when the upstream did not report: absent never overwrites what is known. */
export type TokenFacts = {
  /** Who the token belongs to, e.g. an e-mail address. */
  identity?: string;
  tier?: Tier;
  credits?: number;
  /** Public family ids that this token can really serve, and ids of the provider for what may be a model of images or videos and is no family yet. */
  families?: string[];
  /** Those of `families` that are no family yet, with what they may make. */
  found?: { provider: string; id: string; kind: Kind }[];
  /** Epoch ms at which the check should be repeated at the latest (an access token's end, for one). */
  renewBefore?: number;
};

/** How far a video is. `operation`, `step` and `result` are the adapter's own JSON, persisted by the caller. */
export type VideoStatus =
  /** `progress` 0 to 100 where the upstream reports it; null where it does not. */
  | { state: "pending"; progress: number | null }
  /** One stage is done and the next needs a submission of its own (upscale, concatenation): see `continueVideo`. */
  | { state: "next"; step: Json }
  /** Finished upstream; the bytes are fetched by `downloadVideo`. `usage` null when not reported; `note`: what was asked for and is missing. */
  | { state: "done"; result: Json; usage: Usage | null; note?: string }
  /** The upstream's final word. A refusal is `content_policy`, also one in words instead of a video; an end with nothing is `no_result`. */
  | { state: "failed"; error: AppError }
  /** It has ended upstream, and what came of it cannot be learned: the operator decides, the reservation remains. */
  | { state: "unknown"; error: AppError };

/**
 * An upstream. Implementations throw AppError only; what a failure means is decided from status and parsed body,
 * never from message text. The kinds they throw:
 *
 * - nothing was charged and another token may serve: `upstream_rate_limited`, `upstream_quota`, `upstream_unauthorized`,
 *   `upstream_model_denied`, `upstream_verification`, `upstream_unavailable`, `network` (the request never left);
 * - the request itself is at fault: `upstream_invalid`, `content_policy`;
 * - it may have been charged, nobody may repeat it: `upstream_timeout`, `upstream_unknown_outcome`;
 * - the caller stopped it: `cancelled`.
 *
 * Refusals that arrive with HTTP 200 are not thrown: they are an `ImageFinish`.
 */
export interface Provider {
  readonly name: string;

  /**
   * Validates the token without cost: renews what can be renewed and learns identity, plan, credits and families.
   * @throws {AppError} `upstream_unauthorized` (dead), `upstream_verification`, `network`, `upstream_unavailable`, `upstream_timeout`
   */
  check(token: ProviderToken, call: CallContext): Promise<TokenFacts>;

  /**
   * Makes one image (or none, when the upstream refuses): calls `sink.onSubmit` before the generating call leaves, `sink.onImage` with every
   * image as a finished temp file, and resolves with how it ended. When it throws, the upstream call is aborted and temp files that the
   * sink did not get are deleted.
   */
  generateImages(request: ImageRequest, token: ProviderToken, call: CallContext, sink: ImageSink): Promise<ImageFinish>;

  /**
   * Submits a video. The body may be charged from the moment it leaves; `onSubmit` is called, and awaited, immediately before that.
   * Uploads of inputs come before it and are free. Resolves with the handle, to be persisted before it is returned.
   * @throws {AppError} as above; `upstream_unknown_outcome` or `upstream_timeout` when it may run without our knowing its handle
   */
  startVideo(request: VideoRequest, token: ProviderToken, call: CallContext, onSubmit: () => Promise<void>): Promise<{ operation: Json }>;

  /** Submits the next stage after a `next`, as {@link startVideo} does. */
  continueVideo(step: Json, token: ProviderToken, call: CallContext, onSubmit: () => Promise<void>): Promise<{ operation: Json }>;

  /**
   * Asks once, with the token that submitted. Free, may be repeated.
   * @throws {AppError} only when the asking failed (`network`, `upstream_unavailable`, `upstream_unauthorized`, …): the video goes on
   */
  pollVideo(operation: Json, token: ProviderToken, call: CallContext): Promise<VideoStatus>;

  /** Streams the finished video to a temp file. Free, may be repeated; waits for a file that is still being processed. */
  downloadVideo(result: Json, token: ProviderToken, call: CallContext): Promise<TempFile>;

  /** Asks the upstream to stop; false where it cannot or would not. */
  cancelVideo(operation: Json, token: ProviderToken, call: CallContext): Promise<boolean>;
}
