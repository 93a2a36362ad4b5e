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
  server?.timeout(request, 0);
  const { sessionId } = ctx.visitorOf(request);
  const gone = new AbortController();
  const signal = AbortSignal.any([request.signal, gone.signal, ctx.stopping]);
  const encoder = new TextEncoder();
  const frames = async function* () {
    let last = "";
    for (let looks = 0; !signal.aborted; looks++) {
      if (looks % HEARTBEAT_LOOKS === 0 && (!sessionId || !(await ctx.sessions.find(sessionId)))) return;
      const text = fragmentText(await content(viewOf(ctx, request)));
      const shown = text.replace(/>[^<]*<\/time>/g, "></time>");
      if (shown !== last) yield `${text.replace(/^/gm, "data: ")}\n\n`;
      else if (looks % HEARTBEAT_LOOKS === 0) yield ": still here\n\n";
      last = shown;
      await sleep(ctx.clock, LOOK_MS, signal).catch(() => {});
    }
  };
  const source = frames();
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
