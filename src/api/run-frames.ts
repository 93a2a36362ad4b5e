// Frames of a streamed generation: hears its events and writes what each of them is on the wire.

import type { GenerateEvent } from "../domain/generation.ts";
import { AppError } from "../errors.ts";
import type { Run } from "../gateway/generation/contract.ts";
import { type EventSource, sourceOf } from "../gateway/generation/event-log.ts";
import type { Log } from "../log.ts";
import type { FrameSource } from "./sse.ts";

/** What is streamed, and how its client stops it. */
export type StreamedRun = { run: Run; stop(): void; log: Log };

/** A dialect says what each event is. What is written together leaves together. */
export abstract class RunFrames implements FrameSource {
  private readonly events: EventSource<GenerateEvent>;
  /** Written, and not handed over yet. */
  private written = "";
  /** A large frame, which leaves in pieces after the text. */
  private pieces: AsyncGenerator<string> | null = null;
  /** What the latest event waits for. */
  private hearing: Promise<void> | null = null;
  private isBegun = false;
  private isOver = false;

  constructor(protected readonly streamed: StreamedRun) {
    this.events = sourceOf(streamed.run.events);
  }

  abstract heartbeat(): string;
  /** Writes what comes before the first event. */
  protected abstract begin(): void;
  /** Writes an event. What it throws ends the frames like a failure of the generation. */
  protected abstract hear(event: GenerateEvent): void | Promise<void>;
  /** Writes what comes after the last event. */
  protected abstract end(): void;
  /** Writes a failure, after which nothing follows. */
  protected abstract fail(error: unknown): void;

  protected write(frames: string): void {
    this.written += frames;
  }

  /** Writes a frame that is not to be in memory whole; the last that its event writes. */
  protected writePieces(pieces: AsyncGenerator<string>): void {
    this.pieces = pieces;
  }

  next(): string | null | Promise<string | null> {
    if (!this.isBegun) {
      this.isBegun = true;
      this.begin();
    }
    const ready = this.read();
    return ready === undefined ? this.wait() : ready;
  }

  left(): Promise<unknown> {
    this.isOver = true;
    this.streamed.stop();
    return this.events.return();
  }

  ended(): void {
    this.streamed.run.delivered?.();
  }

  /** Hears what is there. The text of it, null at the end; undefined: it has to be waited for. */
  private read(): string | null | undefined {
    if (!this.isOver) this.hearNew();
    if (this.written !== "") return this.takeWritten();
    return this.isOver && this.pieces === null ? null : undefined;
  }

  private hearNew(): void {
    try {
      while (this.pieces === null && this.hearing === null) {
        const event = this.events.take();
        if (event === undefined) break;
        this.hearing = this.hear(event) ?? null;
      }
      if (this.pieces !== null || this.hearing !== null || !this.events.hasEnded) return;
      this.isOver = true;
      this.end();
    } catch (error) {
      this.failWith(error);
    }
  }

  private async wait(): Promise<string | null> {
    for (;;) {
      try {
        const ready = this.read();
        if (ready !== undefined) return ready;
        if (this.pieces !== null) {
          const piece = await this.nextPiece(this.pieces);
          if (piece !== null) return piece;
        } else {
          await (this.hearing ?? this.events.more());
          this.hearing = null;
        }
      } catch (error) {
        this.failWith(error);
      }
    }
  }

  private async nextPiece(pieces: AsyncGenerator<string>): Promise<string | null> {
    const { done, value } = await pieces.next();
    if (!done) return value;
    this.pieces = null;
    return null;
  }

  private takeWritten(): string {
    const { written } = this;
    this.written = "";
    return written;
  }

  private failWith(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.hearing = null;
    this.pieces = null;
    if (!(error instanceof AppError)) this.streamed.log.error("Streamed response failed", { error });
    this.fail(error);
    this.events.return().catch(() => {});
  }
}
