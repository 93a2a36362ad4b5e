// Server-sent events: frames of a source, heartbeats in silence, cancellation when the reader leaves.
import type { Clock } from "../clock.ts";
import { Heartbeat } from "./heartbeat.ts";

/**
 * A comment, ended by one newline: with a blank line after it openai-go before 3.43 dispatches an empty event and fails.
 * Google's clients break on any comment, langchaingo before 0.1.14 does in chat.
 */
export const COMMENT = ": ping\n";
/** Silence between frames after which a heartbeat is sent, in ms. Clients and proxies with a limit of 10 s see one in time. */
export const HEARTBEAT_MS = 9_000;
/** Silence before the first frame after which comments begin, in ms: readers expect an event first, proxies cut at 30 s and later. */
export const FIRST_COMMENT_MS = 25_000;

/** One frame of `data`, with an event name where the protocol has them. */
export function frame(data: unknown, event?: string): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return event ? `event: ${event}\ndata: ${text}\n\n` : `data: ${text}\n\n`;
}

type Piece = string | Uint8Array;

/** Writes the frames of one response. Exactly one of `left` and `ended` is called, unless it throws. */
export interface FrameSource {
  /**
   * What comes next: whole frames, or a piece of a large one, which a blank line ends. Bytes are pieces of one frame that has no end.
   * Null: nothing follows. Undefined: nothing is at hand.
   */
  take(): Piece | null | undefined;
  /** Resolves when there may be something at hand. */
  more(): Promise<void>;
  /** Fills a silence between frames. */
  heartbeat(): string;
  /** The reader left before the end. */
  left(): unknown;
  /** All frames were handed over. */
  ended(): void;
}

export type StreamSettings = {
  clock: Clock;
  /** Silence before the first heartbeat, in ms; absent: as between frames. */
  firstMs?: number;
  headers?: Readonly<Record<string, string>>;
};

type StreamOptions = StreamSettings & {
  /** A function is called for each heartbeat. */
  heartbeat: string | (() => string);
  /** The reader left before the end. */
  onCancel(): void;
  /** All frames were handed over. */
  onEnd?(): void;
};

const EVENT_HEADERS = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no" };

/** A response that writes what a source gives as the reader takes it, with heartbeats between frames. */
export const streamSource = (source: FrameSource, settings: StreamSettings): Response =>
  new Response(directStream(new FrameStream(source, settings)), { headers: { ...EVENT_HEADERS, ...settings.headers } });

/** Writes to the socket itself, without a queue of chunks. The types of browsers, which win here, know no such source. */
const directStream = (source: Bun.DirectUnderlyingSource) => new ReadableStream(source as unknown as UnderlyingDefaultSource);

/** As {@link streamSource}, for the frames of a generator. */
export const streamFrames = (frames: AsyncGenerator<Piece>, options: StreamOptions): Response =>
  streamSource(new GeneratedFrames(frames, options), options);

class GeneratedFrames implements FrameSource {
  private piece: Piece | null | undefined;

  constructor(
    private readonly frames: AsyncGenerator<Piece>,
    private readonly options: StreamOptions,
  ) {}

  take(): Piece | null | undefined {
    const { piece } = this;
    this.piece = undefined;
    return piece;
  }

  async more(): Promise<void> {
    const { done, value } = await this.frames.next();
    this.piece = done ? null : value;
  }

  heartbeat(): string {
    const { heartbeat } = this.options;
    return typeof heartbeat === "string" ? heartbeat : heartbeat();
  }

  left(): Promise<unknown> {
    this.options.onCancel();
    return this.frames.return(undefined);
  }

  ended(): void {
    this.options.onEnd?.();
  }
}

class FrameStream implements Bun.DirectUnderlyingSource<Uint8Array> {
  readonly type = "direct";
  private isBetweenFrames = true;
  private silenceMs: number;
  private controller: ReadableStreamDirectController | null = null;
  private hasLeft = false;
  private readonly beats: Heartbeat;

  constructor(
    private readonly source: FrameSource,
    { clock, firstMs = HEARTBEAT_MS }: StreamSettings,
  ) {
    this.silenceMs = firstMs;
    this.beats = new Heartbeat(clock, HEARTBEAT_MS, this);
  }

  beat(): void {
    this.controller!.write(this.source.heartbeat());
    this.controller!.flush();
  }

  async cancel(): Promise<void> {
    this.hasLeft = true;
    this.beats.stop();
    await this.source.left();
  }

  /** Writes everything; resolves at the end, or when the reader has left. */
  async pull(controller: ReadableStreamDirectController): Promise<void> {
    this.controller = controller;
    try {
      for (let piece = this.source.take(); piece !== null && !this.hasLeft; piece = this.source.take()) {
        if (piece === undefined) await this.more(controller);
        else {
          // A slow reader: the promise resolves when it has taken what was written, and when it leaves.
          const written = this.write(controller, piece);
          if (written instanceof Promise) await written;
        }
      }
      if (!this.hasLeft) this.end(controller);
    } catch (error) {
      this.beats.stop();
      if (this.hasLeft) return;
      controller.flush();
      controller.close(error as Error);
    }
  }

  private more(controller: ReadableStreamDirectController): Promise<void> {
    controller.flush();
    if (this.isBetweenFrames) this.beats.wait(this.silenceMs);
    return this.source.more();
  }

  private write(controller: ReadableStreamDirectController, piece: Piece): number | Promise<number> {
    this.beats.rest();
    this.silenceMs = HEARTBEAT_MS;
    this.isBetweenFrames = typeof piece === "string" && piece.endsWith("\n\n");
    return controller.write(piece);
  }

  private end(controller: ReadableStreamDirectController): void {
    this.beats.stop();
    controller.close();
    this.source.ended();
  }
}

/** A signal that aborts when the client leaves or `stop` is called: one controller, where `AbortSignal.any` would need a third signal. */
export function stoppable({ signal: client }: Pick<Request, "signal">): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort(client.aborted ? client.reason : undefined);
  if (client.aborted) stop();
  else client.addEventListener("abort", stop, ONCE);
  return { signal: controller.signal, stop };
}

const ONCE = { once: true };
