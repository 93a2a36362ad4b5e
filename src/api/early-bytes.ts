// Responses in one piece behind proxies that cut silence (`server.early_bytes`): the head and blanks first, the body when it is there.
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { SettingsStore } from "../gateway/settings/settings.ts";
import type { Log } from "../log.ts";
import { HEARTBEAT_MS } from "./sse.ts";

/** Time from the request's arrival after which the head is sent, in ms: the first proxies cut at 30 s. */
export const EARLY_MS = 25_000;
/** White space before JSON is passed over by every parser of it (RFC 8259, section 2). */
const BLANK = new TextEncoder().encode(" ");

type Early = {
  api: { settings: SettingsStore; clock: Clock; log: Log };
  /** Epoch ms of arrival. */
  startedAt: number;
  /** Known before the body. */
  headers?: Record<string, string>;
  /** The dialect's envelope. */
  errorBody(error: unknown): unknown;
};

/** What `whole` makes; where the setting is on and that takes long, as a 200 that has begun: a failure is then an error object in it. */
export async function sendEarly(early: Early, whole: () => Promise<Response>): Promise<Response> {
  const { api, startedAt } = early;
  if (!api.settings.current().server.early_bytes) return whole();
  const response = whole();
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = api.clock.after(Math.max(0, startedAt + EARLY_MS - api.clock.now()), () => resolve(null));
  const first = await Promise.race([response, late]).finally(cancel);
  return first ?? begun(early, response);
}

function begun({ api, headers, errorBody }: Early, response: Promise<Response>): Response {
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  let isFirst = true;
  const body = async (): Promise<ReadableStream<Uint8Array>> => {
    try {
      return (await response).body!;
    } catch (error) {
      if (!(error instanceof AppError)) api.log.error("A response that had begun failed by a bug", { error });
      return new Response(JSON.stringify(errorBody(error))).body!;
    }
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (isFirst) {
          isFirst = false;
          return controller.enqueue(BLANK);
        }
        let cancel = () => {};
        const beat = () => {
          controller.enqueue(BLANK);
          cancel = api.clock.after(HEARTBEAT_MS, beat);
        };
        if (!reader) cancel = api.clock.after(HEARTBEAT_MS, beat);
        try {
          reader ??= (await body()).getReader();
          cancel();
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          cancel();
          controller.error(error);
        }
      },
      async cancel() {
        await reader?.cancel();
      },
    },
    { highWaterMark: 0 },
  );
  const own = { "content-type": "application/json; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no" };
  return new Response(stream, { headers: { ...own, ...headers } });
}
