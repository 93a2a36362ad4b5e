// One number and one id for every request: counted by surface and status, written at debug level.
import { newTimeId } from "../ids.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { splitUrl } from "./dialect.ts";

export type AccessLog = {
  /** Names a request on its arrival. */
  begin(request: Request): string;
  idOf(request: Request): string;
  startOf(request: Request): number;
  /** Counts the answer. Queries are never written: they may hold a key. */
  end(request: Request, status: number): void;
};

/** Takes the ids of requests under way, for what watches the event loop. */
export type RequestTracker = { enter(requestId: string): number; leave(mark: number): void };

type Dependencies = { metrics: Metrics; log: Log; now: () => number; watch?: RequestTracker };

export function createAccessLog({ metrics, log, now, watch }: Dependencies): AccessLog {
  const arrivals = new WeakMap<Request, { id: string; at: number; mark: number }>();
  const arrivalOf = (request: Request) => arrivals.get(request) ?? { id: "", at: now(), mark: 0 };
  return {
    begin(request) {
      const at = now();
      const id = `req_${newTimeId(at)}`;
      arrivals.set(request, { id, at, mark: watch?.enter(id) ?? 0 });
      return id;
    },
    idOf: (request) => arrivalOf(request).id,
    startOf: (request) => arrivalOf(request).at,
    end(request, status) {
      const { path } = splitUrl(request.url);
      const { id, at, mark } = arrivalOf(request);
      watch?.leave(mark);
      metrics.http.inc({ surface: surfaceOf(path), status: `${Math.floor(status / 100)}xx` });
      log.debug("request", { requestId: id, method: request.method, path: path.slice(0, 200), status, ms: now() - at });
    },
  };
}

/** The first word of a path that we know; anything else is one word, so that clients cannot make labels. */
function surfaceOf(path: string): string {
  const word = path.split("/", 2)[1] ?? "";
  return ["v1", "v1beta", "media", "admin", "health", "ready", "metrics"].includes(word) ? word : "other";
}
