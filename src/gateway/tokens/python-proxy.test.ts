// Every proxy notation of the Python flow2api.
import { expect, test } from "bun:test";
import { readPythonProxy } from "./python-proxy.ts";

test.each([
  ["10.0.0.1:3128", "http://10.0.0.1:3128"],
  ["10.0.0.1:3128:me:secret", "http://me:secret@10.0.0.1:3128"],
  ["me:secret@10.0.0.1:3128", "http://me:secret@10.0.0.1:3128"],
  ["http://10.0.0.1:3128", "http://10.0.0.1:3128"],
  ["HTTPS://proxy.example:8443/", "https://proxy.example:8443"],
  ["http://10.0.0.1:3128:me:secret", "http://me:secret@10.0.0.1:3128"],
  ["https://me:secret@proxy.example:443", "https://me:secret@proxy.example:443"],
  ["10.0.0.1:3128:me:a:b", "http://me:a%3Ab@10.0.0.1:3128"],
  ["me:p@ss/w#rd?@10.0.0.1:3128", "http://me:p%40ss%2Fw%23rd%3F@10.0.0.1:3128"],
  ["me:p%40ss@10.0.0.1:3128", "http://me:p%40ss@10.0.0.1:3128"],
  ["me:100%@10.0.0.1:3128", "http://me:100%25@10.0.0.1:3128"],
  ["me@10.0.0.1:3128", "http://me@10.0.0.1:3128"],
  ["[::1]:3128", "http://[::1]:3128"],
  ["[::1]:3128:me:secret", "http://me:secret@[::1]:3128"],
  ["  proxy.example:3128 ", "http://proxy.example:3128"],
  ["socks5://10.0.0.1:1080", "socks5://10.0.0.1:1080"],
  ["socks5h://me:secret@h:1080", "socks5h://me:secret@h:1080"],
  ["SOCKS5://h:1080:me:100%", "socks5://me:100%25@h:1080"],
  ["st5 10.0.0.1:1080", "socks5://10.0.0.1:1080"],
  ["st5 10.0.0.1:1080:me:secret", "socks5://me:secret@10.0.0.1:1080"],
  ["ST5  me:secret@h:1080", "socks5://me:secret@h:1080"],
  ["st5 socks5://h:1080:me:secret", "socks5://me:secret@h:1080"],
])("%s", (text, expected) => {
  expect(readPythonProxy(text)).toBe(expected);
});

test.each([
  "SOCKS4://h:1",
  "socks4a://me:canary@h:1080",
  "socks6://me:canary@h:1080",
  "st5 h:port:me:canary",
  "",
  "ftp://h:1",
  "a b",
  "h:port",
])("%s is refused and not quoted", (text) => {
  expect(() => readPythonProxy(text)).toThrow(/^(?!.*canary)/);
});
