// Access log: an id for every request, a count by path group and status, a debug line.
import { newRequestId } from "../ids.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Traces } from "../traces.ts";
import type { Arrival } from "./arrival.ts";

export type AccessLog = {
  /** Gives a request its id and its time. */
  begin(arrival: Arrival): void;
  /** Counts and logs the response, once. Without the query, which may hold a key. `route`: the pattern of its path; null: none serves it. */
  end(arrival: Arrival, status: number, route?: string | null): void;
};

/** Ids of the requests in flight, for the watchdog of the event loop. */
export type RequestTracker = { enter(requestId: string): number; leave(ticket: number): void };

type Dependencies = { metrics: Metrics; traces?: Traces; log: Log; now: () => number; watch?: RequestTracker };

export function createAccessLog({ metrics, traces, log, now, watch }: Dependencies): AccessLog {
  return {
    begin(arrival) {
      arrival.startedAt = now();
      arrival.requestId = newRequestId(arrival.startedAt);
      traces?.requestBegan(arrival.requestId, arrival.request, arrival.startedAt);
      if (watch) arrival.ticket = watch.enter(arrival.requestId);
    },
    end(arrival, status, route = null) {
      if (arrival.hasEnded) return;
      arrival.hasEnded = true;
      watch?.leave(arrival.ticket);
      metrics.requestEnded(pathGroupOf(arrival.group), STATUS_CLASSES[Math.floor(status / 100)] ?? "other");
      traces?.requestEnded(arrival.requestId, { status, route });
      if (!log.isWritten("debug")) return;
      const { requestId, path, startedAt, request } = arrival;
      log.debug("Request ended", { requestId, method: request.method, path: path.slice(0, 200), status, ms: now() - startedAt });
    },
  };
}

const STATUS_CLASSES = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];

/** First segment of a known path, else `other`: clients cannot create labels. */
function pathGroupOf(group: string): string {
  switch (group) {
    case "v1":
    case "v1beta":
    case "mcp":
    case "media":
    case "admin":
    case "health":
    case "ready":
    case "metrics":
      return group;
    default:
      return "other";
  }
}
