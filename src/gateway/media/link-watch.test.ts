// Which hosts of media links are reported to the operator as ones that nobody can follow.
import { describe, expect, test } from "bun:test";
import { isPrivateHost, LinkWatch, unreachedHost } from "./link-watch.ts";

test.each([
  ["flow2api:8000", true],
  ["f2a", true],
  ["api.internal", true],
  ["nas.local:8000", true],
  ["flow2api.default.svc", true],
  ["172.17.0.2:8000", true],
  ["192.168.1.5", true],
  ["10.0.0.9:80", true],
  ["[fd00::1]:8000", true],
  ["localhost:8000", false],
  ["127.0.0.1:8000", false],
  ["[::1]:8000", false],
  ["images.example.com", false],
  ["172.32.0.1", false],
  ["203.0.113.7:8000", false],
  ["[2001:db8::1]", false],
])("%s", (host, isPrivate) => {
  expect(isPrivateHost(host)).toBe(isPrivate);
});

describe("a private host is reported until a link is fetched there", () => {
  test("made and not fetched", () => {
    const watch = new LinkWatch();
    expect(unreachedHost([watch.hosts()])).toBeNull();
    watch.made("http://flow2api:8000");
    watch.made("https://images.example.com");
    expect(unreachedHost([watch.hosts()])).toBe("flow2api:8000");
    watch.fetched("localhost:8000");
    expect(unreachedHost([watch.hosts()])).toBe("flow2api:8000");
    watch.fetched("flow2api:8000");
    expect(unreachedHost([watch.hosts()])).toBeNull();
    watch.made("http://flow2api:8000");
    expect(unreachedHost([watch.hosts()])).toBeNull();
  });

  test("names that clients make up are bounded", () => {
    const watch = new LinkWatch();
    for (let round = 0; round < 1000; round++) watch.made(`http://made-up-${round}`);
    for (let round = 0; round < 1000; round++) watch.fetched(`made-up-${round}`);
    expect(unreachedHost([watch.hosts()])).toBeNull();
  });
});
