// When a proxy that the settings do not name is noticed, and what is no proxy.
import { expect, test } from "bun:test";
import { createProxyWatch, trustProxyHint } from "./proxy-watch.ts";
import { arriving } from "./testing.ts";

type Seen = [peer: string | null, forwarded: boolean, path?: string];
const times = (count: number, ...seen: Seen[]): Seen[] => Array.from({ length: count }, () => seen).flat();

function watched(requests: Seen[], trustProxy: string[] = []) {
  const found: string[] = [];
  const watch = createProxyWatch({ trustProxy, found: (address) => found.push(address) });
  for (const [peer, forwarded, path = "/v1/models"] of requests) {
    const headers: Record<string, string> = forwarded ? { "x-forwarded-for": "203.0.113.9" } : {};
    watch.observe(arriving(new Request(`http://localhost${path}`, { headers }), { peer }));
  }
  return { found, untrusted: watch.untrusted() };
}

const PROXY = "172.18.0.1";
const NONE = { found: [], untrusted: null };

test.each<[string, Seen[], string[], ReturnType<typeof watched>]>([
  ["all traffic from one private peer, forwarded", times(10, [PROXY, true]), [], { found: [PROXY], untrusted: PROXY }],
  ["also from the same machine, and over IPv6", times(10, ["::1", true]), [], { found: ["::1"], untrusted: "::1" }],
  ["told once, however long it goes on", times(500, [PROXY, true]), [], { found: [PROXY], untrusted: PROXY }],
  [
    "the container's own health checks do not count",
    times(12, [PROXY, true], ["127.0.0.1", false, "/health"]),
    [],
    { found: [PROXY], untrusted: PROXY },
  ],
  ["too little to say", times(9, [PROXY, true]), [], NONE],
  ["a proxy that is named", times(50, [PROXY, true]), ["172.16.0.0/12"], NONE],
  ["clients that come themselves", times(50, [PROXY, false]), [], NONE],
  ["some come themselves", times(50, [PROXY, true], ["192.168.1.7", false]), [], NONE],
  ["a public address that forwards", times(50, ["203.0.113.1", true]), [], NONE],
  ["several addresses that forward", times(50, [PROXY, true], ["172.18.0.2", true]), [], NONE],
  ["no address at all", times(50, [null, true]), [], NONE],
  [
    "over as soon as somebody comes directly",
    [...times(20, [PROXY, true] as Seen), [PROXY, false]],
    [],
    { found: [PROXY], untrusted: null },
  ],
])("%s", (_name, requests, trustProxy, expected) => {
  expect(watched(requests, trustProxy)).toEqual(expected);
});

test("the hint is the setting, ready to be copied", () => {
  expect(trustProxyHint(PROXY)).toContain('server.trust_proxy = ["172.18.0.1"]');
});
