// Access log: an id for every request, a count by path group and status, a debug line.
import { newRequestId } from "../ids.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { splitUrl } from "./dialect.ts";

export type AccessLog = {
  /** Gives a request its id. */
  begin(request: Request): string;
  idOf(request: Request): string;
  startOf(request: Request): number;
  /** Counts and logs the response. Without the query, which may hold a key. */
  end(request: Request, status: number): void;
};

/** Ids of the requests in flight, for the watchdog of the event loop. */
export type RequestTracker = { enter(requestId: string): number; leave(ticket: number): void };

type Dependencies = { metrics: Metrics; log: Log; now: () => number; watch?: RequestTracker };

export function createAccessLog({ metrics, log, now, watch }: Dependencies): AccessLog {
  const arrivals = new WeakMap<Request, { id: string; at: number; ticket: number }>();
  const arrivalOf = (request: Request) => arrivals.get(request) ?? { id: "", at: now(), ticket: 0 };
  return {
    begin(request) {
      const at = now();
      const id = newRequestId(at);
      arrivals.set(request, { id, at, ticket: watch?.enter(id) ?? 0 });
      return id;
    },
    idOf: (request) => arrivalOf(request).id,
    startOf: (request) => arrivalOf(request).at,
    end(request, status) {
      const { path } = splitUrl(request.url);
      const { id, at, ticket } = arrivalOf(request);
      watch?.leave(ticket);
      metrics.requestEnded(pathGroupOf(path), `${Math.floor(status / 100)}xx`);
      log.debug("Request ended", { requestId: id, method: request.method, path: path.slice(0, 200), status, ms: now() - at });
    },
  };
}

/** First segment of a known path, else `other`: clients cannot create labels. */
function pathGroupOf(path: string): string {
  const word = path.split("/", 2)[1] ?? "";
  return ["v1", "v1beta", "media", "admin", "health", "ready", "metrics"].includes(word) ? word : "other";
}
