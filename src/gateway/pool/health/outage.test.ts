// Outage rules: unreachable upstreams, proxies, our own network, and shared overload.
import { expect, test } from "bun:test";
import { afterOverload, afterResponse, afterUnreachable, NETWORK_WORKS, type NetworkState, type Routes } from "./outage.ts";

const NOW = 1_000_000;
const direct: Routes = new Map([[null, 5]]);
const mixed: Routes = new Map([
  [null, 3],
  ["http://proxy:1", 2],
]);
const allProxied: Routes = new Map([["http://proxy:1", 4]]);

type Step = [tokenId: number, proxy: string | null, afterMs: number];
const CASES: [name: string, routes: Routes, steps: Step[], verdict: string, degradedSince: number | null][] = [
  ["one token of several", direct, [[1, null, 0]], "unclear", null],
  [
    "the same token again and again",
    direct,
    [
      [1, null, 0],
      [1, null, 10],
      [1, null, 20],
    ],
    "unclear",
    null,
  ],
  [
    "two tokens",
    direct,
    [
      [1, null, 0],
      [2, null, 5],
    ],
    "ours",
    NOW,
  ],
  ["the only token there is", new Map([[null, 1]]), [[1, null, 0]], "ours", NOW],
  [
    "two tokens more than a minute apart",
    direct,
    [
      [1, null, 0],
      [2, null, 60_001],
    ],
    "unclear",
    null,
  ],
  ["a token with a proxy alone", mixed, [[4, "http://proxy:1", 0]], "proxy", null],
  [
    "two tokens of one proxy, others go directly",
    mixed,
    [
      [4, "http://proxy:1", 0],
      [5, "http://proxy:1", 1],
    ],
    "proxy",
    null,
  ],
  [
    "a proxied and a direct token",
    mixed,
    [
      [4, "http://proxy:1", 0],
      [1, null, 1],
    ],
    "ours",
    NOW,
  ],
  [
    "two tokens of the only proxy",
    allProxied,
    [
      [1, "http://proxy:1", 0],
      [2, "http://proxy:1", 1],
    ],
    "ours",
    NOW,
  ],
];

test.each(CASES)("unreachable for %s", (_, routes, steps, verdict, degradedSince) => {
  let state: NetworkState = NETWORK_WORKS;
  let last = "";
  for (const [tokenId, proxy, ms] of steps) {
    const judged = afterUnreachable(state, { tokenId, proxy, at: NOW + ms }, routes);
    state = judged.state;
    last = judged.verdict;
  }
  expect({ last, since: state.degradedSince }).toEqual({ last: verdict, since: degradedSince });
});

test("the outage lasts until an upstream responds, also when one token alone continues to call", () => {
  const proxied = (at: number) => ({ tokenId: 4, proxy: "http://proxy:1", at });
  let { state } = afterUnreachable(NETWORK_WORKS, { tokenId: 1, proxy: null, at: NOW }, mixed);
  ({ state } = afterUnreachable(state, proxied(NOW + 1), mixed));
  const later = afterUnreachable(state, proxied(NOW + 600_000), mixed);
  expect([later.verdict, later.state.degradedSince]).toEqual(["ours", NOW]);
});

test("a response of any upstream ends the outage and forgets the failures", () => {
  let { state } = afterUnreachable(NETWORK_WORKS, { tokenId: 1, proxy: null, at: NOW }, direct);
  state = afterResponse(state);
  expect(afterUnreachable(state, { tokenId: 2, proxy: null, at: NOW + 1 }, direct).verdict).toBe("unclear");
});

test("an overload is shared once a second token sees it within a minute", () => {
  const first = afterOverload([], 1, NOW);
  expect(first.shared).toBe(false);
  expect(afterOverload(first.seen, 1, NOW + 10).shared).toBe(false);
  expect(afterOverload(first.seen, 2, NOW + 60_000).shared).toBe(true);
  expect(afterOverload(first.seen, 2, NOW + 60_001).shared).toBe(false);
});
