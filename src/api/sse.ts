// Server-sent events: frames of an async source, heartbeats in silence, cancellation when the reader leaves.
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

type StreamOptions = {
  clock: Clock;
  /** A function is called for each heartbeat. */
  heartbeat: string | (() => string);
  /** Silence before the first heartbeat, in ms; absent: as between frames. */
  firstMs?: number;
  headers?: Readonly<Record<string, string>>;
  /** The reader left before the end. */
  onCancel(): void;
  /** All frames were handed over. */
  onEnd?(): void;
};

/**
 * A response that writes each frame as it arrives. A large frame may arrive in pieces: a blank line ends it, and heartbeats are sent
 * only between frames; bytes are pieces of one frame that has no end. Exactly one of `onCancel` and `onEnd` runs, unless the source throws.
 */
export function streamFrames(frames: AsyncGenerator<string | Uint8Array>, options: StreamOptions): Response {
  const { clock, heartbeat, headers, onCancel, onEnd } = options;
  const encoder = new TextEncoder();
  let isBetweenFrames = true;
  let silenceMs = options.firstMs ?? HEARTBEAT_MS;
  let beats: Heartbeat | null = null;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const beat = () => controller.enqueue(encoder.encode(typeof heartbeat === "string" ? heartbeat : heartbeat()));
        beats = new Heartbeat(clock, HEARTBEAT_MS, beat);
      },
      async pull(controller) {
        if (isBetweenFrames) beats!.wait(silenceMs);
        silenceMs = HEARTBEAT_MS;
        try {
          const { done, value } = await frames.next();
          beats!.rest();
          if (done) {
            beats!.stop();
            controller.close();
            onEnd?.();
          } else controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
          isBetweenFrames = typeof value === "string" && value.endsWith("\n\n");
        } catch (error) {
          beats!.stop();
          controller.error(error);
        }
      },
      async cancel() {
        beats!.stop();
        onCancel();
        await frames.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no", ...headers },
  });
}

/** A signal that aborts when the client leaves or `stop` is called: one controller, where `AbortSignal.any` would need a third signal. */
export function stoppable({ signal: client }: Pick<Request, "signal">): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort(client.aborted ? client.reason : undefined);
  if (client.aborted) stop();
  else client.addEventListener("abort", stop, { once: true });
  return { signal: controller.signal, stop };
}
