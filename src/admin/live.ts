// Live updates: server-sent events that re-render page fragments while the session lasts.
import type { VNode } from "preact";
import { fragmentText } from "../../views/ui/html.ts";
import type { View } from "../../views/ui/view.ts";
import { sleep } from "../clock.ts";
import type { AdminContext } from "./context.ts";
import { viewOf } from "./page.ts";
import { type Part, textFor } from "./shared-parts.ts";

type Server = { timeout(request: Request, seconds: number): void } | null;

/** How often a part is polled, ms; and how often a word is sent although nothing changed, in polls. */
const LOOK_MS = 1_000;
const WAITED_FOR_MS = 400;
const HEARTBEAT_LOOKS = 15;

/**
 * Sends `content` at once and whenever its text differs, until it comes to an end: with `hx-sse:close="over"` the page listens no longer than
 * that, and hears of it by an event `over` on the element. Ends also when the reader leaves, the session is over or the server stops.
 */
export function liveUntil(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  content: (view: View) => Promise<{ node: VNode; isOver: boolean }>,
): Response {
  let last = "";
  const look = async (view: View) => {
    const { node, isOver } = await content(view);
    const text = dataOf(fragmentText(node));
    if (isOver) return { last: `${text}\n\nevent: over\ndata: over` };
    if (text === last) return null;
    last = text;
    return text;
  };
  return frames(ctx, { request, server }, look, WAITED_FOR_MS);
}

/**
 * Sends each of the parts again when it has changed: it takes the place of the element with its id, which keeps focus and what was chosen
 * in it. All are sent at first: nobody knows how old the page is.
 */
export function liveParts(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  look: (view: View, isFirst: boolean) => Promise<Part[]>,
): Response {
  const sent = new Map<string, Part>();
  return frames(ctx, { request, server }, async (view) => {
    const changed = (await look(view, sent.size === 0)).filter(
      (part) => sent.get(part.id) !== part && sent.get(part.id)?.shown !== part.shown,
    );
    for (const part of changed) sent.set(part.id, part);
    if (changed.length === 0) return null;
    return dataOf(changed.map((part) => partialOf(part.id, textFor(part, view))).join(""));
  });
}

const partialOf = (id: string, text: string): string => `<hx-partial hx-target="#${id}" hx-swap="outerMorph">${text}</hx-partial>`;

type Piece = { id: string; content: VNode };

/**
 * Sends what is new, a piece at a time: for `hx-sse:connect` with an `hx-swap` that adds. `next` gives null while there is nothing; after a
 * broken connection it is asked for what follows `id`, of the last piece that arrived.
 */
export function follow(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  next: (view: View, after: string | null) => Piece | null | Promise<Piece | null>,
): Response {
  let after = request.headers.get("last-event-id");
  return frames(ctx, { request, server }, async (view) => {
    const piece = await next(view, after);
    if (!piece) return null;
    after = piece.id;
    return `id: ${piece.id}\n${dataOf(fragmentText(piece.content))}`;
  });
}

const dataOf = (text: string): string => text.replace(/^/gm, "data: ");

/** An event stream of what `look` gives each second; null: nothing to send; `last`: nothing follows. */
function frames(
  ctx: AdminContext,
  { request, server }: { request: Request; server: Server },
  look: (view: View) => Promise<string | null | { last: string }>,
  everyMs = LOOK_MS,
): Response {
  server?.timeout(request, 0);
  const { sessionId } = ctx.sessionContextOf(request);
  const gone = new AbortController();
  const signal = AbortSignal.any([request.signal, gone.signal, ctx.stopping]);
  const encoder = new TextEncoder();
  const produce = async function* () {
    for (let looks = 0; !signal.aborted; looks++) {
      if (looks % HEARTBEAT_LOOKS === 0 && (!sessionId || !(await ctx.sessions.find(sessionId)))) return;
      const frame = await look(viewOf(ctx, request));
      if (frame !== null) yield `${typeof frame === "string" ? frame : frame.last}\n\n`;
      else if (looks % HEARTBEAT_LOOKS === 0) yield ": still here\n\n";
      if (frame !== null && typeof frame !== "string") return;
      await sleep(ctx.clock, everyMs, signal).catch(() => {});
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
