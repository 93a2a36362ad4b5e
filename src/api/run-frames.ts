// Frames of a streamed generation: hears its events and writes what each of them is on the wire.

import type { GenerateEvent } from "../domain/generation.ts";
import { AppError } from "../errors.ts";
import type { Run } from "../gateway/generation/contract.ts";
import { EventReader, type EventSource, sourceOf } from "../gateway/generation/event-log.ts";
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
  /** The next of them. */
  private piece = "";
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

  take(): string | null | undefined {
    if (!this.isBegun) {
      this.isBegun = true;
      this.begin();
    }
    if (!this.isOver) this.hearNew();
    if (this.written !== "") return this.takeWritten();
    if (this.piece !== "") return this.takePiece();
    return this.isOver && this.pieces === null ? null : undefined;
  }

  more(): Promise<void> {
    return this.pieces === null && this.hearing === null && this.events instanceof EventReader ? this.events.more() : this.moreLater();
  }

  left(): Promise<unknown> {
    this.isOver = true;
    this.streamed.stop();
    return this.events.return();
  }

  ended(): void {
    this.streamed.run.delivered?.();
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

  private async moreLater(): Promise<void> {
    try {
      if (this.pieces !== null) await this.readPiece(this.pieces);
      else await (this.hearing ?? this.events.more());
      this.hearing = null;
    } catch (error) {
      this.failWith(error);
    }
  }

  private async readPiece(pieces: AsyncGenerator<string>): Promise<void> {
    const { done, value } = await pieces.next();
    if (done) this.pieces = null;
    else this.piece = value;
  }

  private takePiece(): string {
    const { piece } = this;
    this.piece = "";
    return piece;
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
