// Puts a reply on the wire, as it should be or as a delivery fault has it.
import type { Reply } from "./exchange.ts";
import type { FaultName } from "./fault-table.ts";
import type { Fired } from "./faults.ts";

export type Delivery = {
  faults: Fired[];
  /** Ends when the client leaves or the simulator stops. */
  signal: AbortSignal;
  /** Earliest moment of the reply, in `performance.now()` milliseconds. */
  notBefore: number;
  /** Called once, when the reply is over or given up. */
  ended(): void;
};

const SLOW_PIECES = 20;
const HTML_PAGE = `<!DOCTYPE html>
<html lang=en><meta charset=utf-8><title>Error 502 (Server Error)!!1</title>
<p><b>502.</b> <ins>That's an error.</ins>
<p>The server encountered a temporary error and could not complete your request.<p>Please try again in 30 seconds. <ins>That's all we know.</ins>
`;

/** Waits as the faults say, then makes the response. Never rejects. */
export async function deliver(reply: Reply, delivery: Delivery): Promise<Response> {
  const fault = (name: FaultName) => delivery.faults.find((fired) => fired.fault === name);
  const extra = Number(fault("latency")?.argument ?? 0);
  await pause(Math.max(0, delivery.notBefore + extra - performance.now()) + (reply.delayMs ?? 0), delivery.signal);
  if (delivery.signal.aborted) {
    delivery.ended();
    return closed();
  }
  if (fault("hang")) {
    await pause(Number.POSITIVE_INFINITY, delivery.signal);
    delivery.ended();
    return closed();
  }
  if (fault("lost")) {
    delivery.ended();
    return closed();
  }
  const shaped = shape(reply, fault);
  if (fault("cut")) return cut(shaped, delivery);
  const slow = fault("slow");
  if (slow) return dripped(shaped, Number(slow.argument || 50), delivery);
  if (Array.isArray(shaped.body)) return dripped(shaped, 0, delivery);
  delivery.ended();
  return new Response(shaped.body, init(shaped));
}

function shape(reply: Reply, fault: (name: FaultName) => Fired | undefined): Reply {
  if (fault("html")) return { status: 502, headers: { "content-type": "text/html; charset=UTF-8" }, body: HTML_PAGE };
  if (fault("malformed")) return { ...reply, body: `${asText(reply.body).slice(0, 40)}\n}}]garbled` };
  let changed = reply;
  if (fault("escape-slash")) changed = mapText(changed, (text) => text.replaceAll("/", "\\/"));
  if (fault("escape-padding"))
    changed = mapText(changed, (text) => text.replace(/={1,2}(?=")/g, (padding) => "\\u003d".repeat(padding.length)));
  return changed;
}

function mapText(reply: Reply, change: (text: string) => string): Reply {
  if (typeof reply.body === "string") return { ...reply, body: change(reply.body) };
  return Array.isArray(reply.body) ? { ...reply, body: reply.body.map(change) } : reply;
}

function asText(body: Reply["body"]): string {
  if (typeof body === "string") return body;
  return Array.isArray(body) ? body.join("") : "binary";
}

function init(reply: Reply): ResponseInit {
  return { status: reply.status, ...(reply.headers ? { headers: reply.headers } : {}) };
}

/** A response whose stream fails before its first byte: the server closes the socket and sends nothing at all. */
export function closed(): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.error(undefined) }));
}

function cut(reply: Reply, delivery: Delivery): Response {
  const bytes = whole(reply.body);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.subarray(0, Math.ceil(bytes.length / 2)));
      setTimeout(() => {
        delivery.ended();
        controller.error(undefined);
      }, 5);
    },
  });
  return new Response(stream, init(reply));
}

function whole(body: Reply["body"]): Uint8Array {
  return typeof body === "string" || Array.isArray(body) ? new TextEncoder().encode(asText(body)) : body;
}

function dripped(reply: Reply, intervalMs: number, delivery: Delivery): Response {
  const pieces =
    intervalMs === 0 && Array.isArray(reply.body) ? reply.body.map((piece) => new TextEncoder().encode(piece)) : slices(whole(reply.body));
  let next = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next > 0) await pause(intervalMs + (next === 1 ? (reply.pauseMs ?? 0) : 0), delivery.signal);
      if (next >= pieces.length || delivery.signal.aborted) {
        delivery.ended();
        controller.close();
      } else controller.enqueue(pieces[next++]!);
    },
    cancel: () => delivery.ended(),
  });
  return new Response(stream, init(reply));
}

function slices(bytes: Uint8Array): Uint8Array[] {
  const size = Math.max(1, Math.ceil(bytes.length / SLOW_PIECES));
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

/** Resolves after so many milliseconds, or at once when the signal ends it. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = Number.isFinite(ms) ? setTimeout(done, ms) : undefined;
    signal.addEventListener("abort", done);
  });
}
