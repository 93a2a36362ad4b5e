// Parts of pages that are sent again as they change: server-sent events, for as long as the session and the reader last.
import type { VNode } from "preact";
import { fragmentText } from "../../views/html.ts";
import type { View } from "../../views/view.ts";
import { sleep } from "../clock.ts";
import type { AdminContext } from "./context.ts";
import { viewOf } from "./page.ts";

type Server = { timeout(request: Request, seconds: number): void } | null;

/** How often a part is looked at, ms; and how often a word is sent although nothing changed, in looks. */
const LOOK_MS = 1_000;
const HEARTBEAT_LOOKS = 15;

/**
 * Sends `content` at once and whenever its text differs. For `hx-sse:connect`: each frame is swapped in by the element's own `hx-swap`.
 * Ends when the reader leaves, the session is over or the server stops.
 */
export function live(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  content: (view: View) => VNode | Promise<VNode>,
): Response {
  let last = "";
  return frames(ctx, { request, server }, async (view) => {
    const text = fragmentText(await content(view));
    const shown = text.replace(/>[^<]*<\/time>/g, "></time>");
    if (shown === last) return null;
    last = shown;
    return dataOf(text);
  });
}

/**
 * Sends what is new, a piece at a time: for `hx-sse:connect` with an `hx-swap` that adds. `next` gives null while there is nothing; after a
 * broken connection it is asked for what follows `id`, of the last piece that arrived.
 */
export function follow(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  next: (view: View, after: string | null) => { id: string; content: VNode } | null,
): Response {
  let after = request.headers.get("last-event-id");
  return frames(ctx, { request, server }, async (view) => {
    const piece = next(view, after);
    if (!piece) return null;
    after = piece.id;
    return `id: ${piece.id}\n${dataOf(fragmentText(piece.content))}`;
  });
}

const dataOf = (text: string): string => text.replace(/^/gm, "data: ");

/** An event stream of what `look` gives each second; null: nothing to send. */
function frames(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  look: (view: View) => Promise<string | null>,
): Response {
  server?.timeout(request, 0);
  const { sessionId } = ctx.visitorOf(request);
  const gone = new AbortController();
  const signal = AbortSignal.any([request.signal, gone.signal, ctx.stopping]);
  const encoder = new TextEncoder();
  const produce = async function* () {
    for (let looks = 0; !signal.aborted; looks++) {
      if (looks % HEARTBEAT_LOOKS === 0 && (!sessionId || !(await ctx.sessions.find(sessionId)))) return;
      const frame = await look(viewOf(ctx, request));
      if (frame !== null) yield `${frame}\n\n`;
      else if (looks % HEARTBEAT_LOOKS === 0) yield ": still here\n\n";
      await sleep(ctx.clock, LOOK_MS, signal).catch(() => {});
    }
  };
  const source = produce();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => gone.abort(),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}
