// Server-sent events: frames from an async source, a heartbeat when it is silent, an end when the reader leaves.
import type { Clock } from "../clock.ts";

/** A comment; OpenAI's clients ignore it, Google's break on it. */
export const COMMENT = ": ping\n\n";
/** Silence after which a heartbeat is sent, in ms. Proxies cut silent answers after 60 s and less. */
export const HEARTBEAT_MS = 10_000;

/** One frame of `data`, with an event name where the protocol has them. */
export function frame(data: unknown, event?: string): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return event ? `event: ${event}\ndata: ${text}\n\n` : `data: ${text}\n\n`;
}

/** `heartbeat` is a text that may stand between any two frames, or makes one for each time. */
type StreamOptions = { clock: Clock; heartbeat: string | (() => string); headers?: Record<string, string>; onCancel(): void };

/**
 * An answer that writes each frame as it comes. A large frame may come in pieces: only a piece that ends with a blank line ends a frame, and
 * only between frames a heartbeat is sent. `onCancel` runs when the reader goes away.
 */
export function streamFrames(frames: AsyncGenerator<string>, { clock, heartbeat, headers, onCancel }: StreamOptions): Response {
  const encoder = new TextEncoder();
  let cancelHeartbeat = () => {};
  let isBetweenFrames = true;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const beat = () => {
          controller.enqueue(encoder.encode(typeof heartbeat === "string" ? heartbeat : heartbeat()));
          cancelHeartbeat = clock.after(HEARTBEAT_MS, beat);
        };
        if (isBetweenFrames) cancelHeartbeat = clock.after(HEARTBEAT_MS, beat);
        try {
          const { done, value } = await frames.next();
          cancelHeartbeat();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(value));
          isBetweenFrames = value?.endsWith("\n\n") ?? true;
        } catch (error) {
          cancelHeartbeat();
          controller.error(error);
        }
      },
      async cancel() {
        cancelHeartbeat();
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
