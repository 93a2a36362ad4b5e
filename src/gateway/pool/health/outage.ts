// Outage rules: is a failure without a response the fault of the token's proxy, our network, or the upstream? Pure.

const WINDOW_MS = 60_000;

type UnreachableCall = { tokenId: number; proxy: string | null; at: number };

/** Calls that never left this machine, since the last response of any upstream. */
export type NetworkState = {
  readonly failing: readonly UnreachableCall[];
  /** Since when our own network is thought to be down (epoch ms); null: it works. */
  readonly degradedSince: number | null;
};

export const NETWORK_WORKS: NetworkState = Object.freeze({ failing: [], degradedSince: null });

/** `ours`: no token is at fault; `proxy`: the token's proxy is; `unclear`: too early to say. */
export type NetworkVerdict = "ours" | "proxy" | "unclear";

/** Enabled tokens by the proxy that their calls take; null is the direct way. */
export type Routes = ReadonlyMap<string | null, number>;

/**
 * One more call that could not reach its upstream. Several tokens failing without any response between, or the only token there is,
 * mean that our own network is down; tokens that share one proxy count as one route while other routes exist.
 */
export function afterUnreachable(
  state: NetworkState,
  failure: UnreachableCall,
  routes: Routes,
): { state: NetworkState; verdict: NetworkVerdict } {
  const { tokenId, at } = failure;
  const others = state.failing.filter((seen) => seen.tokenId !== tokenId && seen.at <= at && at - seen.at <= WINDOW_MS);
  const failing = [...others, failure];
  const tokens = [...routes.values()].reduce((sum, count) => sum + count, 0);
  const oneProxy = failure.proxy !== null && routes.size > 1 && failing.every((seen) => seen.proxy === failure.proxy);
  const ours = state.degradedSince !== null || tokens <= 1 || (failing.length > 1 && !oneProxy);
  if (ours) return { state: { failing, degradedSince: state.degradedSince ?? failing[0]!.at }, verdict: "ours" };
  return { state: { failing, degradedSince: null }, verdict: failure.proxy === null ? "unclear" : "proxy" };
}

/** An upstream responded, whatever it said: the network works. */
export function afterResponse(state: NetworkState): NetworkState {
  return state.failing.length > 0 || state.degradedSince !== null ? NETWORK_WORKS : state;
}

/** Recent overloads of one upstream and model, by token. */
export type Overloads = readonly { tokenId: number; at: number }[];

/** One more overload; `shared` when several tokens saw one within a minute: then the upstream is at fault, not a token. */
export function afterOverload(seen: Overloads, tokenId: number, now: number): { seen: Overloads; shared: boolean } {
  const others = seen.filter((one) => one.tokenId !== tokenId && one.at <= now && now - one.at <= WINDOW_MS);
  return { seen: [...others, { tokenId, at: now }].slice(-16), shared: others.length > 0 };
}
