// Arrivals for tests: a request as from a given peer, at a given listener, behind given proxies.
import { Arrival, type Entrance, enterBy } from "./arrival.ts";

type Options = Partial<Entrance> & { trustProxy?: readonly string[] };

export function arriving(request: Request, { peer = null, listener = "all", trustProxy = [] }: Options = {}): Arrival {
  enterBy(request, { peer, listener });
  return new Arrival(request, { peerOf: () => null, trustProxy, publicUrl: () => "", listener: "all" });
}
