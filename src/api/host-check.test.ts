// Names and pages from which MCP may be called: those that no stranger can point here.
import { expect, test } from "bun:test";
import { hostRefusal } from "./host-check.ts";

const RULES = { publicUrl: "https://img.example.com", hosts: ["other.example.org"] };

const refusal = (host: string | null, origin: string | null = null, rules = RULES) => hostRefusal(host, origin, rules)?.kind ?? null;

test.each([
  "localhost",
  "localhost:8000",
  "LOCALHOST.:8000",
  "127.0.0.1:8000",
  "[::1]:8000",
  "192.168.1.7:8000",
  "[fd00::7]",
  "flow2api:8000",
  "nas.local",
  "host.docker.internal:8000",
  "box.home.arpa",
  "img.example.com",
  "IMG.example.com:443",
  "other.example.org:8443",
])("the host %s is served", (host) => expect(refusal(host)).toBeNull());

test.each([
  null,
  "",
  "evil.example.com",
  "evil.example.com:8000",
  "127.0.0.1.evil.com",
  "localhost.evil.com",
  "img.example.com.evil.com",
  "evil.com:80:80",
  "xlocal.evil",
  "img.example.com@evil.com",
])("the host %p is refused", (host) => expect(refusal(host)).toBe("forbidden"));

test.each([
  "http://localhost:6274",
  "http://127.0.0.1:3000",
  "http://[::1]:3000",
  "https://img.example.com",
  "https://other.example.org",
  "http://nas.local:1",
  "app://obsidian.md",
  "tauri://localhost",
  "vscode-webview://abc",
  "file://",
])("a page of %s may call", (origin) => expect(refusal("nas.local:8000", origin)).toBeNull());

test.each([
  "null",
  "http://evil.example.com",
  "https://evil.example.com",
  "http://localhost.evil.com",
  "http://6.6.6.6",
  "nonsense",
  "http://",
])("a page of %s may not call", (origin) => expect(refusal("localhost:8000", origin)).toBe("forbidden"));

test("without an address of its own the server takes local names only, and the refusal names the settings", () => {
  const none = { publicUrl: "", hosts: [] };
  expect(refusal("img.example.com", null, none)).toBe("forbidden");
  expect(hostRefusal("img.example.com", null, none)?.message).toMatch(/server\.public_url.*server\.mcp_hosts/);
});
