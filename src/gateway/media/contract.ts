// Contract of the media store: what generations, jobs, dialects and the admin ask of stored bytes.
import type { Media, TempFile, TempFileWriter } from "../../domain/generation.ts";
import type { MediaBytes } from "./blobs.ts";
import type { MediaFacts } from "./describe-media.ts";

export interface MediaStore {
  /** Opens a temp file for the bytes of one media item; the claimed type decides nothing. */
  openTempFile(mime: string): Promise<TempFileWriter>;
  /**
   * Makes a temp file a media item. The temp file is used up, also by a failure.
   * @throws {AppError} for inputs `invalid_request` (unknown type, damaged, too many pixels), `limit_exceeded` (the key's share or its uploads
   * of the day are used up); for results `upstream_unknown_outcome`, charged (unknown type); `unavailable` when the disk is full
   */
  store(file: TempFile, facts: MediaFacts): Promise<Media>;
  /** As {@link store}, for bytes at hand. */
  storeBytes(bytes: Uint8Array | Blob, facts: MediaFacts): Promise<Media>;
  /** Null for anything but the id of a media item. */
  get(id: string): Promise<Media | null>;
  /** The row and its bytes at hand, read lazily; null also when they are missing or cut. @throws {AppError} `unavailable` */
  open(id: string): Promise<{ media: Media; blob: Blob } | null>;
  /** As {@link open}, for a response: bytes that are elsewhere are sent as they arrive. */
  read(id: string): Promise<{ media: Media; bytes: MediaBytes } | null>;
  /** A small WebP of an image, made at the first request. Null: the image is absent, or its type cannot be decoded. */
  thumbnail(id: string): Promise<Blob | null>;
  /** Drops a temp file. */
  discard(file: TempFile): Promise<void>;
  /** Deletes one media item; false when there is none. */
  remove(id: string): Promise<boolean>;
  /**
   * Frees space for so many bytes of a key's inputs, at the expense of its own older inputs only.
   * @throws {AppError} `limit_exceeded` when they do not fit into the key's share; `unavailable` when the disk is full
   */
  makeInputRoom(keyId: number, bytes: number): Promise<void>;
  /** The inputs that came with a request stay: something was begun with them. */
  claimInputs(requestId: string): void;
  /** A request is over: inputs of one that was refused, and which nobody has claimed, are deleted. Undefined: it had none. */
  endRequest(requestId: string, refused: boolean): Promise<void> | undefined;
  /** Deletes what is past its age, and what is beyond the total size. Resolves with the number deleted. */
  sweep(): Promise<number>;
  /** @throws {AppError} `unavailable` when less disk is free than `media.min_free_mb` */
  assertSpace(): void;
  /** Free bytes of the disk that media lie on, as of a few seconds ago at most. */
  freeBytes(): number;
  /** Bytes of all media together, right once {@link start} has resolved. */
  totalBytes(): number;
  /** Deletes what a crash left behind, learns the total size and begins to sweep every `media.sweep_interval`. */
  start(): Promise<void>;
  /** Ends the sweeping; resolves when a sweep under way has ended. */
  stop(): Promise<void>;
}
